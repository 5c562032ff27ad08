# Who is put out of a conversation hears that it is, on every node and on every
# session, and nothing after it.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers => 2);
$chat->start;

my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob', node_other_than => $alice);
my $phone = $chat->connect(user => 'bob', node_of => $alice);
my $carol = $chat->connect(user => 'carol', node_of => $bob);
my @all = ($alice, $bob, $phone, $carol);


# a conversation of alice, bob and carol, which all of their sessions join

sub begin ($type) {
    my $made = $alice->request('conversation.create', {
        type => $type, $type eq 'group' ? (members => ['bob', 'carol']) : (),
    });
    my $id = $made->{conversationId};

    $_->join($id) for @all;

    return $id;
}


sub member ($what, $id, $user, %data) {
    return $alice->request("member.$what", {
        conversationId => $id, userId => $user, %data,
    });
}


# that this was the last that each of these heard

sub left_ok ($id, $role, @clients) {
    for my $client (@clients) {
        my $left = $client->expect('member.left');

        is($left->{conversationId}, $id, 'member.left');
        is($left->{userId}, 'bob', 'of who was put out');
        is($left->{role}, $role, 'and what bob is now');
    }

    return;
}


sub nothing_ok (@clients) {
    is_deeply([$_->unexpected], [], 'nothing after it') for @clients;

    return;
}


# that who stayed hears what goes on, and who was put out does not

sub goes_on_ok ($id, @others) {
    $alice->say($id, 'without bob');
    is($_->hear($id)->{content}, 'without bob', 'who stayed hears it')
        for $alice, $carol, @others;
    nothing_ok(@all);

    return;
}


subtest 'removed from a group' => sub {
    my $id = begin('group');

    member('remove', $id, 'bob');
    left_ok($id, undef, @all);
    goes_on_ok($id);

    is($bob->refused($_, { conversationId => $id, content => 'x' })->{code},
       'not_found', "$_: it does not exist any more")
        for qw(conversation.join message.send history.get);

    member('add', $id, 'bob');
    $_->expect('member.joined') for $alice, $carol;
    nothing_ok($bob, $phone);

    $bob->join($id);
    goes_on_ok($id, $bob);
};

subtest 'leaving by oneself' => sub {
    my $id = begin('group');

    $bob->request('member.remove',
                  { conversationId => $id, userId => 'bob' });
    left_ok($id, undef, @all);
    goes_on_ok($id);
};

subtest 'blocked in a channel, of which one is no member' => sub {
    my $id = begin('channel');

    member('update', $id, 'bob', role => 'blocked');
    left_ok($id, 'blocked', @all);
    goes_on_ok($id);
    is($bob->refused('conversation.join', { conversationId => $id })->{code},
       'not_found', 'it does not exist any more');

    member('remove', $id, 'bob');
    left_ok($id, undef, $alice, $carol);
    nothing_ok($bob, $phone);
    ok($bob->join($id), 'let in again');
    goes_on_ok($id, $bob);
};

subtest 'removed from a channel one may come back as a reader' => sub {
    my $id = begin('channel');

    $bob->say($id, 'now a member');
    $_->hear($id) for @all;
    member('remove', $id, 'bob');
    left_ok($id, undef, @all);
    goes_on_ok($id);

    is($phone->join($id)->{role}, undef, 'a reader');
    goes_on_ok($id, $phone);
};

# Each of the next two is missed by all nodes: their subscriptions are cut, and
# they compare what they know with Redis when they are back.

subtest 'removed while nobody could hear it' => sub {
    my $id = begin('group');

    $chat->redis_cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    $alice->say($id, 'before');
    member('remove', $id, 'bob');
    $alice->say($id, 'after');

    is($_->hear($id)->{content}, 'before', 'what came before') for @all;
    left_ok($id, undef, @all);
    is($_->hear($id)->{content}, 'after', 'what came after')
        for $alice, $carol;
    goes_on_ok($id);
};

subtest 'deleted while nobody could hear it' => sub {
    my $id = begin('channel');

    $chat->redis_cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    $alice->request('conversation.delete', { conversationId => $id });

    is($_->expect('conversation.deleted')->{conversationId}, $id, 'deleted')
        for @all;
    nothing_ok(@all);
};

subtest 'a deleted conversation ends for everybody, and may be made again' => sub {
    $chat->create('lobby');
    my $admin = $chat->connect(user => 'admin');
    $_->join('lobby') for @all;

    $admin->request('conversation.delete', { conversationId => 'lobby' });
    is($_->expect('conversation.deleted')->{conversationId}, 'lobby',
       'deleted') for @all;
    is($alice->refused('message.send', { conversationId => 'lobby',
                                         content => 'x' })->{code},
       'not_found', 'it does not exist any more');

    $chat->create('lobby');
    $admin->say('lobby', 'first of the new one');
    nothing_ok(@all);

    $bob->join('lobby');
    is($admin->say('lobby', 'second')->{sequenceNumber}, 2, 'counted anew');
    is($bob->hear('lobby')->{content}, 'second', 'who joins hears it');
    nothing_ok(@all);
};

subtest 'an answer to a join may tell of what is past' => sub {
    my $id = begin('group');
    my $seen = $phone->join($id)->{revision};

    member('remove', $id, 'bob');
    $_->expect('member.left') for @all;
    member('add', $id, 'bob');

    my $join = $phone->join($id, $seen);
    is_deeply([map { $_->{type} } @{ $join->{events} }],
              ['member.left', 'member.joined'], 'out, and in again');
    $_->expect('member.joined') for $alice, $carol;
    goes_on_ok($id, $phone);
};

done_testing;
