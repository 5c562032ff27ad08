# What a user is a member of, with what is unread, and who the members of a
# conversation are.  The list is right at every moment, whatever Redis holds.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);
use JSON::PP ();

use ChatTest;

my $chat = ChatTest->new(workers => 2);
$chat->start;

my $ada = $chat->connect(user => 'ada');
my $bob = $chat->connect(user => 'bob', node_other_than => $ada);


sub group ($client, $name, @members) {
    return $client->request('conversation.create', {
        type => 'group', name => $name, members => \@members,
    })->{conversationId};
}


sub items ($client, %page) {
    return @{ $client->request('conversation.list', \%page)->{items} };
}


# one of ada's, by its id

sub item ($id, $client = $ada) {
    my ($item) = grep { $_->{conversation}{conversationId} eq $id }
        items($client);

    return $item;
}


my @rooms = map { group($ada, "room $_", 'bob') } 1 .. 5;

subtest 'a conversation is listed as soon as it is made' => sub {
    is_deeply([map { $_->{conversation}{name} } items($ada)],
              [map { "room $_" } reverse 1 .. 5], 'the newest first');
    is_deeply([items($chat->connect(user => 'nobody'))], [],
              'who is in none has an empty list');

    my $item = item($rooms[0]);

    is_deeply($item, {
        conversation => {
            conversationId => $rooms[0], type => 'group', name => 'room 1',
            description => undef, createdBy => 'ada',
            createdAt => $item->{conversation}{createdAt},
            readOnly => JSON::PP::false, slowMode => 0,
            sequenceNumber => 0,
            revision => $item->{conversation}{revision},
        },
        role => 'owner', unread => 0, lastReadSequence => 0,
        lastMessage => undef,
    }, 'with all that is to be known');
};

subtest 'it comes in pages' => sub {
    my ($cursor, @names);

    for (1 .. 3) {
        my $page = $ada->request('conversation.list', {
            limit => 2, defined $cursor ? (cursor => $cursor) : (),
        });

        push @names, map { $_->{conversation}{name} } @{ $page->{items} };
        $cursor = $page->{nextCursor};

        # what is made meanwhile is newer than all that is to come
        group($ada, "later $_");
    }

    is_deeply(\@names, [map { "room $_" } reverse 1 .. 5], 'none is missed');
    is($cursor, undef, 'and there is an end');
    is($ada->refused('conversation.list', { cursor => 'x' })->{code},
       'bad_request', 'a cursor that is none is refused');
};

subtest 'what others say is unread until it is marked' => sub {
    my @sent = map { $bob->say($rooms[0], "number $_") } 1 .. 3;
    my $item = item($rooms[0]);

    is($item->{unread}, 3, 'all of it');
    is($item->{lastMessage}{id}, $sent[2]{id}, 'the last message is told');
    is($item->{conversation}{sequenceNumber}, 3, 'and how many there are');
    is(item($rooms[0], $bob)->{unread}, 0, 'nothing is to who said it');

    $ada->request('read.mark', {
        conversationId => $rooms[0], sequenceNumber => 2,
    });
    is(item($rooms[0])->{unread}, 1, 'but for what is marked');
    $ada->request('read.mark', {
        conversationId => $rooms[0], sequenceNumber => 1,
    });
    is(item($rooms[0])->{lastReadSequence}, 2, 'a mark does not go back');
    $ada->say($rooms[0], 'an answer');
    is(item($rooms[0])->{unread}, 0, 'who answers has read');
};

subtest 'the last message is told as it is now' => sub {
    my $sent = $ada->say($rooms[0], 'typo');
    my %about = (conversationId => $rooms[0], messageId => $sent->{id});

    $ada->request('message.edit', { %about, content => 'no typo' });
    is(item($rooms[0])->{lastMessage}{content}, 'no typo', 'edited');
    $ada->request('message.delete', \%about);
    is(item($rooms[0])->{lastMessage}{deletedBy}, 'ada', 'deleted');
};

subtest 'changes show at once, and who is out has it no longer' => sub {
    $ada->request('conversation.update', {
        conversationId => $rooms[1], name => 'other', readOnly => \1,
        slowMode => 7, description => 'What it is about',
    });

    my $c = item($rooms[1], $bob)->{conversation};
    is("$c->{name}, $c->{description}, $c->{slowMode}",
       'other, What it is about, 7', 'settings');
    ok($c->{readOnly}, 'a flag');

    $ada->request('member.remove', {
        conversationId => $rooms[1], userId => 'bob',
    });
    $ada->request('member.update', {
        conversationId => $rooms[2], userId => 'bob', role => 'blocked',
    });
    $ada->request('conversation.delete', { conversationId => $rooms[3] });
    is_deeply([map { $_->{conversation}{name} } items($bob)],
              ['room 5', 'room 1'], 'removed, blocked, deleted');
};

subtest 'a dm tells whose it is; a channel is listed to its members' => sub {
    my $dm = $ada->request('conversation.create', {
        type => 'dm', members => ['bob'],
    })->{conversationId};

    is_deeply([sort @{ item($dm, $bob)->{conversation}{members} }],
              ['ada', 'bob'], 'the two');
    $chat->create('hall');
    is(item('hall'), undef, 'a channel is not, to who only may read it');
    $ada->request('read.mark',
                  { conversationId => 'hall', sequenceNumber => 0 });
    is(item('hall')->{role}, 'member', 'with the first mark it is');
};

subtest 'it is right whatever Redis and PostgreSQL know' => sub {
    $bob->say($rooms[4], "number $_") for 1 .. 5;
    $ada->request('read.mark', {
        conversationId => $rooms[4], sequenceNumber => 3,
    });

    my @before = items($ada);

    is(item($rooms[4])->{unread}, 2, 'marks that are in Redis alone');
    $chat->wait_stored;
    wait_until { $chat->redis_cli('EXISTS', map { sprintf 'chat:{p%02d}:marks',
                                                  $_ } 0 .. 15) eq '0' };
    is_deeply([items($ada)], \@before, 'everything stored');

    $chat->kill('redis');
    remove_tree($chat->directory . '/appendonlydir');
    $chat->restart('redis');
    $chat->wait_ready;
    is_deeply($ada->insist('conversation.list', {})->{items}, \@before,
              'Redis came back empty');

    $chat->kill('persist');
    $chat->restart('persist');
    is_deeply($ada->insist('conversation.list', {})->{items}, \@before,
              'chat-persist began anew');
};

subtest 'the list waits for no conversation' => sub {
    $ada->say($rooms[4], 'in use');
    $chat->freeze('persist');

    my $list = $ada->post('conversation.list');
    my $sent = $ada->say($rooms[4], 'goes on');

    $chat->thaw('persist');

    my ($item) = grep { $_->{conversation}{conversationId} eq $rooms[4] }
        @{ $ada->reply($list)->{data}{items} };

    is($item->{lastMessage}{id}, $sent->{id}, 'and tells what came before it');
};

done_testing;
