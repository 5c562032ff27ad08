# With chat_ack stored a reply promises that the change is in PostgreSQL.  A
# change that Redis had accepted, and that is lost with it before that, is made
# again by the node; one that outlived a restart is not made twice.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);

use ChatTest;

my $chat = ChatTest->new(
    location => 'chat_ack stored; chat_request_timeout 30s;',
);
$chat->start;

my $ada = $chat->connect(user => 'ada');
my $bob = $chat->connect(user => 'bob');


# a group with a message and a reaction of ada's

sub new_room {
    my $room = $ada->request('conversation.create', {
        type => 'group', members => ['bob', 'cy'],
    })->{conversationId};
    my $said = $ada->say($room, 'first');

    $ada->request('reaction.add', {
        conversationId => $room, messageId => $said->{id}, emoji => 'old',
    });

    return { room => $room, message => $said->{id} };
}


# of each kind: what is asked for, and how the state of its room differs then,
# "<messages> <content or -> <emojis> <role of bob> <role of cy> <name>"

my @changes = (
    ['message.send', { content => 'x' }, '2 first old member member -'],
    ['message.send', { content => 'x', clientMessageId => 'c' },
        '2 first old member member -'],
    ['message.edit', { content => 'edited' }, '1 edited old member member -'],
    ['message.delete', {}, '1 -  member member -'],
    ['reaction.add', { emoji => 'new' }, '1 first old,new member member -'],
    ['reaction.remove', { emoji => 'old' }, '1 first  member member -'],
    ['conversation.update', { name => 'Room' },
        '1 first old member member Room'],
    ['member.add', { userId => 'dan' }, '1 first old member member -'],
    ['member.update', { userId => 'bob', role => 'admin' },
        '1 first old admin member -'],
    ['member.update', { userId => 'bob', role => 'blocked' },
        '1 first old blocked member -'],
    ['member.remove', { userId => 'bob' }, '1 first old - member -'],
    ['conversation.delete', {}, 'gone'],
);


sub state_of ($room) {
    my $history = $ada->reply($ada->post('history.get',
                                         { conversationId => $room }));

    return 'gone' if !$history->{ok};

    my $messages = $history->{data}{messages};
    my $first = $messages->[0];
    my %roles = map { $_->{userId} => $_->{role} } @{
        $ada->request('member.list', { conversationId => $room })->{items}
    };
    my ($item) = grep { $_->{conversation}{conversationId} eq $room }
        @{ $ada->request('conversation.list', {})->{items} };

    return join ' ', scalar @$messages, $first->{content} // '-',
        join(',', map { $_->{emoji} } @{ $first->{reactions} // [] }),
        $roles{bob} // '-', $roles{cy} // '-',
        $item->{conversation}{name} // '-';
}


# Asks for everything while it cannot be stored; does something to Redis then,
# and sees that every request is answered as if nothing had been.

sub answered_ok ($what) {
    my @rooms = map { new_room() } @changes;
    my $hall = new_room()->{room};

    $chat->wait_stored;
    $chat->kill('persist');

    my @ids = map {
        my ($type, $data) = @{ $changes[$_] };

        $ada->post($type, {
            conversationId => $rooms[$_]{room}, %$data,
            $type =~ /edit|delete|reaction/
                ? (messageId => $rooms[$_]{message}) : (),
        })
    } 0 .. $#changes;

    my $made = $ada->post('conversation.create', { type => 'group' });
    my $left = $bob->post('member.remove', {
        conversationId => $hall, userId => 'bob',
    });

    wait_until { accepted() == @changes + 2 };
    is_deeply([$ada->unexpected], [], 'nothing is answered yet');

    $chat->kill('redis');
    remove_tree($chat->directory . '/appendonlydir') if $what eq 'lost';
    $chat->restart($_) for qw(redis persist);

    for (0 .. $#changes) {
        my ($type, undef, $state) = @{ $changes[$_] };
        my $reply = $ada->reply($ids[$_]);

        ok($reply->{ok}, $type) or diag(encode($reply));
        ok(!$reply->{data}{duplicate}, 'as the first');
        is(state_of($rooms[$_]{room}), $state, 'it has been done, once');
    }

    my $reply = $ada->reply($made);

    ok($reply->{ok} && !$reply->{data}{duplicate}, 'conversation.create')
        or diag(encode($reply));
    is(state_of($reply->{data}{conversationId}), '0 -  - - -', 'it is there');

    ok($bob->reply($left)->{ok}, 'leaving');

    return;
}


# how many changes wait to be stored

sub accepted {
    my $n = 0;

    $n += $chat->redis_cli('XLEN', sprintf 'chat:{p%02d}:log', $_)
        for 0 .. 15;

    return $n;
}


for my $what ('lost', 'kept') {
    subtest "a Redis whose data is $what" => sub { answered_ok($what) };
}

done_testing;
