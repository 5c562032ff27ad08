# The members of a conversation: roles, and in small ones how far each has
# read; in pages where there are many.  Marks, and who hears of them.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant MANY => 300;

my $chat = ChatTest->new(workers => 2);
$chat->start;

my $ada = $chat->connect(user => 'ada');
my $bob = $chat->connect(user => 'bob', node_other_than => $ada);

my $room = $ada->request('conversation.create', {
    type => 'group', members => ['bob', 'cy'],
})->{conversationId};

$_->join($room) for $ada, $bob;


sub list ($client, %o) {
    return $client->request('member.list',
                            { conversationId => $room, %o });
}


# "<read> <delivered>" of a member

sub marks ($user) {
    my ($item) = grep { $_->{userId} eq $user } @{ list($ada)->{items} };

    return "$item->{lastReadSequence} $item->{lastDeliveredSequence}";
}


sub mark ($client, $what, $sequence) {
    return $client->request("$what.mark", {
        conversationId => $room, sequenceNumber => $sequence,
    });
}


subtest 'members are listed with their roles' => sub {
    my $list = list($bob);

    is_deeply({ map { $_->{userId} => $_->{role} } @{ $list->{items} } },
              { ada => 'owner', bob => 'member', cy => 'member' }, 'all');
    is($list->{memberCount}, 3, 'and how many they are');
    is($list->{nextCursor}, undef, 'at once');
    is($chat->connect(user => 'dan')->refused('member.list',
           { conversationId => $room })->{code}, 'not_found',
       'to a stranger there is nothing to list');
    is($bob->refused('member.list', {
        conversationId => $room, cursor => 'next',
    })->{code}, 'bad_request', 'a cursor that is none is refused');
};

subtest 'marks are merged by maximum, and told to others' => sub {
    $ada->say($room, "number $_") for 1 .. 5;
    $bob->hear($room) for 1 .. 5;

    is_deeply(mark($bob, 'delivered', 4), {}, 'delivered');
    is(marks('bob'), '0 4', 'is not read');
    is_deeply($ada->expect('receipt.delivered'), {
        conversationId => $room, userId => 'bob', sequenceNumber => 4,
    }, 'the other one hears');

    mark($bob, 'read', 5);
    is(marks('bob'), '5 5', 'read is delivered, too');
    is($ada->expect('receipt.read')->{sequenceNumber}, 5, 'that is heard');

    mark($bob, 'read', 2);
    mark($bob, 'read', 5);
    is(marks('bob'), '5 5', 'a mark does not go back');
    is_deeply([grep { /receipt/ } $ada->unexpected], [],
              'and nobody hears that it did not move');
    is(marks('ada'), '5 5', 'who sends has read');
    is($bob->join($room)->{lastReadSequence}, 5, 'a join tells it');
};

subtest 'a mark beyond the last message is one on it' => sub {
    my $cy = $chat->connect(user => 'cy');

    mark($cy, 'read', 1000);
    is(marks('cy'), '5 5', 'it has been read up to there');
    is($ada->expect('receipt.read')->{sequenceNumber}, 5, 'so it is told');
    $ada->say($room, 'number 6');
    is(marks('cy'), '5 5', 'what comes then is unread');
};

subtest 'two devices of a user share their marks' => sub {
    my $tablet = $chat->connect(user => 'bob', node_other_than => $bob);

    $tablet->join($room);
    mark($tablet, 'read', 6);
    is($bob->expect('receipt.read', sub { $_->{userId} eq 'bob' &&
                                          $_->{sequenceNumber} == 6 })
           ->{conversationId}, $room, 'one hears of the other');
};

subtest 'the first mark makes who reads a channel a member' => sub {
    $chat->create('hall');
    is($bob->join('hall')->{role}, undef, 'bob is none');
    $bob->request('read.mark', { conversationId => 'hall',
                                 sequenceNumber => 0 });
    is($bob->join('hall')->{role}, 'member', 'now he is');
    is_deeply([grep { /member/ } $bob->unexpected], [],
              'without an event');
    is($bob->refused('read.mark', { conversationId => 'nowhere',
                                    sequenceNumber => 0 })->{code},
       'not_found', 'nothing is marked where there is nothing');
};

subtest 'many members come in pages, without marks' => sub {
    $ada->request('member.add', {
        conversationId => $room, userId => sprintf('user-%03d', $_),
    }) for 1 .. MANY;

    my ($cursor, %seen, $pages);

    do {
        my $list = list($ada, limit => 50,
                        defined $cursor ? (cursor => $cursor) : ());

        $seen{ $_->{userId} }++ for @{ $list->{items} };
        is($list->{memberCount}, MANY + 3, 'how many there are');
        ok(!(grep { exists $_->{lastReadSequence} } @{ $list->{items} }),
           'no marks');
        $cursor = $list->{nextCursor};
        $pages++;
    } while (defined $cursor && $pages < 20);

    is(keys %seen, MANY + 3, 'everyone is seen');

    $ada->unexpected;
    mark($bob, 'read', 6);
    $ada->say($room, 'number 7');
    mark($bob, 'read', 7);
    is_deeply([grep { /receipt/ } $ada->unexpected], [],
              'and receipts are not told there');
};

done_testing;
