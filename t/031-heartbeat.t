# Who is silent is asked whether it is there, and then let go.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(with => [], location => <<'END', server => <<'MORE');
    chat_ping_interval 300ms;
    chat_ping_timeout 3s;
END
    location = /patient {
        chat_websocket on;
        chat_ping_interval 300ms;
        chat_ping_timeout 50s;
    }
MORE
$chat->start;


subtest 'one that does not answer gets close 4408, one that does stays' => sub {
    my $alice = $chat->connect(user => 'alice');
    my $dave = $chat->connect(user => 'dave', auto_pong => 0);

    is($dave->read_frame->{opcode}, PING, 'a ping');
    wait_until {
        eval { $alice->read_message(0) };
        $dave->readable;
    };
    $dave->expect_close(4408);
    cmp_ok($alice->pings, '>', 1, 'she has been asked, too, and has answered');
    ok($alice->request('ping'), 'so that she is served, who came before him');
};

subtest 'who answers is pinged again soon, however long that may take' => sub {
    my $alice = $chat->connect(user => 'alice', path => '/patient');

    ok(eval {
        wait_within {
            eval { $alice->read_message(0) };
            $alice->pings >= 3;
        } 20;
    }, 'three pings, and no 50 s between them');
};

subtest 'anything that a client sends is a sign of life' => sub {
    my $alice = $chat->connect(user => 'alice', auto_pong => 0);

    for (1 .. 2) {
        is($alice->read_frame->{opcode}, PING, 'a ping');
        ok($alice->request('ping'), 'a request instead of a pong');
    }

    $alice->send_frame(opcode => PONG);
    is($alice->read_frame->{opcode}, PING, 'a pong unasked for');
};

done_testing;
