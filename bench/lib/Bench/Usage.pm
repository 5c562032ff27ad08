# What processes have taken: processor time and calls that write.
#
# The time is that of the scheduler, to the nanosecond (schedstat), of which
# user and system have their parts as the clock's ticks have found them (stat):
# over less than ten seconds these parts say little.  Calls are write() and
# writev(), to whatever (io); send() is none.

package Bench::Usage;

use v5.36;

use Bench::Instance;


# now, of these processes

sub now ($class, @pids) {
    return bless { map { $_ => _of($_) } @pids }, $class;
}


# what those that are there now have taken since then, together: ns, user and
# system (ticks), writes, which is undef where the kernel does not tell

sub since ($self, $before) {
    my %sum = map { $_ => 0 } qw(ns user system writes);

    for my $pid (keys %$self) {
        my ($now, $then) = ($self->{$pid}, $before->{$pid});

        for my $name (keys %sum) {
            $sum{$name} = defined $sum{$name} && defined $now->{$name}
                ? $sum{$name} + $now->{$name} - ($then->{$name} // 0) : undef;
        }
    }

    return \%sum;
}


sub _of ($pid) {
    my ($ns) = split ' ', Bench::Instance::slurp("/proc/$pid/schedstat");
    my $stat = Bench::Instance::slurp("/proc/$pid/stat") =~ s/.*\)//sr;
    my ($user, $system) = (split ' ', $stat)[11, 12];
    my ($writes) = Bench::Instance::slurp("/proc/$pid/io")
        =~ /^syscw: (\d+)/m;

    return {
        ns     => $ns // 0,
        user   => $user // 0,
        system => $system // 0,
        writes => $writes,
    };
}

1;
