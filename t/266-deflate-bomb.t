# What a small message may inflate to: bounds of size and ratio, of memory and
# of time.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Deflate qw(deflate EXTENSION);
use ChatTest::Frame qw(make_frame);
use ChatTest::Metrics qw(parse_metrics);

use constant RSV1 => 4;

# without sanitizers, which keep freed memory
my $chat = ChatTest->new(with => [], plain => 1, location => 'chat_deflate on;',
                         server => <<'END');
    location = /large {
        chat_websocket on;
        chat_deflate on;
        chat_max_message_size 1m;
        chat_send_queue 1m;
    }

    location = /echo-deflate {
        chat_echo on;
        chat_deflate on;
        chat_deflate_max_ratio 1032;
    }
END
$chat->start;


sub enter ($path) {
    my $client = $chat->handshake(
        path => $path, user => 'mallory',
        headers => { 'Sec-WebSocket-Extensions' => EXTENSION });

    $client->welcome if $path !~ /echo/;

    return $client;
}


# a request that is this long
sub request ($length) {
    my $head = '{"type":"ping","id":1,"data":{"x":"';

    return $head . 'x' x ($length - length($head) - 3) . '"}}';
}


# bytes of the worker's memory that nobody shares

sub memory () {
    my ($pid) = $chat->workers;

    open my $file, '<', "/proc/$pid/smaps_rollup" or die "smaps_rollup: $!";

    my ($kilobytes) = join('', <$file>) =~ /^Private_Dirty:\s+(\d+) kB/m;

    return 1024 * $kilobytes;
}


# how many frames the worker has sent when it answers this

sub sent ($client) {
    $client->read_response;

    return (parse_metrics($client->body))[0]{chat_frames_sent_total};
}


subtest 'the size is that of what is inflated' => sub {
    my $client = enter('/chat');

    $client->send_frame(payload => deflate(request(65_536)), rsv => RSV1);
    ok($client->reply(1)->{ok}, '64 kB may be');

    my $before = $chat->limited('max_message_size');
    $client->send_frame(payload => deflate(request(65_537)), rsv => RSV1);
    ok(defined $client->expect_close(1009), 'one byte more may not: 1009');
    is($chat->limited('max_message_size'), $before + 1, 'and is counted');
};

subtest 'what cannot be compressed is a little longer' => sub {
    my $client = enter('/chat');

    $client->send_frame(payload => deflate(request(65_536), level => 0),
                        rsv => RSV1);
    ok($client->reply(1)->{ok}, '64 kB in stored blocks');
};

subtest 'beyond 64 kB the ratio is bounded' => sub {
    my $client = enter('/large');

    $client->send_frame(payload => deflate(request(65_536)), rsv => RSV1);
    ok($client->reply(1)->{ok}, 'up to that any may be');

    $client->send_frame(payload => deflate(request(200_000), bits => 9,
                                           level => 0), rsv => RSV1);
    ok($client->reply(1)->{ok}, 'a lower one may always be');

    my $before = $chat->limited('deflate_max_ratio');
    $client->send_frame(payload => deflate(request(200_000)), rsv => RSV1);
    ok(defined $client->expect_close(1009), 'one of hundreds may not: 1009');
    is($chat->limited('deflate_max_ratio'), $before + 1, 'and is counted');
};

subtest 'bombs leave no memory behind, and take little' => sub {
    my $bomb = make_frame(payload => deflate('x' x 50_000_000), rsv => RSV1);

    cmp_ok(length $bomb, '<', 65_536, '50 MB in less than 64 kB');

    my $warm = enter('/chat');
    $warm->send_bytes($bomb);
    $warm->expect_close(1009);

    my $before = memory();

    for (1 .. 200) {
        my $client = enter('/chat');
        $client->send_bytes($bomb);
        $client->expect_close(1009);
    }

    cmp_ok(memory() - $before, '<', 2_000_000, 'after 200 of them');
};

subtest 'an echo of 16 MB is made in pieces' => sub {
    my $client = enter('/echo-deflate');
    my $before = memory();

    $client->send_frame(opcode => BINARY, rsv => RSV1,
                        payload => deflate("\0" x 16_777_216));

    my ($frames, $most) = (0, 0);

    while (my $frame = $client->read_frame) {
        $frames++;

        my $now = memory() - $before;
        $most = $now if $now > $most;
        last if $frame->{fin};
    }

    cmp_ok($frames, '>=', 256, 'frames of 64 kB at most');
    cmp_ok($most, '<', 4_000_000, 'and never all of them in memory');

    $client->send_frame(opcode => BINARY, rsv => RSV1,
                        payload => deflate("\0" x 16_777_217));
    is(($client->read_close)[0], 1009, 'one byte more may not be');
};

subtest 'others do not wait' => sub {
    my $bob = $chat->connect(user => 'bob');
    my $mallory = enter('/echo-deflate');
    my $small = deflate("\0" x 16_000_000);

    my $ask = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    my $cy = $chat->http(path => '/healthz',
                         headers => { Connection => undef });
    my ($worker) = $chat->workers;

    $cy->send_bytes($ask);
    my $before = sent($cy);

    # it finds all of this when it wakes

    kill 'STOP', $worker;
    $mallory->send_bytes(make_frame(opcode => BINARY, payload => $small,
                                    rsv => RSV1) x 2);
    my $id = $bob->post('ping');
    $cy->send_bytes($ask);
    kill 'CONT', $worker;

    ok($bob->reply($id), 'bob is served');
    cmp_ok(sent($cy) - $before, '<', 100, 'and the echo is not at its end');
    is(scalar(grep { $mallory->read_frame } 1 .. 100), 100,
       'which comes, too');
    $mallory->disconnect;
};

done_testing;
