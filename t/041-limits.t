# What one client may take: requests under way, conversations, and patience.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Metrics qw(parse_metrics);

my $chat = ChatTest->new(listen => 'sndbuf=32k', location => <<'END');
    chat_max_outstanding 4;
    chat_max_conversations 3;
    chat_send_queue 128k;
END
$chat->start;
$chat->create($_) for map { "room-$_" } 1 .. 4;

my $alice = $chat->connect(user => 'alice');


subtest 'requests under way are counted' => sub {
    $chat->freeze('redis');

    my @ids = map {
        $alice->post('history.get', { conversationId => "room-$_" })
    } 1 .. 4, 1;

    my $error = $alice->reply($ids[4])->{error};
    is($error->{code}, 'rate_limited', 'the fifth is refused at once');
    cmp_ok($error->{retryAfter}, '>', 0, 'with retryAfter');
    ok($alice->request('ping'), 'a ping is no such request');

    $chat->thaw('redis');
    ok($alice->reply($ids[$_])->{ok}, 'the others are answered') for 0 .. 3;
    ok($alice->history('room-1'), 'and then the next is served');
};

subtest 'conversations are counted' => sub {
    $alice->join("room-$_") for 1 .. 3;

    is($alice->refused('conversation.join', { conversationId => 'room-4' })
           ->{code}, 'too_large', 'the fourth is too much');
    ok($alice->join('room-3'), 'one that is joined may be joined again');

    $alice->leave('room-1');
    ok($alice->join('room-4'), 'one that is left makes room');
};

subtest 'a message over the limit ends the session' => sub {
    my $bob = $chat->connect(user => 'bob');

    $bob->post('message.send', { conversationId => 'room-2',
                                 content => 'x' x 65_536 });
    ok(defined $bob->expect_close(1009), 'close 1009');
};

subtest 'who does not read is let go, and misses nothing' => sub {
    my $bob = $chat->connect(user => 'bob');
    my $seen = $bob->join('room-2')->{revision};
    my $marks = $chat->logs->marks;

    $alice->leave('room-2');

    # he is given some seconds to read that he is

    my @said;
    wait_until {
        push @said, $alice->say('room-2', @said . ' ' . 'x' x 60_000);
        $chat->logs->since($marks) =~ /with 4413, slow consumer/;
    };

    my @heard;
    while (1) {
        my $event = eval { $bob->hear('room-2') } // last;
        push @heard, $event;
    }
    ok(defined $bob->expect_close(4413), 'close 4413');
    push @said, $alice->say('room-2', 'later');
    $seen = $heard[-1]{revision} if @heard;

    $bob = $chat->connect(user => 'bob');
    push @heard, map { $_->{data} } $bob->resume('room-2', $seen);

    is_deeply([map { $_->{id} } @heard], [map { $_->{id} } @said],
              'all are there, in order');
};

subtest 'each is counted' => sub {
    my ($value) = parse_metrics($chat->http(path => '/metrics')->body);

    is($value->{"chat_limited_total{limit=\"$_\"}"}, 1, $_)
        for qw(max_outstanding max_conversations max_message_size send_queue);
};

subtest 'the others did not notice' => sub {
    ok($alice->request('ping'), 'alice is served');
};

done_testing;
