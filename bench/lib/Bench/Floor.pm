# build/bench/floor, which sends what a node would send and does nothing else,
# with the clients of a node.

package Bench::Floor;

use v5.36;

use Carp qw(croak);

use Bench::Load;
use Bench::Program;
use Bench::Usage;
use ChatTest::Port qw(take_port);

use constant {
    READY => 90,
    LATE  => 30,            # seconds that it may take longer than it should
};


# rooms, sessions, size (of a text), placement, processes (of clients)

sub new ($class, %o) {
    my ($port, $lock) = take_port;
    my $self = bless { %o, port => $port, lock => $lock }, $class;

    $self->{program} = Bench::Program->new(
        name      => 'floor',
        arguments => [$port, $o{rooms}, $o{size}],
        cpus      => $o{placement}->server,
    );
    $self->{program}->await('listening', READY);

    $self->{load} = Bench::Load->new(
        sessions      => $o{sessions},
        conversations => [1 .. $o{rooms}],
        processes     => $o{processes},
        cpus          => $o{placement}->others,
    );

    return $self;
}


sub open ($self) {
    $self->{program}->tell("ready $self->{sessions}");
    $self->{load}->listen($self->{port});
    $self->{program}->await('ready', READY);

    return;
}


# messages at a rate, so many at once; what became of them

sub send ($self, $rate, $seconds, $burst = 1) {
    return $self->_measure(
        sprintf('send %.6f %d %d %d', $rate, 1000 * $seconds, $burst,
                Bench::Load::start_time()),
        $seconds,
    );
}


sub loop ($self, $seconds) {
    return $self->_measure(sprintf('loop %d', 1000 * $seconds), $seconds);
}


sub _measure ($self, $line, $seconds) {
    $self->{load}->begin;

    my $before = Bench::Usage->now($self->{program}->pid);

    $self->{program}->tell($line);

    my $said = $self->{program}->line($seconds + LATE)
        // croak 'the floor hangs';
    my %said = $said =~ /(\w+)=(\d+)/g;

    $self->{load}->await_events($said{sends});

    my $usage = Bench::Usage->now($self->{program}->pid)->since($before);
    my $report = $self->{load}->report;

    croak "the floor has sent $said{sends}, $report->{events} came,"
        . " $report->{missing} missing, $report->{doubled} doubled"
        if $report->{events} != $said{sends} || $report->{missing}
            || $report->{doubled};

    return {
        %$usage,
        messages   => $said{messages},
        deliveries => $report->{events},
        bytes      => $report->{bytes},
        sends      => $said{sends},
        us         => $said{us},
        receive    => $report->{receive},
    };
}


sub close ($self) {
    $self->{load}->close;
    $self->{program}->close;

    return;
}

1;
