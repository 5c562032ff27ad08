# Messages that TLS has for itself: changes of keys, which either side may ask
# for at any time, also while nginx cannot write; attempts to renegotiate.  They
# count as frames, and do not keep others from their turn.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Frame qw(make_frame read_close take_frame);
use ChatTest::SClient;
use ChatTest::Tls;

my $tls = ChatTest::Tls->new;
my $chat = ChatTest->new(http => 'chat_send_queue 4m;' . $tls->server(<<'END'));
    location = /limited {
        chat_websocket on;
        chat_frame_rate rate=1r/m burst=20;
    }
END

$tls->certify($chat);
$chat->start;
$chat->create('lobby');

subtest 'a session goes on with other keys' => sub {
    my $alice = client('/chat', '-tls1_3');

    for my $round (1 .. 3) {
        $alice->command('K');           # nginx is to change its keys, too
        $alice->command('k');
        $alice->send(make_frame(opcode => PING, payload => "round $round"));
        is($alice->frame->{payload}, "round $round", "round $round");
    }
};

subtest 'so it does while nginx waits for it to read' => sub {
    my $alice = client('/chat', '-tls1_3');
    my $bob = $chat->connect(user => 'bob', $tls->client);

    $alice->send(make_frame(payload => encode({
        type => 'conversation.join', id => 1,
        data => { conversationId => 'lobby' },
    })));
    $alice->frame;

    # more than the kernel and openssl take from nginx, whose output is not read
    my @said = map { "$_ " . 'x' x 50_000 } 1 .. 40;

    $bob->say_all('lobby', @said[0 .. 19]);
    $alice->command('K');
    $bob->say_all('lobby', @said[20 .. 39]);
    $alice->command('K');

    my @heard = map { decode($alice->frame->{payload})->{data}{content} } @said;

    ok("@heard" eq "@said", 'all comes, in order');

    $alice->send(make_frame(opcode => PING, payload => 'end'));
    is($alice->frame->{payload}, 'end', 'and it goes on');
};

subtest 'who changes keys without end is closed' => sub {
    my $alice = client('/limited', '-tls1_3');

    $alice->command('k') for 1 .. 25;

    is((read_close($alice->frame))[0], 4429, 'with 4429');
    ok($chat->connect(user => 'bob')->request('ping'), 'others are served');
};

subtest 'nobody renegotiates' => sub {
    my $alice = client('/chat', '-tls1_2');

    $alice->command('R');
    ok($alice->ends, 'openssl gives up');
    ok($chat->connect(user => 'bob')->request('ping'), 'others are served');
};

done_testing;


sub client ($path, @options) {
    my $client = ChatTest::SClient->new($tls->port, @options);
    my $token = $chat->token('alice');

    $client->send(join "\r\n", "GET $path HTTP/1.1", 'Host: localhost',
        'Upgrade: websocket', 'Connection: upgrade',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Protocol: chat.v1', "Authorization: Bearer $token",
        '', '');
    $client->head;
    is(decode($client->frame->{payload})->{type}, 'authenticated', 'let in');

    return $client;
}
