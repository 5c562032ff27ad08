# One connection through a proxy: a client's and the one to the server, and
# what is on its way up (client to server) and down.
#
# Each way is a queue of pieces with the time when they are due.  While a way
# is stalled it is neither read nor written, so that both ends find out for
# themselves, as with a network that is gone.  A pair that was in a blackhole
# is dead for ever: what it is sent after that is thrown away.

package ChatTest::Proxy::Pair;

use v5.36;

use Errno qw(EAGAIN EINTR);
use Socket qw(AF_UNIX IPPROTO_TCP SOL_SOCKET SO_LINGER TCP_NODELAY);
use Time::HiRes qw(time);

use ChatTest::Proxy::Resp;

use constant {
    PIECE => 65536,
    QUEUE => 1 << 20,       # bytes; more are not read
};


sub new ($class, $loop, $listener, $number, $client, $server) {
    my $self = bless {
        loop => $loop, listener => $listener, number => $number,
        sockets => [$client, $server], dead => 0, closed => 0,
    }, $class;

    for my $socket ($client, $server) {
        $socket->blocking(0);
        $socket->setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
            if $socket->sockdomain != AF_UNIX;
    }

    $self->{up}   = $self->_way('up', $client, $server);
    $self->{down} = $self->_way('down', $server, $client);
    $self->{resp} = ChatTest::Proxy::Resp->new($listener)
        if $listener->{resp};

    return $self;
}


sub _way ($self, $name, $from, $to) {
    return {
        name => $name, from => $from, to => $to, queue => [], bytes => 0,
        came => 0, delay => 0, last => 0, stalled => 0, eof => 0, done => 0,
    };
}


sub name ($self) { return $self->{resp} ? $self->{resp}->name : '' }


sub state ($self) {
    return {
        id   => $self->{number},
        name => $self->name,
        dead => $self->{dead},
        up   => $self->{up}{came},
        down => $self->{down}{came},
    };
}


# Takes on the faults of its listener, as they are now.

sub update ($self) {
    my @faults = grep { $self->_is_meant($_) }
        @{ $self->{listener}{faults} };
    my $black = grep { $_->{kind} eq 'blackhole' } @faults;

    $self->{dead} = 1 if $black;

    for my $way (@$self{qw(up down)}) {
        my @these = grep { ($_->{way} // $way->{name}) eq $way->{name} }
            @faults;
        my @delays = map { $_->{ms} } grep { $_->{kind} eq 'delay' } @these;

        $way->{delay} = ($delays[-1] // 0) / 1000;
        $way->{stalled} = $black || grep { $_->{kind} eq 'stall' } @these;

        if ($self->{dead}) {
            $way->{queue} = [];
            $way->{bytes} = 0;
        }

        $self->_want($way);
    }

    return;
}


sub _is_meant ($self, $fault) {
    return 0 if defined $fault->{only} && $self->name !~ $fault->{only};
    return 0 if defined $fault->{before} && $self->{number} >= $fault->{before};
    return 1;
}


# tells the loop what is to be waited for, one way

sub _want ($self, $way) {
    return if $self->{closed};

    my $loop = $self->{loop};
    my $first = $way->{queue}[0];
    my $goes = !$way->{stalled};
    my $late = $goes && $first && $first->[0] > time;
    my $read = $goes && !$way->{eof} && $way->{bytes} < QUEUE;
    my $write = $goes && $first && !$late;

    $loop->want_read($way->{from}, $read ? sub { $self->_read($way) } : undef);
    $loop->want_write($way->{to}, $write ? sub { $self->_write($way) } : undef);
    $loop->want_late("$self->{number}$way->{name}", $first->[0],
                     sub { $self->_write($way) }) if $late;
    $loop->want_late("$self->{number}$way->{name}", 0, undef) if !$late;

    return;
}


sub _read ($self, $way) {
    my $n = sysread $way->{from}, my $bytes, PIECE;

    if (!defined $n) {
        return if $! == EAGAIN || $! == EINTR;
        return $self->cut;
    }

    $way->{eof} = 1 if $n == 0;

    if ($self->{dead}) {
        return $self->_dead($way);
    }

    $way->{came} += $n;
    $bytes = $self->_filtered($way, $bytes) if $n > 0 && $self->{resp};

    if ($n == 0 || length $bytes) {
        $self->_queue($way, $n == 0 ? undef : $bytes);
    }

    return $self->_write($way);
}


# what the client sends may make answers, and give the connection its name

sub _filtered ($self, $way, $bytes) {
    my $resp = $self->{resp};

    return $resp->down($bytes) if $way->{name} eq 'down';

    my $name = $resp->name;
    my ($on, $answer) = $resp->up($bytes);

    if (length $answer) {
        $self->_queue($self->{down}, $answer);
        $self->_want($self->{down});
    }

    if ($resp->name ne $name) {
        $self->update;
    }

    return $on;
}


# undef: the end

sub _queue ($self, $way, $bytes) {
    my $due = time + $way->{delay};

    $due = $way->{last} if $due < $way->{last};
    $way->{last} = $due;
    $way->{bytes} += length $bytes if defined $bytes;

    push @{ $way->{queue} }, [$way->{delay} || $due > time ? $due : 0, $bytes];

    return;
}


sub _write ($self, $way) {
    return if $self->{closed};

    my $now = time;
    my $queue = $way->{queue};

    while (!$way->{stalled} && @$queue && $queue->[0][0] <= $now) {
        my $bytes = $queue->[0][1];

        if (!defined $bytes) {
            shutdown $way->{to}, 1;
            $way->{done} = 1;
            shift @$queue;
            last;
        }

        my $n = syswrite $way->{to}, $bytes;

        if (!defined $n) {
            last if $! == EAGAIN || $! == EINTR;
            return $self->cut;
        }

        $way->{bytes} -= $n;

        if ($n < length $bytes) {
            substr $queue->[0][1], 0, $n, '';
            last;
        }

        shift @$queue;
    }

    return $self->_close if $self->{up}{done} && $self->{down}{done};

    return $self->_want($way);
}


# the client of a dead one has given up; the server may have done so before

sub _dead ($self, $way) {
    return $self->_close if $way->{eof} && $way->{name} eq 'up';

    return $self->_want($way);
}


# ends it, with a reset

sub cut ($self) {
    return $self->_close(1);
}


sub _close ($self, $reset = 0) {
    return if $self->{closed};

    my ($loop, $number) = @$self{qw(loop number)};

    for my $socket (@{ $self->{sockets} }) {
        $loop->want_read($socket, undef);
        $loop->want_write($socket, undef);
    }

    $loop->want_late("$number$_", 0, undef) for qw(up down);

    for my $socket (@{ $self->{sockets} }) {
        $reset ? reset_socket($socket) : close $socket;
    }

    $self->{closed} = 1;
    delete $self->{listener}{pairs}{$number};
    delete @$self{qw(up down)};

    return;
}


sub reset_socket ($socket) {
    $socket->setsockopt(SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0);
    close $socket;

    return;
}

1;
