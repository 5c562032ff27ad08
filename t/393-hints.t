# What sessions are told of conversations that they have not joined: each once,
# on every node; one that has joined gets what everybody in there gets, and no
# more.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Redis;

my $chat = ChatTest->new(workers => 2);
$chat->start;

my $redis = ChatTest::Redis->new($chat->{redis_socket});
my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob', node_of => $alice);
my $phone = $chat->connect(user => 'bob', node_of => $alice);
my $tablet = $chat->connect(user => 'bob', node_other_than => $alice);
my $carol = $chat->connect(user => 'carol', node_of => $tablet);
my @bob = ($bob, $phone, $tablet);
my @all = ($alice, @bob, $carol);
my %nodes = (alice => 1, bob => 2, carol => 1);
my $marks = 0;

# the nodes hear of these users, and no more of those that were tried
wait_until {
    !grep { $redis->call('PUBSUB', 'NUMSUB', "chat:user:default/$_")->[1]
            != $nodes{$_} } keys %nodes;
};


# What a session was told, hints and events in their order: [type, data].  All
# that was published before comes before a mark that is published now.

sub told ($client, $user) {
    my $mark = ++$marks;
    my @told;

    $redis->call('PUBLISH', "chat:user:default/$user",
                 qq(event - {"type":"test.mark","data":{"n":$mark}}));
    $client->expect('test.mark', sub ($data) { $data->{n} == $mark });

    push @told, splice @{ $client->{$_} } for qw(hints events);

    return [map { [@$_{qw(type data)}] }
            grep { $_->{type} ne 'test.mark' } @told];
}


# that those of bob's sessions were told this, and the others that

sub told_ok ($what, %expected) {
    for my $client (@bob) {
        my ($name) = $client == $bob ? 'desktop'
            : $client == $phone ? 'phone' : 'tablet';

        is_deeply(told($client, 'bob'), $expected{$name} // $expected{rest},
                  "$what: $name");
    }

    return;
}


sub flush () {
    told($_, 'bob') for @bob;
    told($alice, 'alice');
    told($carol, 'carol');

    return;
}


sub group (@members) {
    my $id = $alice->request('conversation.create', {
        type => 'group', members => \@members,
    })->{conversationId};

    flush();

    return $id;
}


sub member ($what, $id, %more) {
    return $alice->request("member.$what", {
        conversationId => $id, userId => 'bob', %more,
    })->{revision};
}


# as chat-presence does, of all partitions

sub take_unread () {
    for my $p (map { sprintf 'chat:{p%02d}:', $_ } 0 .. 15) {
        $redis->call('FCALL', 'chat_v1_unread', 1, $p,
                     $redis->call('HGET', "${p}part", 'identity'), 16, 500, 1);
    }

    return;
}


subtest 'a new conversation' => sub {
    my $made = $alice->request('conversation.create', {
        type => 'group', name => 'Plans', members => ['bob'],
    });
    my %data = (map({ $_ => $made->{$_} } qw(conversationId createdAt)),
                type => 'group', name => 'Plans', createdBy => 'alice',
                sequenceNumber => 0);

    told_ok('told once', rest => [['conversation.created',
                                   { %data, role => 'member' }]]);
    is_deeply(told($alice, 'alice'), [['conversation.created',
                                       { %data, role => 'owner' }]],
              'its maker, too');
    is_deeply(told($carol, 'carol'), [], 'nobody else');
};

subtest 'membership' => sub {
    my $id = group();
    my %data = (conversationId => $id, userId => 'bob');

    member('add', $id);
    told_ok('added', rest => [['member.joined', { %data,
                                                  role => 'member' }]]);

    $phone->join($id);
    my $revision = member('update', $id, role => 'moderator');
    $data{role} = 'moderator';
    told_ok('a new role', phone => [['member.updated',
                                     { %data, revision => $revision }]],
            rest => [['member.updated', {%data}]]);

    $revision = member('remove', $id);
    $data{role} = undef;
    told_ok('removed', phone => [['member.left',
                                  { %data, revision => $revision }]],
            rest => [['member.left', {%data}]]);

    member('add', $id);
    flush();
    $tablet->join($id);
    $revision = member('update', $id, role => 'blocked');
    $data{role} = 'blocked';
    told_ok('blocked', tablet => [['member.left',
                                   { %data, revision => $revision }]],
            rest => [['member.left', {%data}]]);

    $alice->request('conversation.delete', { conversationId => $id });
    told_ok('nothing after it', rest => []);
    is_deeply(told($carol, 'carol'), [], 'nor anybody else');
};

subtest 'who left the room without leaving is told by hints again' => sub {
    my $id = group('bob');
    my %data = (conversationId => $id, userId => 'bob', role => 'admin');

    $bob->join($id);
    $bob->leave($id);
    member('update', $id, role => 'admin');
    told_ok('a new role', rest => [['member.updated', \%data]]);
};

subtest 'the end' => sub {
    my $id = group('bob');

    $bob->join($id);
    my $revision = $alice->request('conversation.delete', {
        conversationId => $id,
    })->{revision};
    told_ok('deleted', desktop => [['conversation.deleted',
            { conversationId => $id, revision => $revision }]],
            rest => [['conversation.deleted', { conversationId => $id }]]);
};

subtest 'a mention' => sub {
    my $id = group('bob');

    $tablet->join($id);
    my $sent = $alice->request('message.send', {
        conversationId => $id, content => 'hello',
        mentions => ['bob', 'carol', 'alice'],
    });
    my $hint = ['notification', {
        kind => 'mention', conversationId => $id, messageId => $sent->{id},
        senderId => 'alice', sequenceNumber => 1,
    }];

    is($tablet->hear($id)->{id}, $sent->{id}, 'who has joined has the message');
    told_ok('mentioned', tablet => [], rest => [$hint]);
    is_deeply(told($carol, 'carol'), [], 'not who is no member');
    is_deeply(told($alice, 'alice'), [], 'nor oneself');
};

subtest 'unread' => sub {
    take_unread();      # from now on it is collected

    my ($id, $other) = (group('bob'), group('bob', 'carol'));
    my $sum = sub ($n, $m) {
        return [['unread.changed', { conversations => [
            $n ? { conversationId => $id, sequenceNumber => 3,
                   unread => $n } : (),
            $m ? { conversationId => $other, sequenceNumber => 1,
                   unread => $m } : (),
        ] }]];
    };

    $phone->join($id);
    $alice->say($id, "number $_") for 1 .. 3;
    $phone->hear($id) for 1 .. 3;
    take_unread();
    told_ok('three of one', phone => [], rest => $sum->(3, 0));

    $alice->say($other, 'hello');
    take_unread();
    told_ok('one of the other', rest => $sum->(0, 1));

    # both of one partition are told in one event
    $redis->call('PUBLISH', 'chat:user:default/bob', join '', "unread\n",
                 map { "$_\n" } channel($id) . ' 3 3', channel($other) . ' 1 1');
    told_ok('both', phone => $sum->(0, 1), rest => $sum->(3, 1));

    $phone->request('read.mark', { conversationId => $id,
                                   sequenceNumber => 2 });
    is_deeply([map { $_->[0] } @{ told($phone, 'bob') }], ['receipt.read'],
              'a mark: told as ever where one has joined');
    told_ok('a mark: elsewhere', phone => [], rest => $sum->(1, 0));
};

subtest 'all of it is counted' => sub {
    my $metrics = $chat->metrics;
    my %told = map { $_ => $metrics->{qq(chat_hints_total{kind="$_"})} }
        qw(created deleted member notification unread other);

    ok($told{$_}, "$_: $told{$_}") for sort keys %told;
};

subtest 'what is malformed is noted and passed over' => sub {
    for my $payload ('', 'event', 'event ', 'event -', 'event - ', "unread\n",
                     "unread\nx", "unread\nx 1 1\n", "unread\nx/y 1 1",
                     "unread\nx/y 1\n", "unread\nx/y 1 -1\n",
                     "unread\nx/y 1 1\nrest", 'x' x 100_000)
    {
        $redis->call('PUBLISH', 'chat:user:default/bob', $payload);
    }

    told_ok('nothing', rest => []);
};


# where the events of a conversation are published

sub channel ($id) {
    my ($key) = split /\n/, $chat->redis_cli('KEYS', "*/$id:meta");

    return $key =~ s/:meta\z//r;
}

done_testing;
