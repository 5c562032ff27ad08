# A WebSocket that never waits: for many of them in one process, over
# connections that may be cut, or stand still, at any moment.
#
#     my $wire = ChatTest::Chaos::Wire->new(%$url, token => $token);
#
#     select on $wire->socket, to write too if $wire->wants_to_write; then
#     for ($wire->read) { ... }         # texts, in the order in which they came
#     $wire->write;
#
# It is over when ended() says why.

package ChatTest::Chaos::Wire;

use v5.36;

use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use Socket qw(IPPROTO_TCP SOL_SOCKET SO_ERROR SO_LINGER TCP_NODELAY);
use Time::HiRes qw(time);

use ChatTest::Frame qw(make_frame take_frame read_close :opcodes);

use constant {
    CHUNK => 65536,
    TURN  => 4,                 # chunks read at a time
};


# host, port, path, token

sub new ($class, %o) {
    my $self = bless {
        %o,
        state => 'connecting', in => '', since => time,
    }, $class;

    $self->{socket} = IO::Socket::INET->new(
        PeerAddr => $o{host},
        PeerPort => $o{port},
        Blocking => 0,
    );
    $self->{out} = $self->_handshake;
    $self->_end("cannot connect: $!") if !$self->{socket};

    return $self;
}


sub _handshake ($self) {
    my $key = encode_base64(join('', map { chr rand 256 } 1 .. 16), '');

    return <<~"END" =~ s/\n/\r\n/gr;
        GET $self->{path} HTTP/1.1
        Host: $self->{host}:$self->{port}
        Upgrade: websocket
        Connection: Upgrade
        Sec-WebSocket-Version: 13
        Sec-WebSocket-Key: $key
        Sec-WebSocket-Protocol: chat.v1
        Authorization: Bearer $self->{token}

        END
}


sub socket ($self) { return $self->{socket} }
sub open ($self)   { return $self->{state} eq 'open' }
sub ended ($self)  { return $self->{ended} }
sub age ($self)    { return time - $self->{since} }


sub wants_to_write ($self) {
    return !$self->{ended} && length $self->{out};
}


sub send ($self, $text) {
    $self->{out} .= make_frame(opcode => TEXT, payload => $text);
    $self->write if $self->open;

    return;
}


sub write ($self) {
    return if $self->{ended};

    if ($self->{state} eq 'connecting') {
        my $error = $self->{socket}->sockopt(SO_ERROR);

        return $self->_end('cannot connect: ' . ($! = $error)) if $error;
        $self->{socket}->setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
        $self->{state} = 'handshake';
    }

    local $SIG{PIPE} = 'IGNORE';
    my $n = syswrite $self->{socket}, $self->{out};

    substr $self->{out}, 0, $n, '' if $n;
    $self->_end("cannot write: $!") if !defined $n && !$!{EAGAIN};

    return;
}


sub read ($self) {
    return () if $self->{ended};

    for (1 .. TURN) {
        my $n = sysread $self->{socket}, $self->{in}, CHUNK,
            length $self->{in};

        next if $n;
        last if !defined $n && $!{EAGAIN};

        # what came before the end counts
        my @texts = $self->_take;

        $self->_end(defined $n ? 'ended' : "cannot read: $!");

        return @texts;
    }

    return $self->_take;
}


sub _take ($self) {
    return () if $self->{state} ne 'open' && !$self->_response;

    my @texts;

    while (my $frame = take_frame(\$self->{in})) {
        my $opcode = $frame->{opcode};

        if ($opcode == TEXT) {
            push @texts, $frame->{payload};

        } elsif ($opcode == PING) {
            $self->{out} .= make_frame(opcode => PONG,
                                       payload => $frame->{payload});

        } elsif ($opcode == CLOSE) {
            $self->_end('closed ' . join ' ', read_close($frame));
            last;
        }
    }

    return @texts;
}


# whether there is one, and it is good

sub _response ($self) {
    return 0 if $self->{in} !~ /\r\n\r\n/;

    (my $head, $self->{in}) = split /\r\n\r\n/, $self->{in}, 2;

    if ($head !~ m{^HTTP/1\.1 101 }) {
        $self->_end('refused: ' . $head =~ s/\r\n.*//sr);
        return 0;
    }

    $self->{state} = 'open';

    return 1;
}


# Ends it: with a word, by the end of the stream, or with a reset.

sub hang_up ($self, $how) {
    return if $self->{ended};

    if ($how eq 'close') {
        $self->{out} .= make_frame(opcode => CLOSE, payload => pack 'n', 1000);
        $self->write;

    } elsif ($how eq 'reset') {
        $self->{socket}->setsockopt(SOL_SOCKET, SO_LINGER, pack 'll', 1, 0);
    }

    $self->_end("hung up: $how");

    return;
}


sub _end ($self, $why) {
    $self->{ended} //= $why;
    close $self->{socket} if $self->{socket};

    return;
}

1;
