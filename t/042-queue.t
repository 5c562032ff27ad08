# What waits to be sent to a client that does not read is bounded by what it
# takes in memory, however tiny the frames are.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Frame qw(make_frame);
use ChatTest::Metrics qw(parse_metrics);

use constant {
    QUEUE   => 1_048_576,
    FRAME   => 32,          # bytes that any frame takes in memory, at least
    AT_ONCE => 50,          # pings, fewer than are read in a turn
    CLOG    => 4000,        # large ones
};

my $chat = ChatTest->new(with => [], listen => 'sndbuf=32k',
                         server => <<~"END");
    location = /queue {
        chat_websocket on;
        chat_send_queue @{[ QUEUE ]};
    }
    END
$chat->start;

my $pings = make_frame(opcode => PING, payload => '') x AT_ONCE;
my $large = make_frame(opcode => PING, payload => 'x' x 125);
my $bob = $chat->handshake(path => '/echo');


# what bob is answered comes after nginx has read what was sent before

sub bob_is_served () {
    $bob->send_text('still here');

    return $bob->read_message->{payload} eq 'still here';
}


# More than the kernel takes on the way to a client that does not read, so that
# all that follows has to wait; but much less than may wait.

sub clog ($client) {
    $client->send_bytes($large x AT_ONCE) for 1 .. CLOG / AT_ONCE;

    return bob_is_served();
}


# a session that has been greeted

sub enter ($user) {
    my $client = $chat->handshake(path => '/queue', user => $user);

    $client->welcome;

    return $client;
}


sub frames_received () {
    my ($value) = parse_metrics($chat->http(path => '/metrics')->body);

    return $value->{chat_frames_received_total};
}


# Pings until nginx lets the client go, more than the queue may hold; says how
# often bob was served meanwhile.

sub ping_on ($client) {
    my $marks = $chat->logs->marks;
    my $rounds = 0;
    my $let_go = sub {
        $chat->logs->since($marks) =~ /closing session with 4413/;
    };

    while ($rounds <= 2 * QUEUE / FRAME / AT_ONCE && !$let_go->()) {
        $client->send_bytes($pings);
        $rounds++;
        bob_is_served();
    }

    wait_until { $let_go->() };

    return $rounds;
}


subtest 'pongs that a client does not read are counted' => sub {
    my $marks = $chat->logs->marks;
    my $alice = enter('alice');
    my $before = frames_received();

    ok(clog($alice), 'what is sent to alice has to wait');
    unlike($chat->logs->since($marks), qr/4413/, 'but she may stay so far');

    # what was sent to nginx when it lets her go may not all have been read; of
    # bob, it is all

    my $bobs = 1 + ping_on($alice);
    my $taken = frames_received() - $before - $bobs - CLOG;

    cmp_ok($taken, '<=', QUEUE / FRAME + AT_ONCE,
           'she is let go before pongs take more than the queue may');
    cmp_ok($taken, '>', 1000, 'but may be behind by many');

    ok(defined $alice->expect_close(4413), 'close 4413');
    is(() = $chat->logs->since($marks) =~ /slow consumer/g, 1,
       'with a line in the log');
};

subtest 'who reads may ping without end' => sub {
    my $carol = enter('carol');
    my $pongs = 0;

    for (1 .. 2 * QUEUE / FRAME / AT_ONCE) {
        $carol->send_bytes($pings);
        $pongs += $carol->read_frame->{opcode} == PONG for 1 .. AT_ONCE;
    }

    cmp_ok($pongs, '>', QUEUE / FRAME, 'every ping has its pong');
};

subtest 'who reads late has it all' => sub {
    my $carol = enter('carol');

    ok(clog($carol), 'what is sent to carol has to wait');
    $carol->send_bytes($pings);
    ok(bob_is_served(), 'and pongs behind it');

    my @got = map { length $carol->read_frame->{payload} } 1 .. CLOG + AT_ONCE;
    is((grep { $_ == 125 } @got), CLOG, 'the large ones');
    is((grep { $_ == 0 } @got), AT_ONCE, 'and the small ones');
};

done_testing;
