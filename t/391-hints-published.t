# What Redis publishes to users of conversations that their sessions may not
# have joined: to each whom it concerns, to nobody else, and nothing of what
# one may not see.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Ear;

my $chat = ChatTest->new;
$chat->start;

my $ear = ChatTest::Ear->new($chat->{redis_socket});
my $alice = $chat->connect(user => 'alice');


# the events to users of one conversation, and nothing of any other:
# { user => [[type, data], ...] }

sub told ($id) {
    my $events = $ear->events;
    my %told;

    for my $user (keys %$events) {
        for (@{ $events->{$user} }) {
            my ($conversation, $type, $data) = @$_;

            is($conversation, "default/$id", "$type is of that one");
            is(delete $data->{conversationId}, $id, 'its data say so, too');
            ok(!exists $data->{revision}, 'it has no revision');
            push @{ $told{ $user =~ s{^default/}{}r } }, [$type, $data];
        }
    }

    return \%told;
}


sub group (@members) {
    my $id = $alice->request('conversation.create', {
        type => 'group', name => 'Plans', members => \@members,
    })->{conversationId};

    $ear->heard;

    return $id;
}


sub member ($what, $id, $user, %more) {
    return $alice->request("member.$what", {
        conversationId => $id, userId => $user, %more,
    });
}


sub mention ($id, %more) {
    return $alice->request('message.send', {
        conversationId => $id, content => 'hello', %more,
    });
}


subtest 'all members are told of a new one, with their role' => sub {
    my $made = $alice->request('conversation.create', {
        type => 'group', name => 'Plans', members => ['bob', 'carol'],
    });
    my %data = (type => 'group', name => 'Plans', createdBy => 'alice',
                createdAt => $made->{createdAt}, sequenceNumber => 0);
    my %told = map { $_->[0] => [['conversation.created',
                                  { %data, role => $_->[1] }]] }
        ['alice', 'owner'], ['bob', 'member'], ['carol', 'member'];

    is_deeply(told($made->{conversationId}), \%told, 'a group');

    my $dm = $alice->request('conversation.create',
                             { type => 'dm', members => ['bob'] });
    my $told = told($dm->{conversationId});

    is_deeply([sort keys %$told], ['alice', 'bob'], 'both of a dm');
    is($told->{bob}[0][1]{role}, 'member', 'who are members');

    $alice->request('conversation.create', { type => 'dm',
                                             members => ['bob'] });
    is_deeply(told(''), {}, 'who asks again makes none');
};

subtest 'who comes, changes and goes is told, and nobody else' => sub {
    my $id = group('bob');

    member('add', $id, 'carol');
    is_deeply(told($id), { carol => [['member.joined',
        { userId => 'carol', role => 'member' }]] }, 'joined');

    member('update', $id, 'carol', role => 'moderator');
    is_deeply(told($id), { carol => [['member.updated',
        { userId => 'carol', role => 'moderator' }]] }, 'another role');

    member('update', $id, 'carol', role => 'moderator');
    is_deeply(told($id), {}, 'what is so already is not told');

    member('remove', $id, 'carol');
    is_deeply(told($id), { carol => [['member.left',
        { userId => 'carol', role => undef }]] }, 'removed');

    member('update', $id, 'bob', role => 'blocked');
    is_deeply(told($id), { bob => [['member.left',
        { userId => 'bob', role => 'blocked' }]] }, 'blocked');
};

subtest 'who is blocked is told nothing' => sub {
    my $id = group('bob', 'carol');

    member('update', $id, 'bob', role => 'blocked');
    $ear->heard;

    mention($id, mentions => ['bob', 'carol']);
    is_deeply([keys %{ told($id) }], ['carol'], 'no mention');

    member('remove', $id, 'bob');
    is_deeply(told($id), {}, 'the end of a block is none of theirs');

    member('add', $id, 'bob');
    member('update', $id, 'bob', role => 'blocked');
    $ear->heard;
    member('update', $id, 'bob', role => 'member');
    is_deeply(told($id), { bob => [['member.joined',
        { userId => 'bob', role => 'member' }]] }, 'let in again');

    member('update', $id, 'bob', role => 'blocked');
    $ear->heard;
    $alice->request('conversation.delete', { conversationId => $id });
    is_deeply([sort keys %{ told($id) }], ['alice', 'carol'], 'no end');
};

subtest 'mentioned are those who may see it, but not oneself' => sub {
    my $id = group('bob');
    my $sent = mention($id, mentions => ['alice', 'bob', 'eve']);

    is_deeply(told($id), { bob => [['notification', {
        kind => 'mention', messageId => $sent->{id}, senderId => 'alice',
        sequenceNumber => 1,
    }]] }, 'a group: members');

    my $channel = $alice->request('conversation.create',
                                  { type => 'channel' })->{conversationId};
    member('update', $channel, 'bob', role => 'blocked');
    $ear->heard;
    mention($channel, mentions => ['bob', 'eve']);
    is_deeply([keys %{ told($channel) }], ['eve'],
              'a channel: who is not blocked');

    my %again = (clientMessageId => uuid(), mentions => ['eve']);
    mention($channel, %again);
    $ear->heard;
    mention($channel, %again);
    is_deeply(told($channel), {}, 'a duplicate mentions nobody');
};

subtest 'all members are told of the end, where they are not too many' => sub {
    my $id = group('bob');

    $alice->request('conversation.delete', { conversationId => $id });
    is_deeply(told($id), { map { $_ => [['conversation.deleted', {}]] }
                               'alice', 'bob' }, 'the end');

    for my $n (1000, 1001) {
        my $large = group('bob');
        my ($key) = split /\n/, $chat->redis_cli('KEYS', "*/$large:members");

        $chat->redis_cli('HSET', $key,
                         map { ("user$_" => 'member 0 0') } 1 .. $n - 2);
        $alice->request('conversation.delete', { conversationId => $large });
        is(keys %{ told($large) }, $n > 1000 ? 0 : $n, "$n members");
    }
};

subtest 'of another tenant nobody is told' => sub {
    my $other = $chat->connect(user => 'alice', claims => { tid => 'other' });

    $other->request('conversation.create', { type => 'group',
                                             members => ['bob'] });
    is_deeply([sort keys %{ $ear->events }], ['other/alice', 'other/bob'],
              'but its own');
};

done_testing;
