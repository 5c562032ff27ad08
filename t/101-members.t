# Members: who may add, change and remove whom, leaving, and being blocked.
# Who is out hears so and nothing after it.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers => 2, location => 'chat_max_members 6;');
$chat->start;

my %user = map { $_ => $chat->connect(user => $_) } qw(ada bob cy dan);
my $room;


# a group of ada's; other members as user => role

sub new_room (%members) {
    $room = $user{ada}->request('conversation.create', {
        type => 'group', name => 'room',
    })->{conversationId};

    change('ada', 'member.add', $_, $members{$_}) for sort keys %members;
    $_->unexpected for values %user;        # of rooms before

    return;
}


sub change ($actor, $type, $target, $role = undef) {
    my $reply = $user{$actor}->reply($user{$actor}->post($type, {
        conversationId => $room, userId => $target,
        defined $role ? (role => $role) : (),
    }));

    return $reply->{ok} ? 'ok' : $reply->{error}{code};
}


sub roles ($client = $user{ada}) {
    my $list = $client->request('member.list', { conversationId => $room });

    return { map { $_->{userId} => $_->{role} } @{ $list->{items} } };
}


subtest 'who is added hears all from then on' => sub {
    new_room();
    is($user{bob}->refused('conversation.join',
                           { conversationId => $room })->{code},
       'not_found', 'to a stranger there is no group');

    $user{ada}->join($room);
    $user{ada}->say($room, 'before');
    is(change('ada', 'member.add', 'bob'), 'ok', 'bob is added');

    my $joined = $user{ada}->expect('member.joined');
    is("$joined->{userId} $joined->{role}", 'bob member', 'and all hear it');

    my $join = $user{bob}->join($room);
    is($join->{role}, 'member', 'he can listen');
    is($join->{lastReadSequence}, 1, 'what was before is no news to him');
    is(change('ada', 'member.add', 'bob'), 'ok', 'adding him again is fine');
    is(change('ada', 'member.add', 'bob', 'admin'), 'conflict',
       'as something else it is not');
    is_deeply([$user{bob}->unexpected], [], 'and nothing is heard of it');
};

subtest 'a member changes nobody, a moderator who is below' => sub {
    is(change('bob', 'member.add', 'cy'), 'forbidden', 'bob may not');
    is(change('ada', 'member.update', 'bob', 'moderator'), 'ok', 'made one');
    is($user{bob}->expect('member.updated')->{role}, 'moderator', 'he hears');
    is(change('bob', 'member.add', 'cy'), 'ok', 'now he may');
    is(change('bob', 'member.add', 'dan', 'moderator'), 'forbidden',
       'but not make his like');
    is(change('bob', 'member.update', 'ada', 'member'), 'forbidden',
       'nor lower who is above');
    is(change('bob', 'member.remove', 'ada'), 'forbidden', 'nor put her out');
    is(change('bob', 'member.update', 'bob', 'admin'), 'forbidden',
       'nor raise himself');
    is(change('bob', 'member.update', 'bob', 'member'), 'ok',
       'but lower himself');
    is_deeply(roles(), { ada => 'owner', bob => 'member', cy => 'member' },
              'so they are');
};

subtest 'the last owner stays' => sub {
    is(change('ada', 'member.remove', 'ada'), 'conflict', 'ada cannot leave');
    is(change('ada', 'member.update', 'ada', 'admin'), 'conflict',
       'nor be anything less');
    is(change('ada', 'member.update', 'bob', 'owner'), 'ok', 'another one');
    is(change('bob', 'member.update', 'ada', 'member'), 'ok', 'may lower her');
    is(change('ada', 'member.remove', 'ada'), 'ok', 'and she may leave');
    is(change('bob', 'member.remove', 'bob'), 'conflict', 'now bob may not');
};

subtest 'who leaves hears so, and nothing after it' => sub {
    new_room(bob => 'member', cy => 'member');

    my $other = $chat->connect(user => 'bob', node_other_than => $user{bob});

    $_->join($room) for $user{ada}, $user{bob}, $other, $user{cy};
    is(change('bob', 'member.remove', 'bob'), 'ok', 'bob leaves');
    $user{ada}->say($room, 'he is gone');
    $user{cy}->hear($room);

    for my $client ($user{ada}, $user{bob}, $other) {
        my $left = $client->expect('member.left',
                                   sub { $_->{conversationId} eq $room });

        is($left->{userId}, 'bob', 'it is heard');
        is($left->{role}, undef, 'that he is nobody there');
    }

    is_deeply([$_->unexpected], [], 'and then nothing')
        for $user{bob}, $other;
    is($user{bob}->refused('message.send', {
        conversationId => $room, content => 'x',
    })->{code}, 'not_found', 'to him it does not exist');
    is(change('ada', 'member.remove', 'bob'), 'not_found', 'he is out once');
};

subtest 'who is blocked is out until that is ended' => sub {
    $_->unexpected for $user{ada}, $user{cy};
    is(change('ada', 'member.update', 'cy', 'blocked'), 'ok', 'cy is blocked');
    is($user{cy}->expect('member.left')->{role}, 'blocked', 'he hears why');
    is($user{cy}->refused('conversation.join',
                          { conversationId => $room })->{code}, 'not_found',
       'there is no such conversation for him');
    is(change('ada', 'member.add', 'cy'), 'conflict', 'he cannot be added');
    is(roles()->{cy}, 'blocked', 'who may end it sees him');

    change('ada', 'member.add', 'dan');
    is(roles($user{dan})->{cy}, undef, 'others do not');

    is(change('ada', 'member.update', 'cy', 'member'), 'ok', 'it is ended');
    is($user{dan}->join($room)->{role}, 'member', 'dan listens');
    is($user{cy}->join($room)->{role}, 'member', 'cy is a member again');
    change('ada', 'member.update', 'cy', 'blocked');
    is(change('ada', 'member.remove', 'cy'), 'ok', 'or he is put out');
    is(change('ada', 'member.add', 'cy'), 'ok', 'and may be added then');
};

subtest 'a group has so many members and no more' => sub {
    new_room(map { $_ => 'member' } qw(b c d e f));
    is(change('ada', 'member.add', 'g'), 'too_large', 'the seventh');
    change('ada', 'member.remove', 'f');
    is(change('ada', 'member.add', 'g'), 'ok', 'in place of another');
    is($user{ada}->refused('conversation.create', {
        type => 'group', members => [qw(b c d e f g)],
    })->{code}, 'too_large', 'none is made with more');
};

subtest 'a channel is joined by who wants to be a member' => sub {
    $room = $chat->create('hall', by => 'ada')->{conversationId};
    $user{bob}->join('hall');
    is(change('bob', 'member.add', 'bob'), 'ok', 'bob joins by himself');
    is($user{bob}->expect('member.joined')->{role}, 'member', 'and is told');
    is(change('cy', 'member.add', 'cy', 'admin'), 'forbidden',
       'nobody becomes more than that');
    is(change('ada', 'member.update', 'dan', 'blocked'), 'ok',
       'who never was there can be blocked');
    is($user{dan}->refused('conversation.join',
                           { conversationId => 'hall' })->{code},
       'not_found', 'and finds no channel');
};

subtest 'in a dm there is nobody to add or remove' => sub {
    $room = $user{ada}->request('conversation.create', {
        type => 'dm', members => ['bob'],
    })->{conversationId};
    is(change('ada', 'member.add', 'cy'), 'forbidden', 'no third one');
    is(change('ada', 'member.remove', 'ada'), 'forbidden', 'no leaving');
    is(change('ada', 'member.update', 'bob', 'admin'), 'forbidden', 'no ranks');
    is(change('ada', 'member.update', 'bob', 'blocked'), 'ok', 'but a block');
    is($user{bob}->refused('message.send', {
        conversationId => $room, content => 'x',
    })->{code}, 'not_found', 'which ends it for the other one');
    is(change('ada', 'member.update', 'bob', 'member'), 'ok', 'until it ends');
    is($user{bob}->say($room, 'hello')->{sequenceNumber}, 1, 'then it goes on');
};

done_testing;
