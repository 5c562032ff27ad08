# A client that does not read: what is ephemeral is left out first, and it is
# told so when it reads again; what is durable comes until there is too much.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Redis;

use constant {
    QUEUE   => 262_144,
    LARGE   => 60_000,      # a message
    KERNEL  => 1_048_576,   # more than the sockets of a client hold
};

my $chat = ChatTest->new(workers => 1, listen => 'sndbuf=32k',
                         location => 'chat_send_queue ' . QUEUE . ';');
$chat->start;
$chat->create($_, by => 'alice', type => 'group', members => [qw(bob carol)])
    for qw(lobby club);

my $redis = ChatTest::Redis->new($chat->{redis_socket});
my $alice = $chat->connect(user => 'alice');
my $carol = $chat->connect(user => 'carol');
$alice->join($_) for qw(lobby club);

my %channel = map { m{/(\w+)$} ? ($1 => $_) : () }
    split /\n/, $chat->redis_cli('PUBSUB', 'CHANNELS', 'chat:{*');


sub shed ($what = 'receipt') {
    return $chat->metrics->{qq(chat_shed_total{what="$what"})};
}


sub queued () { return $chat->metrics->{chat_queued_bytes} }


# bob, who has joined and reads nothing from now on

sub clogged (@rooms) {
    my $bob = $chat->connect(user => 'bob');

    $bob->join($_) for @rooms;

    return $bob;
}


# messages in the lobby until so many bytes wait; returns how many

sub fill ($bytes) {
    for my $n (1 .. 100) {
        $alice->say('lobby', 'x' x LARGE);
        $alice->hear('lobby');
        return $n if queued() >= $bytes;
    }

    die 'the client reads';
}


# a real receipt, which alice hears

sub mark ($room, $sequence) {
    $carol->request('delivered.mark', { conversationId => $room,
                                        sequenceNumber => $sequence });

    return $alice->expect('receipt.delivered');
}


subtest 'who reads slowly is told that receipts are missing' => sub {
    my $before = shed();
    my $bob = clogged(qw(lobby club));
    my $n = fill(QUEUE / 2);

    $alice->say('club', 'hello');
    $alice->hear('club');
    mark('club', 1);
    is(shed() - $before, 1, 'a receipt is left out');
    mark('lobby', $_) for 1 .. 2;
    is(shed() - $before, 3, 'and two more');

    is($bob->hear('lobby')->{content}, 'x' x LARGE, 'messages come')
        for 1 .. $n;
    is($bob->hear('club')->{content}, 'hello', 'all of them');

    is_deeply([sort map { $bob->expect('gap')->{conversationId} } 1 .. 2],
              [qw(club lobby)], 'a gap in each conversation');
    is_deeply([$bob->unexpected], [], 'once, and no receipts');

    mark('lobby', 3);
    is($bob->expect('receipt.delivered')->{sequenceNumber}, 3,
       'receipts come again');
    wait_until { queued() == 0 };
    pass('nothing waits any more');
    $bob->disconnect;
};

subtest 'who leaves has no gap' => sub {
    my $bob = clogged('lobby');

    fill(QUEUE / 2);
    mark('lobby', 4);
    $bob->post('conversation.leave', { conversationId => 'lobby' });
    $alice->request('ping');

    $bob->request('ping');
    $bob->request('ping');
    ok(!grep({ $_ eq 'gap' } $bob->unexpected), 'none is told');
    $bob->disconnect;
};

subtest 'who does not read at all' => sub {
    my $limited = $chat->limited('send_queue');
    my $bob = clogged('lobby');

    for my $n (1 .. 2 * (QUEUE + KERNEL) / LARGE) {
        $alice->say('lobby', 'x' x LARGE);
        $alice->hear('lobby');
        last if $chat->limited('send_queue') > $limited;
    }

    is($chat->limited('send_queue') - $limited, 1, 'is counted');
    wait_until { queued() < LARGE };
    pass('what waited is freed');
    $bob->disconnect;
};

done_testing;
