# Who has not authenticated can do nothing else, and so may send few frames:
# there may be many of them.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Frame qw(make_frame);

use constant { BURST => 100, COST => 20 };

my $chat = ChatTest->new(
    with     => [],
    location => 'chat_frame_rate rate=1r/m burst=' . BURST . ';',
);
$chat->start;


# how many pings are answered before the session is closed with 4429

sub answered ($client) {
    my $n = 0;

    while (my $frame = $client->read_frame) {
        return $n if $frame->{opcode} == CLOSE
            && unpack('n', $frame->{payload}) == 4429;
        $n++ if $frame->{opcode} == PONG;
    }

    return;
}


my $pings = make_frame(opcode => PING) x (2 * BURST);

subtest 'a stranger' => sub {
    my $stranger = $chat->handshake;

    $stranger->send_bytes($pings);
    is(answered($stranger), BURST / COST, 'has a twentieth');
    is($chat->limited('frame_rate'), 1, 'counted');
};

subtest 'who has shown a token' => sub {
    my $alice = $chat->connect(user => 'alice');

    $alice->send_bytes($pings);
    is(answered($alice), BURST, 'has all');
};

subtest 'who does so later' => sub {
    my $alice = $chat->handshake;

    ok($alice->request('authenticate', { token => $chat->token('alice') }),
       'is let in');
    $alice->send_bytes($pings);
    is(answered($alice), BURST - COST, 'has what is left');
};

done_testing;
