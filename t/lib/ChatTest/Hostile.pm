# Clients that mean no good: handshakes, frames and requests that were right
# once and have been bent, bytes at random, pieces of any size, connections
# that end anyhow.  All of it follows from a seed.

package ChatTest::Hostile;

use v5.36;

use Compress::Raw::Zlib qw(Z_SYNC_FLUSH);
use IO::Socket::INET;
use IO::Socket::SSL qw(SSL_VERIFY_NONE);
use Socket qw(IPPROTO_TCP SOL_SOCKET SO_LINGER TCP_NODELAY);

use ChatTest::Frame qw(make_frame :opcodes);

# connections that are left open for a while, whose other end waits
use constant LINGERING => 40;

# the largest piece that is sent at once, and the longest run of frames
use constant { PIECE => 4096, RUN => 30 };

my @extensions = ('permessage-deflate', 'permessage-deflate; x',
    'permessage-deflate; client_max_window_bits',
    'permessage-deflate; server_max_window_bits=9, permessage-deflate',
    'x-webkit-deflate-frame', ',;="');
my @types = qw(ping authenticate conversation.join conversation.leave
    conversation.list conversation.create conversation.update
    conversation.delete member.add member.remove message.send message.edit
    message.delete reaction.add history.get read.mark delivered.mark
    typing.start typing.stop presence.set presence.subscribe
    presence.unsubscribe presence.get x);
my @values = ('"lobby"', '"nobody"', '""', '"\ud800"', '"\u0000"', 'null',
    'true', '-1', '0', '1', '1e99', '9007199254740993', '[]', '{}', '[[[[]]]]',
    '["lobby","lobby"]', '[{"conversationId":"lobby","afterRevision":0}]',
    '{"type":"text","text":"x"}', '"' . 'x' x 300 . '"', '');
my @names = qw(conversationId conversations afterRevision content messageId
    clientMessageId sequenceNumber limit beforeSequence userId members type
    name emoji token replyTo mentions userIds status text subscribe);


# ports: { plain => n, tls => n }; tokens: texts, good and bad ones; paths

sub new ($class, %o) {
    return bless { %o, open => [], visits => 0 }, $class;
}


sub visits ($self) { return $self->{visits} }


# one connection: what it begins with, what it sends, how it ends

sub visit ($self) {
    $self->{visits}++;

    my $socket = $self->_connect // return;
    my $bytes = $self->_handshake;

    $bytes .= join '', map { $self->_frames } 1 .. rand 3;
    $bytes = _bend($bytes) if rand() < 0.1;

    $self->_send($socket, $bytes);
    $self->_end($socket);

    return;
}


sub leave ($self) {
    close $_ for splice @{ $self->{open} };

    return;
}


sub _one_of (@list) { return $list[rand @list] }


sub _connect ($self) {
    my $kind = rand() < 0.8 ? 'plain' : 'tls';
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1',
        PeerPort => $self->{ports}{$kind},
    ) or return undef;

    $socket->setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);

    # plain bytes where TLS is expected are worth a try too
    if ($kind eq 'tls' && rand() < 0.9) {
        IO::Socket::SSL->start_SSL($socket,
            SSL_verify_mode => SSL_VERIFY_NONE, Timeout => 10)
            or return undef;
    }

    $socket->blocking(0);

    return $socket;
}


sub _handshake ($self) {
    return '' if rand() < 0.02;

    my $path = _one_of(@{ $self->{paths} });
    my $token = _one_of(@{ $self->{tokens} });
    my $place = _one_of(qw(header header protocol cookie query none));
    my %headers = (
        'Host'                   => 'localhost',
        'Upgrade'                => 'websocket',
        'Connection'             => 'Upgrade',
        'Sec-WebSocket-Version'  => '13',
        'Sec-WebSocket-Key'      => 'dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Protocol' => 'chat.v1',
    );

    $headers{Authorization} = "Bearer $token" if $place eq 'header';
    $headers{Cookie} = "chat_token=$token" if $place eq 'cookie';
    $headers{'Sec-WebSocket-Protocol'} .= ", bearer.$token"
        if $place eq 'protocol';
    $path .= "?token=$token" if $place eq 'query';
    $headers{'Sec-WebSocket-Extensions'} = _one_of(@extensions)
        if rand() < 0.4;
    $headers{Origin} = _one_of('http://localhost', 'null', 'https://x.example')
        if rand() < 0.2;

    my $text = join "\r\n", "GET $path HTTP/1.1",
        (map { "$_: $headers{$_}" } sort keys %headers), '', '';

    return rand() < 0.25 ? _bend($text) : $text;
}


# a run of frames: most of them good, so that what comes after is looked at

sub _frames ($self) {
    my $bytes = '';

    for (1 .. 1 + rand RUN) {
        my $frame = make_frame($self->_frame);

        $frame = _bend($frame) if rand() < 0.02;
        $bytes .= $frame;
    }

    return $bytes;
}


sub _frame ($self) {
    my $dice = rand;

    return (payload => _deflated($self->_request), rsv => 4) if $dice < 0.2;
    return (payload => $self->_request) if $dice < 0.5;

    return (opcode => _one_of(PING, PONG), payload => 'p' x rand 126)
        if $dice < 0.65;

    return (opcode => _one_of(TEXT, BINARY, CONTINUATION), fin => rand() < 0.5,
            payload => 'f' x rand 200, rsv => rand() < 0.2 ? 4 : 0)
        if $dice < 0.9;

    return (opcode => TEXT, fin => 0, payload => substr $self->_request, 0, 9)
        if $dice < 0.93;

    return (opcode => CLOSE, payload => pack 'n', rand 5000) if $dice < 0.94;

    return (opcode => int rand 16, fin => rand() < 0.5, rsv => int rand 8,
            payload => _noise(rand 300),
            rand() < 0.3 ? (length => int rand 70000, bits => 64) : ());
}


sub _request ($self) {
    my $data = join ',', map {
        '"' . _one_of(@names) . '":' . _one_of(@values)
    } 1 .. rand 4;
    my $text = sprintf '{"type":"%s","id":%s,"data":{%s}}', _one_of(@types),
        _one_of('1', '"a"', 'null', '{}'), $data;

    return rand() < 0.1 ? _bend($text) : $text;
}


# as RFC 7692 has it: one block, without the end of the stream

sub _deflated ($text) {
    my $deflate = Compress::Raw::Zlib::Deflate->new(-WindowBits => -15,
                                                    -AppendOutput => 1);
    my $bytes = '';

    $deflate->deflate($text, $bytes);
    $deflate->flush($bytes, Z_SYNC_FLUSH);
    $bytes = substr $bytes, 0, -4;

    return rand() < 0.2 ? _bend($bytes) : $bytes;
}


# a few bytes other than they were, missing, twice, or with noise between

sub _bend ($bytes) {
    for (1 .. 1 + rand 3) {
        my $at = int rand(1 + length $bytes);
        my $n = int rand 5;
        my $dice = rand;

        substr($bytes, $at, $n) = $dice < 0.3 ? _noise($n)
            : $dice < 0.5 ? ''
            : $dice < 0.7 ? substr($bytes, $at, $n) x 2
            : $dice < 0.8 ? _noise(rand 40) . substr $bytes, $at, $n
            : substr($bytes, $at, $n) ^. chr(1 << rand 8) x $n;
    }

    return $bytes;
}


sub _noise ($n) {
    return pack 'C*', map { rand 256 } 1 .. $n;
}


# in pieces of any size; what the server does not take is dropped

sub _send ($self, $socket, $bytes) {
    local $SIG{PIPE} = 'IGNORE';

    while (length $bytes) {
        my $size = _one_of(1, 2, 7, 100, PIECE);
        my $sent = syswrite $socket, $bytes, $size;

        last if !$sent;
        substr $bytes, 0, $sent, '';
        sysread $socket, my $answer, 65536 if rand() < 0.3;
    }

    return;
}


sub _end ($self, $socket) {
    my $dice = rand;

    if ($dice < 0.2) {
        setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'll', 1, 0;

    } elsif ($dice < 0.4) {
        shutdown $socket, 1;
        sysread $socket, my $answer, 65536;

    } elsif ($dice < 0.6) {
        push @{ $self->{open} }, $socket;
        $socket = @{ $self->{open} } > LINGERING ? shift @{ $self->{open} }
            : return;
    }

    close $socket;

    return;
}

1;
