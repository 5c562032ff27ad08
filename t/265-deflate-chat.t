# Compression between users: who has agreed on it gets events and replies
# compressed, and may send requests so.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Deflate qw(deflate inflate EXTENSION);

use constant RSV1 => 4;

my $chat = ChatTest->new(
    location => 'chat_deflate on; chat_deflate_min_length 300;');
$chat->start;
$chat->create('lobby');

my $text = 'Good morning, all of you! ' x 20;


# a client that has agreed on compression, in the lobby, and all it was sent

sub enter ($user, $offer = EXTENSION) {
    my $client = $chat->connect(
        user => $user, headers => { 'Sec-WebSocket-Extensions' => $offer });

    $client->join('lobby');

    return $client;
}


# the next frame that tells of a message: what it is in clear, and the frame

sub heard ($client) {
    while (my $frame = $client->read_frame) {
        my $clear = $frame->{rsv} & RSV1 ? inflate($frame->{payload})
            : $frame->{payload};

        return (decode($clear), $frame)
            if $clear =~ /^\{"type":"message.created"/;
    }

    return;
}


subtest 'an event is compressed for those who want it so' => sub {
    my $alice = enter('alice');
    my $bob = $chat->connect(user => 'bob');
    my $carol = enter('carol');
    my $dave = enter('dave', EXTENSION . '; server_max_window_bits=9');

    $bob->join('lobby');
    $bob->say('lobby', $text);

    my ($event, $frame) = heard($alice);
    is($event->{data}{content}, $text, 'alice hears it');
    is($frame->{rsv}, RSV1, 'compressed');
    is($frame->{fin}, 1, 'in one frame');
    cmp_ok(length $frame->{payload}, '<', length($text), 'which is shorter');

    my ($same) = (heard($carol))[1];
    ok($same->{payload} eq $frame->{payload}, 'carol the same');

    is($bob->hear('lobby')->{content}, $text, 'bob in clear');

    ($event, $frame) = heard($dave);
    is($event->{data}{content}, $text, 'dave hears it');
    is($frame->{rsv}, 0, 'in clear: it does not fit into his window');
};

subtest 'a short one is not compressed' => sub {
    my $alice = enter('alice');
    my $bob = $chat->connect(user => 'bob');

    $bob->join('lobby');
    $bob->request('message.send', { conversationId => 'lobby',
                                    content => 'hi' });
    my ($event, $frame) = heard($alice);
    is($event->{data}{content}, 'hi', 'alice hears it');
    cmp_ok(length $frame->{payload}, '<', 300, 'a short event');
    is($frame->{rsv}, 0, 'in clear');
};

subtest 'replies are compressed, and control frames are not' => sub {
    my $alice = enter('alice');
    my $id = $alice->post('history.get', { conversationId => 'lobby' });
    my $frame = $alice->read_frame;

    is($frame->{rsv}, RSV1, 'history');
    is(decode(inflate($frame->{payload}))->{id}, $id, 'is the reply');

    $alice->send_frame(opcode => PING, payload => 'p' x 125);
    is_deeply($alice->read_frame, { fin => 1, rsv => 0, opcode => PONG,
                                    payload => 'p' x 125 }, 'a pong is not');

    $alice->send_close(1000);
    is($alice->read_frame->{rsv}, 0, 'nor a close');
};

subtest 'requests may be compressed, and come in fragments' => sub {
    my $alice = enter('alice');
    my $packed = deflate(encode({
        type => 'message.send', id => 7,
        data => { conversationId => 'lobby', content => $text },
    }));

    for my $cut (0, 1, 20, length($packed) - 1) {
        $alice->send_frame(payload => substr($packed, 0, $cut), rsv => RSV1,
                           fin => 0);
        $alice->send_frame(opcode => CONTINUATION,
                           payload => substr $packed, $cut);
        is((heard($alice))[0]{data}{content}, $text, "cut at $cut");
    }

    $alice->send_frame(payload => deflate('{"type":"ping","id":8}'),
                       rsv => RSV1);
    wait_until {
        my $frame = $alice->read_frame;
        $frame->{payload} =~ /"id":8,"ok":true/;
    };
    pass('a short one');
};

subtest 'nobody can refer to what others have sent' => sub {
    my $alice = enter('alice');
    my $mallory = enter('mallory');

    $alice->send_frame(payload => deflate(encode({ type => 'ping', id => 1 })),
                       rsv => RSV1);
    ok($alice->reply(1)->{ok}, 'alice sends a message');

    # a letter, and then five of what came before it
    $mallory->send_frame(payload => "\xf2\x00\x11\x00\x00", rsv => RSV1);
    ok(defined $mallory->expect_close(1007),
       'mallory cannot get at a part of it');
};

subtest 'rules hold for what is inside' => sub {
    for ([1007, 'not UTF-8', deflate("{\"type\":\"\xff\"}")],
         [1007, 'a character left open', deflate("\xe2\x82")],
         [1007, 'malformed', "\x06\x00"])
    {
        my ($code, $what, $packed) = @$_;
        my $alice = enter('alice');

        $alice->send_frame(payload => $packed, rsv => RSV1);
        ok(defined $alice->expect_close($code), "$what: close $code");
    }

    my $alice = enter('alice');
    $alice->send_frame(opcode => BINARY, payload => deflate('{}'),
                       rsv => RSV1);
    ok(defined $alice->expect_close(1003), 'binary: close 1003');

    $alice = enter('alice');
    $alice->send_frame(payload => deflate('[]'), rsv => RSV1);
    is($alice->reply(undef)->{error}{code}, 'bad_request', 'no request');
};

done_testing;
