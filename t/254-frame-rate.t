# Frames of a session, whatever they are: too many of them end it, and while
# they come the others on the same worker are served.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Frame qw(make_frame);

use constant { BURST => 100, FLOOD => 20_000 };

my $chat = ChatTest->new(
    with     => [],
    location => 'chat_frame_rate rate=10r/s burst=' . BURST . ';',
    server   => <<~'END',
        location = /off {
            chat_websocket on;
        }
        END
);

$chat->start;

my @floods = (
    [pings => make_frame(opcode => PING)],
    [pongs => make_frame(opcode => PONG, payload => 'x')],
    ['requests' => make_frame(payload => '{"type":"ping"}')],
    ['what is no request' => make_frame(payload => '{}')],
    ['fragments of nothing', make_frame(opcode => CONTINUATION, fin => 0),
     make_frame(fin => 0)],
    ['fragments of a byte', make_frame(opcode => CONTINUATION, fin => 0,
                                       payload => ' '),
     make_frame(fin => 0)],
);


# whether the session answers, amid fragments too

sub lives ($client) {
    $client->send_frame(opcode => PING, payload => 'still there');

    while (my $frame = $client->read_frame) {
        return 1 if $frame->{opcode} == PONG
            && $frame->{payload} eq 'still there';
        return 0 if $frame->{opcode} == CLOSE;
    }

    return 0;
}


for my $flood (@floods) {
    my ($title, $frame, $first) = @$flood;

    subtest $title => sub {
        my $before = $chat->limited('frame_rate');
        my $one = $chat->connect(user => 'alice');

        $one->send_bytes(($first // '') . $frame x (BURST - 10));
        ok(lives($one), 'it lives');

        $one->send_bytes($frame x FLOOD);
        ok(defined $one->expect_close(4429), 'more than that: close 4429');
        is($chat->limited('frame_rate'), $before + 1, 'counted');
    };
}

subtest 'frames grow again' => sub {
    my $one = $chat->connect(user => 'alice');
    my $n = 0;

    # faster than they grow at first, then as fast as they do

    $one->request('ping') for 1 .. BURST - 10;

    wait_until { $one->request('ping'); select undef, undef, undef, 0.1;
                 ++$n == 20 };
    ok(lives($one), 'it lives');
};

subtest 'an echo location has no limit' => sub {
    my $echo = $chat->handshake(path => '/echo');

    $echo->send_bytes(make_frame(payload => 'x') x 5000);
    is($echo->read_message->{payload}, 'x', 'echo') for 1 .. 2;
};

done_testing;
