# What happens to a join of several while one of them has to wait: to its client
# it is as if all had been joined when the reply came.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers => 1, location => 'chat_send_queue 128k;');
$chat->start;
$chat->create($_) for qw(attic lobby hall porch);
$chat->create('club', type => 'group', members => ['alice', 'bob']);

my $admin = $chat->connect(user => 'admin');
my $alice = $chat->connect(user => 'alice');
my $bob;

$alice->join_all(qw(lobby hall club));


# A batch of bob's that waits for "attic", which chat-persist cannot bring now;
# all others are joined.

sub begin (@conversations) {
    $chat->wait_stored;
    $chat->redis_cli('DEL', split /\n/,
                     $chat->redis_cli('KEYS', '*/attic:*'));
    $chat->freeze('persist');

    my $id = $bob->post('conversation.join', ChatTest::Client::join_list(
        'attic', @conversations));

    # after this the node has asked for all, and Redis has answered
    $bob->request('ping');
    $bob->history('porch');

    return $id;
}


# Runs the block meanwhile, and returns the elements of the reply.

sub midway ($conversations, $block) {
    my $id = begin(@$conversations);

    $block->();
    $chat->thaw('persist');

    my $reply = $bob->reply($id);
    my ($attic, @others) = @{ $reply->{data}{conversations} };

    ok($attic->{complete}, 'the slow one is there');

    return @others;
}


# The same texts come to alice when they have been handed out on this node.  A
# batch waits for two seconds, so nothing here waits for one before the next.

sub say_heard ($room, @texts) {
    my @said = $alice->say_all($room, @texts);

    $alice->hear($room) for @texts;

    return @said;
}


subtest 'events follow the reply' => sub {
    $bob = $chat->connect(user => 'bob');

    my @joined = midway(['lobby', 'hall'], sub {
        say_heard('lobby', map { "number $_" } 1 .. 3);
        is_deeply([$bob->unexpected], [], 'nothing before the reply');
    });

    ok($_->{complete}, "$_->{conversationId} is complete") for @joined;
    is($joined[0]{sequenceNumber}, 0, 'the position is that of the answer');
    is($bob->hear('lobby')->{content}, "number $_", "then comes number $_")
        for 1 .. 3;
    say_heard('lobby', 'live');
    is($bob->hear('lobby')->{content}, 'live', 'and what is said now');
    is_deeply([$bob->unexpected], [], 'nothing twice');
};

subtest 'who is put out meanwhile is told after the reply' => sub {
    $bob = $chat->connect(user => 'bob');

    my @joined = midway(['club'], sub {
        say_heard('club', 'for members');
        $admin->request('member.remove', { conversationId => 'club',
                                           userId => 'bob' });
        $alice->expect('member.left');
        say_heard('club', 'secret');
    });

    ok($joined[0]{complete}, 'it was joined');
    is($bob->hear('club')->{content}, 'for members', 'heard what was before');
    ok($bob->expect('member.left'), 'was put out');
    is_deeply([$bob->unexpected], [], 'and heard nothing after that');

    $admin->request('member.add', { conversationId => 'club',
                                    userId => 'bob' });
    $alice->expect('member.joined');
};

subtest 'a join that is repeated in a batch is told its end in order' => sub {
    $bob = $chat->connect(user => 'bob');
    $bob->join('club');

    my @joined = midway(['club'], sub {
        $admin->request('member.remove', { conversationId => 'club',
                                           userId => 'bob' });
        $alice->expect('member.left');
        is_deeply([$bob->unexpected], [], 'not before the reply');
    });

    ok($joined[0]{complete}, 'it was joined');
    ok($bob->expect('member.left'), 'was put out');
    is_deeply([$bob->unexpected], [], 'once');

    $admin->request('member.add', { conversationId => 'club',
                                    userId => 'bob' });
    $alice->expect('member.joined');
};

subtest 'what is too much to keep is joined again' => sub {
    $bob = $chat->connect(user => 'bob');

    my @said;
    my @joined = midway(['hall', 'lobby'], sub {
        @said = say_heard('hall', map { "$_ " . 'x' x 4000 } 1 .. 40);
        say_heard('lobby', 'small');
    });

    ok(!$joined[0]{complete}, 'that one is not complete');
    ok($joined[1]{complete}, 'the other is');
    is($bob->hear('lobby')->{content}, 'small', 'and goes on');
    is_deeply([$bob->unexpected], [], 'nothing comes of the first');

    my @rest = $bob->resume('hall', $joined[0]{revision});
    is_deeply([map { $_->{data}{id} } @rest], [map { $_->{id} } @said],
              'until it is joined again');
    say_heard('hall', 'live');
    is($bob->hear('hall')->{content}, 'live', 'then it goes on');
};

subtest 'requests for its conversations wait for it, in order' => sub {
    $bob = $chat->connect(user => 'bob');

    my @order;
    midway(['lobby', 'hall'], sub {
        my %asked = (
            $bob->post('conversation.leave', { conversationId => 'hall' })
                => 'left',
            $bob->post('conversation.join', ChatTest::Client::join_list(
                qw(hall lobby attic))) => 'again',
            $bob->post('message.send', { conversationId => 'lobby',
                                         content => 'mine' }) => 'sent',
        );
        is_deeply([$bob->unexpected], [], 'none is answered before it');
        @order = sort { $a <=> $b } keys %asked;
    });

    ok($bob->reply($_)->{ok}, 'then each is') for @order;
    ok($bob->hear('lobby'), 'the message is heard');
    is_deeply([$bob->unexpected], [], 'once');
};

subtest 'one that cannot be had does not hold up the others for long' => sub {
    $bob = $chat->connect(user => 'bob');
    $chat->wait_stored;
    $chat->redis_cli('DEL', split /\n/,
                     $chat->redis_cli('KEYS', '*/attic:*'));
    $chat->freeze('persist');

    my @joined = $bob->join_all(qw(lobby attic));
    ok($joined[0]{complete}, 'the others are joined');
    is($joined[1]{error}{code}, 'unavailable', 'that one is unavailable');
    ok($joined[1]{error}{retryAfter}, 'for now');

    say_heard('lobby', 'live');
    is($bob->hear('lobby')->{content}, 'live', 'events come');

    $chat->thaw('persist');
    ok($bob->insist('conversation.join', { conversationId => 'attic' }),
       'it can be joined later');
};

subtest 'a session may end at any time' => sub {
    $bob = $chat->connect(user => 'bob');

    begin(qw(lobby hall club));
    say_heard($_, 'parked') for qw(lobby hall club);
    $bob->disconnect;
    $chat->thaw('persist');
    say_heard($_, 'afterwards') for qw(lobby hall club);

    $bob = $chat->connect(user => 'bob');
    is((grep { $_->{complete} } $bob->join_all(qw(attic lobby hall club))), 4,
       'and the next one finds all as it was');
};

done_testing;
