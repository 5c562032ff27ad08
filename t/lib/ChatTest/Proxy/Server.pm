# The process of a proxy: its loop, its listeners, and who controls it.  One
# line of JSON is asked, one is answered.  See ChatTest::Proxy.

package ChatTest::Proxy::Server;

use v5.36;

use Carp qw(croak);
use IO::Socket::INET;
use IO::Socket::UNIX;
use Time::HiRes qw(time);

use ChatTest::Json qw(decode encode);
use ChatTest::Proxy::Pair;

my %verbs = (
    listen      => \&_do_listen,
    fault       => \&_do_fault,
    heal        => \&_do_heal,
    cut         => \&_do_cut,
    swallowed   => \&_do_swallowed,
    connections => \&_do_connections,
);


sub new ($class, $path) {
    my $self = bless {
        rin => '', win => '', on_read => {}, on_write => {}, late => {},
        listeners => {}, number => 0,
    }, $class;

    my $socket = IO::Socket::UNIX->new(Local => "$path.new", Listen => 100)
        or croak "cannot listen on $path: $!";

    $self->want_read($socket, sub { $self->_accept_control($socket) });
    rename "$path.new", $path or croak "cannot rename $path.new: $!";

    return $self;
}


sub run ($self) {
    $SIG{PIPE} = 'IGNORE';
    $self->_turn while 1;

    return;
}


# The loop ---------------------------------------------------------------

# on: what to call when a descriptor is ready, undef for nothing any more

sub want_read ($self, $socket, $on)  { return $self->_want('r', $socket, $on) }
sub want_write ($self, $socket, $on) { return $self->_want('w', $socket, $on) }


sub _want ($self, $way, $socket, $on) {
    my ($set, $calls) = $way eq 'r' ? qw(rin on_read) : qw(win on_write);
    my $fd = fileno $socket;

    vec($self->{$set}, $fd, 1) = $on ? 1 : 0;

    if ($on) {
        $self->{$calls}{$fd} = $on;
    } else {
        delete $self->{$calls}{$fd};
    }

    return;
}


# a call that is due at a time; one per key, undef: none

sub want_late ($self, $key, $due, $on) {
    if ($on) {
        $self->{late}{$key} = [$due, $on];
    } else {
        delete $self->{late}{$key};
    }

    return;
}


sub _turn ($self) {
    my ($next) = sort { $a <=> $b } map { $_->[0] } values %{ $self->{late} };
    my $wait = defined $next ? $next - time : undef;
    $wait = 0 if defined $wait && $wait < 0;

    my $n = select my $readable = $self->{rin}, my $writable = $self->{win},
        undef, $wait;

    if ($n > 0) {
        $self->_call('on_write', $writable);
        $self->_call('on_read', $readable);
    }

    if (defined $next) {
        my $now = time;

        for my $call (grep { $_->[0] <= $now } values %{ $self->{late} }) {
            $call->[1]->();
        }
    }

    return;
}


sub _call ($self, $calls, $set) {
    my $bits = unpack 'b*', $set;
    my $fd = -1;

    while (($fd = index $bits, '1', $fd + 1) >= 0) {
        my $on = $self->{$calls}{$fd};
        $on->() if $on;
    }

    return;
}


# Who controls it ----------------------------------------------------------

sub _accept_control ($self, $socket) {
    my $peer = $socket->accept // return;

    # who asks sends its line at once
    my $line = readline $peer;
    my $answer = eval { $self->_answer(decode($line)) } // { error => $@ };

    print $peer encode($answer), "\n" if defined $line;
    close $peer;

    return;
}


sub _answer ($self, $q) {
    my $verb = $verbs{ $q->{verb} } // croak "no such verb: $q->{verb}";
    my $listener = $self->{listeners}{ $q->{listener} };

    croak "no such listener: $q->{listener}"
        if !$listener && $q->{verb} ne 'listen';

    return $self->$verb($listener, $q);
}


sub _do_listen ($self, $listener, $q) {
    croak "there is such a listener: $q->{listener}" if $listener;

    my $socket = _listen_on($q->{on});

    $listener = { to => $q->{to}, resp => $q->{resp}, pairs => {},
                  faults => [] };
    $self->{listeners}{ $q->{listener} } = $listener;
    $self->want_read($socket, sub { $self->_accept($listener, $socket) });

    return { on => $q->{on} };
}


sub _listen_on ($place) {
    my $socket;

    if ($place =~ m{^/}) {
        unlink $place;
        $socket = IO::Socket::UNIX->new(Local => $place, Listen => 1000)
            or croak "cannot listen on $place: $!";
        chmod 0777, $place;

    } else {
        $socket = IO::Socket::INET->new(LocalAddr => $place, Listen => 1000,
                                        ReuseAddr => 1)
            or croak "cannot listen on $place: $!";
    }

    $socket->blocking(0);

    return $socket;
}


sub _do_fault ($self, $listener, $q) {
    for my $key (qw(only message subscribe)) {
        $q->{$key} = qr/$q->{$key}/ if defined $q->{$key};
    }

    $q->{before} = $self->{number} + 1 if $q->{existing};
    push @{ $listener->{faults} }, $q;

    $_->update for values %{ $listener->{pairs} };

    return {};
}


sub _do_heal ($self, $listener, $q) {
    my $kind = $q->{kind};
    my @left = grep { defined $kind && $_->{kind} ne $kind }
        @{ $listener->{faults} };

    $listener->{faults} = \@left;
    $_->update for values %{ $listener->{pairs} };

    return {};
}


sub _do_cut ($self, $listener, $q) {
    my @cut = grep { !defined $q->{only} || $_->name =~ /$q->{only}/ }
        values %{ $listener->{pairs} };

    $_->cut for @cut;

    return { count => scalar @cut };
}


sub _do_swallowed ($self, $listener, $q) {
    my $count = 0;

    $count += $_->{count} // 0 for @{ $listener->{faults} };

    return { count => $count };
}


sub _do_connections ($self, $listener, $q) {
    return { connections => [map { $_->state } values
                             %{ $listener->{pairs} }] };
}


# Connections --------------------------------------------------------------

sub _accept ($self, $listener, $socket) {
    while (my $client = $socket->accept) {
        my $number = ++$self->{number};
        my $refuse = grep { $_->{kind} eq 'refuse' } @{ $listener->{faults} };
        my $server = $refuse ? undef : _connect($listener->{to});

        if (!$server) {
            ChatTest::Proxy::Pair::reset_socket($client);
            next;
        }

        my $pair = ChatTest::Proxy::Pair->new($self, $listener, $number,
                                              $client, $server);
        $listener->{pairs}{$number} = $pair;
        $pair->update;
    }

    return;
}


# It goes on while the caller does: a server that is not there shows later.

sub _connect ($place) {
    return $place =~ m{^/}
        ? IO::Socket::UNIX->new(Peer => $place, Blocking => 0)
        : IO::Socket::INET->new(PeerAddr => $place, Blocking => 0);
}

1;
