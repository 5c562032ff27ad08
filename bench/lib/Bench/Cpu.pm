# The processor time of the parts of an instance.

package Bench::Cpu;

use v5.36;

use List::Util qw(sum);
use POSIX ();

use Bench::Instance;

use constant TICK => 1 / POSIX::sysconf(POSIX::_SC_CLK_TCK());

my @NAMES = ('nginx', 'Redis', 'chat-persist', 'PostgreSQL', 'load');


# what it is now: part => { process => seconds }, and idle => seconds of the
# whole machine

sub now ($class, $chat, $load) {
    my $postgres = $chat->pid_of('PostgreSQL');
    my %pids = (
        'nginx'        => [$chat->worker_pids],
        'Redis'        => [$chat->pid_of('Redis')],
        'chat-persist' => [$chat->pid_of('chat-persist')],
        'PostgreSQL'   => [$postgres, Bench::Instance::children($postgres)],
        'load'         => [$load->pids],
    );

    return bless {
        idle => _idle(),
        map {
            my $name = $_;
            $name => { map { $_ => seconds($_) } @{ $pids{$name} } };
        } @NAMES,
    }, $class;
}


sub names ($class) { return @NAMES }


# what a part has taken since then, its processes that have ended included

sub of ($self, $name, $before) {
    return sum(values %{ $self->{$name} }) - sum(values %{ $before->{$name} });
}


sub idle ($self, $before) { return $self->{idle} - $before->{idle} }


# of the process that took most: name of its part, seconds

sub busiest ($self, $before) {
    my ($most, $whose) = (0, '');

    for my $name (@NAMES) {
        for my $pid (keys %{ $self->{$name} }) {
            my $took = $self->{$name}{$pid} - ($before->{$name}{$pid} // 0);

            ($most, $whose) = ($took, $name) if $took > $most;
        }
    }

    return ($whose, $most);
}


# of a process, with the children that it has waited for, as PostgreSQL and Redis have some

sub seconds ($pid) {
    my $text = Bench::Instance::slurp("/proc/$pid/stat");
    my @fields = split ' ', $text =~ s/.*\)//sr;

    return sum(0, grep { defined } @fields[11 .. 14]) * TICK;
}


sub _idle () {
    my ($line) = Bench::Instance::slurp('/proc/stat') =~ /^cpu +(.*)/;

    return (split ' ', $line)[3] * TICK;
}

1;
