# A WebSocket client (RFC 6455) that can also do everything wrong.
#
# Payloads are bytes, both ways: what a frame carries is never decoded here.

package ChatTest::WebSocket;

use v5.36;

use Carp qw(croak);
use Digest::SHA qw(sha1_base64);
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use Socket qw(IPPROTO_TCP SOL_SOCKET SO_LINGER TCP_NODELAY);
use Time::HiRes qw(time);

use ChatTest::Frame qw(make_frame take_frame :opcodes);
use ChatTest::Wait qw(PATIENCE);

use constant GUID => '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';


# Connects, sends a handshake and reads the response, whatever it is: see
# status(), header() and body().
#
#   port, path, method, http => '1.1', key,
#   headers => { name => value, or undef to leave it out, or a list },
#   whole => the request itself, whatever it is
#   tls => { ... }: over TLS, with these options of IO::Socket::SSL
#   before => a request to send first; its response is skipped
#   proxy => the line of a proxy that goes before all else
#   early => bytes to send along with the handshake
#   slow => 1: the handshake is sent byte by byte
#   give_up => n: or only so much of it, and then the connection is ended
#   auto_pong => 0: pings are not answered

sub new ($class, %o) {
    my $self = bless {
        auto_pong => 1,
        key       => encode_base64(join('', map { chr rand 256 } 1 .. 16), ''),
        in        => '',
        pings     => 0,
        %o,
    }, $class;

    $self->{socket} = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1',
        PeerPort => $self->{port},
    ) or croak "cannot connect to port $self->{port}: $!";

    $self->{socket}->setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
    $self->_start_tls if $self->{tls};
    $self->{socket}->blocking(0);

    $self->send_bytes($o{proxy}) if defined $o{proxy};

    if (defined $o{before}) {
        $self->send_bytes($o{before});
        $self->read_response;
    }

    $self->_open($self->handshake . ($o{early} // ''));

    return $self;
}


sub _start_tls ($self) {
    require IO::Socket::SSL;

    IO::Socket::SSL->start_SSL($self->{socket}, SSL_verify_mode => 0,
                               Timeout => PATIENCE, %{ $self->{tls} })
        or croak 'no TLS: ' . IO::Socket::SSL::errstr();

    return;
}


sub _open ($self, $text) {
    if (defined $self->{give_up}) {
        $self->send_bytes(substr $text, 0, $self->{give_up});
        $self->disconnect;
        return;
    }

    $self->{slow} ? $self->send_slowly($text) : $self->send_bytes($text);
    $self->read_response;

    return;
}


# the text of the request

sub handshake ($self) {
    return $self->{whole} if defined $self->{whole};

    my %headers = (
        'Host'                  => "127.0.0.1:$self->{port}",
        'Upgrade'               => 'websocket',
        'Connection'            => 'Upgrade',
        'Sec-WebSocket-Version' => '13',
        'Sec-WebSocket-Key'     => $self->{key},
        %{ $self->{headers} // {} },
    );

    my $method = $self->{method} // 'GET';
    my $http = $self->{http} // '1.1';
    my $text = "$method $self->{path} HTTP/$http\r\n";

    for my $name (sort keys %headers) {
        my $value = $headers{$name} // next;
        $text .= "$name: $_\r\n" for ref $value ? @$value : $value;
    }

    return "$text\r\n";
}


# the next response, of which status(), header() and body() tell then

sub read_response ($self) {
    my $deadline = time + PATIENCE;

    while ($self->{in} !~ /\r\n\r\n/) {
        $self->_fill($deadline)
            or croak 'the connection ended before a response came';
    }

    delete $self->{response};
    (my $head, $self->{in}) = split /\r\n\r\n/, $self->{in}, 2;
    (my $line, my @headers) = split /\r\n/, $head;

    ($self->{status}) = $line =~ m{^HTTP/1\.1 (\d{3})}
        or croak "not a response: $line";

    for (@headers) {
        my ($name, $value) = /^([^:]+):\s*(.*?)\s*$/;
        push @{ $self->{response}{lc $name} }, $value;
    }

    if ($self->{status} != 101 && ($self->{method} // '') ne 'HEAD') {
        $self->_read_body($deadline);
    }

    return;
}


sub _read_body ($self, $deadline) {
    my $length = $self->header('content-length') // 0;

    while (length $self->{in} < $length) {
        $self->_fill($deadline) or last;
    }

    $self->{body} = substr $self->{in}, 0, $length, '';

    return;
}


sub status ($self) { return $self->{status} }
sub body ($self)   { return $self->{body} }
sub pings ($self)  { return $self->{pings} }
sub key ($self)    { return $self->{key} }


sub header ($self, $name) {
    my $values = $self->{response}{lc $name} // return undef;

    return join ', ', @$values;
}


# what Sec-WebSocket-Accept must be for the key that was sent

sub accept_value ($self) {
    return sha1_base64($self->{key} . GUID) . '=';
}


# sends any frame; see make_frame()

sub send_frame ($self, %f) {
    return $self->send_bytes(make_frame(%f));
}


sub send_text ($self, $text) {
    return $self->send_frame(opcode => TEXT, payload => $text);
}


sub send_close ($self, $code = undef, $reason = '') {
    my $payload = defined $code ? pack('n', $code) . $reason : '';

    return $self->send_frame(opcode => CLOSE, payload => $payload);
}


# each byte in a segment of its own, as far as the network stack lets us

sub send_slowly ($self, $bytes) {
    $self->send_bytes($_) for split //, $bytes;

    return;
}


# Each piece when the server has read the one before, so that it cannot see
# them together; or has ended the connection.

sub send_apart ($self, @pieces) {
    for my $piece (@pieces) {
        my $deadline = time + PATIENCE;

        $self->send_bytes($piece);

        while ($self->_unread) {
            croak 'the server does not read' if time > $deadline;
            select my $none = undef, my $no_one = undef, undef, 0.001;
        }
    }

    return;
}


# The bytes that wait at the server's end to be read: its receive queue, as
# the kernel lists it by the ports of both ends.

sub _unread ($self) {
    my $ends = sprintf ':%04X [0-9A-F]+:%04X', $self->{port},
        $self->{socket}->sockport;

    open my $file, '<', '/proc/net/tcp' or croak "no /proc/net/tcp: $!";

    while (<$file>) {
        return hex $1 if /$ends 01 [0-9A-F]+:([0-9A-F]+)/;
    }

    return 0;
}


sub send_bytes ($self, $bytes) {
    my $deadline = time + PATIENCE;
    local $SIG{PIPE} = 'IGNORE';

    while (length $bytes) {
        my $n = syswrite $self->{socket}, $bytes;

        if (defined $n) {
            substr $bytes, 0, $n, '';
            next;
        }

        last if !$!{EAGAIN};    # the peer has gone: reading will tell
        $self->_ready('write', $deadline)
            or croak 'the server does not read';
    }

    return;
}


# The next frame as { fin, rsv, opcode, payload }; undef at the end of the
# connection.  Dies if nothing comes in time.

sub read_frame ($self, $seconds = PATIENCE) {
    my $deadline = time + $seconds;

    while (1) {
        my $frame = take_frame(\$self->{in});

        return $frame if $frame;
        return undef if !$self->_fill($deadline);
    }
}


# The next frame that is data or close.  Pings are counted, and answered
# unless auto_pong is off.

sub read_message ($self, $seconds = PATIENCE) {
    my $deadline = time + $seconds;

    while (1) {
        my $frame = $self->read_frame($deadline - time) // return undef;

        return $frame if $frame->{opcode} < PING;

        if ($frame->{opcode} == PING) {
            $self->{pings}++;
            $self->send_frame(opcode => PONG, payload => $frame->{payload})
                if $self->{auto_pong};
        }
    }
}


# The next message, of whatever fragments, as { rsv, opcode, payload, frames:
# how many they were }; undef at the end.  Control frames are passed over.

sub read_whole ($self, $seconds = PATIENCE) {
    my $deadline = time + $seconds;
    my %message = (payload => '', frames => 0);

    while (1) {
        my $frame = $self->read_frame($deadline - time) // return undef;

        next if $frame->{opcode} > BINARY;
        @message{qw(rsv opcode)} = @$frame{qw(rsv opcode)}
            if $frame->{opcode} != CONTINUATION;

        $message{payload} .= $frame->{payload};
        $message{frames}++;

        return \%message if $frame->{fin};
    }
}


# whether something can be read at once

sub readable ($self) {
    return length $self->{in}
        || $self->{tls} && $self->{socket}->pending
        || $self->_ready('read', time);
}


# The code and the reason of the close frame that ends the connection, and
# whether the server then ended it: in a list.  What comes before is skipped.

sub read_close ($self, $seconds = PATIENCE) {
    my $deadline = time + $seconds;

    while (1) {
        my $frame = $self->read_frame($deadline - time) // return;

        next if $frame->{opcode} != CLOSE;

        $self->send_frame(%$frame);

        return (ChatTest::Frame::read_close($frame), !$self->_fill($deadline));
    }
}


# ends the connection without a word, or with a reset

sub disconnect ($self, $reset = 0) {
    if ($reset) {
        $self->{socket}->setsockopt(SOL_SOCKET, SO_LINGER, pack 'll', 1, 0);
    }

    close $self->{socket};

    return;
}


# reads what is there, waiting for it if need be; false at the end

sub _fill ($self, $deadline) {
    while (1) {
        my $n = sysread $self->{socket}, $self->{in}, 65536,
            length $self->{in};

        return $n if defined $n;
        return 0 if !$!{EAGAIN};    # a reset is an end as well

        $self->_ready('read', $deadline)
            or croak 'nothing came within the time allowed';
    }
}


sub _ready ($self, $what, $deadline) {
    my $bits = '';
    vec($bits, fileno $self->{socket}, 1) = 1;

    my @sets = $what eq 'read' ? ($bits, undef) : (undef, $bits);
    my $left = $deadline - time;

    return 0 < select $sets[0], $sets[1], undef, $left > 0 ? $left : 0;
}

1;
