# What processes have taken: processor time and calls that write.
#
# The time is that of the scheduler, to the nanosecond (schedstat), of which
# user and system have their parts as the clock's ticks have found them (stat):
# over less than ten seconds these parts say little.  Calls are write() and
# writev(), to whatever (io); send() is none.

package Bench::Usage;

use v5.36;

use List::Util qw(sum);

use Bench::Instance;


# of these processes together; writes is undef where the kernel does not tell

sub now ($class, @pids) {
    my %sum = map { $_ => 0 } qw(ns user system writes);

    for my $pid (@pids) {
        my ($ns) = split ' ', Bench::Instance::slurp("/proc/$pid/schedstat")
            or die "process $pid has ended\n";
        my $stat = Bench::Instance::slurp("/proc/$pid/stat") =~ s/.*\)//sr;
        my ($user, $system) = (split ' ', $stat)[11, 12];
        my ($writes) = Bench::Instance::slurp("/proc/$pid/io")
            =~ /^syscw: (\d+)/m;

        $sum{ns} += $ns;
        $sum{user} += $user;
        $sum{system} += $system;
        $sum{writes} = defined $writes && defined $sum{writes}
            ? $sum{writes} + $writes : undef;
    }

    return bless \%sum, $class;
}


sub since ($self, $before) {
    return {
        map {
            $_ => defined $self->{$_} && defined $before->{$_}
                ? $self->{$_} - $before->{$_} : undef
        } qw(ns user system writes)
    };
}

1;
