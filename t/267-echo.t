# An echo location takes long messages without holding them, and clients that
# read late.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Deflate qw(deflate inflate EXTENSION);
use ChatTest::Frame qw(make_frame);

use constant {
    RSV1      => 4,
    LARGEST   => 16_777_216,
    FRAGMENTS => 65_536,
};

my $chat = ChatTest->new(with => [], plain => 1, listen => 'sndbuf=32k',
                         server => <<'END');
    location = /deflate {
        chat_echo on;
        chat_deflate on;
    }
END
$chat->start;


sub echo ($path = '/echo') {
    return $chat->handshake(
        path => $path, protocols => [],
        headers => { 'Sec-WebSocket-Extensions' => EXTENSION });
}


# bytes of the worker's memory that nobody shares

sub memory () {
    my ($pid) = $chat->workers;

    open my $file, '<', "/proc/$pid/smaps_rollup" or die "smaps_rollup: $!";

    my ($kilobytes) = join('', <$file>) =~ /^Private_Dirty:\s+(\d+) kB/m;

    return 1024 * $kilobytes;
}


# Writes as long as the server reads, up to so many bytes; returns how many it
# took.  A server that has not read for a moment does not.

sub push_bytes ($client, $bytes, $times) {
    my $sent = 0;

    local $SIG{PIPE} = 'IGNORE';

    for (1 .. $times) {
        my $rest = $bytes;

        while (length $rest) {
            return $sent if !$client->_ready('write', Time::HiRes::time() + 1);

            my $n = syswrite $client->{socket}, $rest;
            next if !defined $n;
            substr $rest, 0, $n, '';
            $sent += $n;
        }
    }

    return $sent;
}


subtest 'a message of 16 MiB comes back' => sub {
    my $client = echo();
    my $text = '0123456789abcdef' x (LARGEST / 16);

    $client->send_text($text);
    my $message = $client->read_whole;
    ok($message->{payload} eq $text, 'the same');
    is($message->{frames}, 1, 'in one frame');

    my $before = $chat->limited('max_message_size');
    $client->send_frame(length => LARGEST + 1, bits => 64);
    is(($client->read_close)[0], 1009, 'one byte more may not be');
    is($chat->limited('max_message_size'), $before + 1, 'and is counted');
};

subtest 'a message of 65,536 fragments comes back' => sub {
    my $client = echo();

    my $first = make_frame(payload => 'a', fin => 0);
    my $next = make_frame(opcode => CONTINUATION, payload => 'b', fin => 0);
    my $last = make_frame(opcode => CONTINUATION, payload => 'c');

    my $got = 0;

    $client->send_bytes($first);
    $got++ if $client->read_frame->{payload} eq 'a';

    for (1 .. (FRAGMENTS - 2) / 2) {
        $client->send_bytes($next x 2);
        $got += $client->read_frame->{payload} eq 'b' for 1 .. 2;
    }

    $client->send_bytes($last);
    $got++ if $client->read_frame->{payload} eq 'c';
    is($got, FRAGMENTS, 'each of them');

    $client->send_bytes($first);

    for (1 .. FRAGMENTS - 1) {
        $client->send_bytes($next) if $_ % 64 == 0 || $_ > FRAGMENTS - 64;
        $client->send_bytes($next x 63) if $_ % 64 == 0;
    }

    $client->disconnect;
};

subtest 'more than one that ends them are closed with 1009' => sub {
    for my $path ('/echo', '/deflate') {
        my $client = echo($path);
        my $next = make_frame(opcode => CONTINUATION, fin => 0) x 64;

        $client->send_frame(payload => '', fin => 0);

        for (1 .. FRAGMENTS / 64) {
            $client->send_bytes($next);
            $client->read_frame for 1 .. 63;
        }

        $client->send_frame(opcode => CONTINUATION);
        is(($client->read_close)[0], 1009, "close 1009 in $path");
    }
};

subtest 'who does not read is not read from, and loses nothing' => sub {
    my $client = echo();
    my $frame = make_frame(opcode => BINARY, payload => 'x' x 50_000,
                           mask => "\0\0\0\0");
    my $marks = $chat->logs->marks;
    my $before = memory();
    my $sent = push_bytes($client, $frame, 1000);

    cmp_ok($sent, '<', 40_000_000, 'the server stops reading');
    cmp_ok(memory() - $before, '<', 2_000_000, 'and keeps little');
    unlike($chat->logs->since($marks), qr/4413/, 'the client may stay');

    my $whole = int($sent / length $frame);

    is((grep { length $client->read_frame->{payload} == 50_000 } 1 .. $whole),
       $whole, "when it reads, all $whole are there");

    # what was cut off ends here
    $client->send_bytes(substr $frame, $sent % length $frame);
    $client->read_frame;
    $client->send_text('and on');
    is($client->read_frame->{payload}, 'and on', 'and it goes on');
};

subtest 'so with tiny frames, and with pings' => sub {
    for (TEXT, PING) {
        my $client = echo();
        my $frames = make_frame(opcode => $_, payload => 'x') x 10_000;
        my $before = memory();
        my $sent = push_bytes($client, $frames, 500);

        cmp_ok($sent, '<', 30_000_000, "the server stops reading ($_)");
        cmp_ok(memory() - $before, '<', 2_000_000, 'and keeps little');

        my $whole = int($sent / 7);

        is((grep { $client->read_frame->{payload} eq 'x' } 1 .. $whole),
           $whole, "all $whole are there");
        $client->disconnect;
    }
};

subtest 'so with compressed messages' => sub {
    my $client = echo('/deflate');
    my $text = join '', map { chr(($_ * $_ / 7) & 255) } 1 .. 60_000;
    my $packed = make_frame(opcode => BINARY, payload => deflate($text),
                            rsv => RSV1);
    my $before = memory();
    my $sent = push_bytes($client, $packed, 3000);
    my $whole = int($sent / length $packed);

    cmp_ok($sent, '<', 3000 * length $packed, 'the server stops reading');
    cmp_ok(memory() - $before, '<', 2_000_000, 'and keeps little');

    my $good = grep { inflate($client->read_whole->{payload}) eq $text }
        1 .. ($whole < 20 ? $whole : 20);
    is($good, $whole < 20 ? $whole : 20, 'what comes back is the same');
};

done_testing;
