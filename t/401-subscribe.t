# presence.subscribe: whose presence a session may know, what it is told, and
# when that ends.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Ghost;

my $chat = ChatTest->new(workers => 1, location => 'chat_presence_users 8;',
                         with => [qw(redis postgres persist presence)]);
$chat->start;

my $ghost = ChatTest::Ghost->new($chat);
my $ada = $chat->connect(user => 'ada');
my $offline = { status => 'offline', lastSeen => undef };
my (%dm, $group);


sub create ($type, @members) {
    return $ada->insist('conversation.create', {
        type => $type, members => \@members,
        $type eq 'dm' ? () : (clientId => uuid()),
    })->{conversationId};
}


sub states ($session, @users) {
    return $session->insist('presence.subscribe', { userIds => \@users })
        ->{states};
}


# the next change of a user, as ada is told it

sub change ($user) {
    return $ada->expect('presence.changed', sub { $_->{userId} eq $user });
}


sub is_seen ($state, $user, $status, $what) {
    is_deeply($state, { userId => $user, status => $status,
                        lastSeen => undef }, $what) or diag explain $state;

    return;
}


$dm{$_} = create('dm', $_) for qw(bob cy);
$group = create('group', qw(dan eve));
create('channel', 'mallory');

$ghost->there($_) for qw(bob dan mallory stranger);
$ghost->choose(bob => 'b', 'In a \\"meeting\\"');
$ghost->choose($_ => 'o') for qw(cy dan eve mallory stranger);
wait_until { !grep { $ghost->seen($_) !~ /^[bo]/ }
             qw(bob dan mallory stranger) };

subtest 'states, in the order asked' => sub {
    my $states = states($ada, qw(eve bob stranger ada dan mallory bob cy));

    is_deeply([map { $_->{userId} } @$states],
              [qw(eve bob stranger ada dan mallory bob cy)], 'one for each');
    is_deeply($states->[1], { userId => 'bob', status => 'busy',
        lastSeen => undef, text => 'In a "meeting"' },
        'of a dm: with the text');
    is_deeply($states->[6], $states->[1], 'named twice: told twice');
    is_seen($states->[4], 'dan', 'online', 'of a group');
    is($states->[0]{status}, 'offline', 'one who is not there');
    is_seen($states->[2], 'stranger', 'offline', 'one who shares nothing');
    is_seen($states->[5], 'mallory', 'offline', 'nor in a channel');
    is($states->[3]{userId} . ' ' . $states->[3]{status}, 'ada online',
       'oneself');

    is($chat->metrics->{chat_presence_watchers}, 4, 'four are watched');
};

subtest 'changes' => sub {
    $ghost->there(bob => 2, 0);
    $ghost->choose(bob => 'o');
    is_seen(change('bob'), 'bob', 'away', 'none of the sessions is active');

    $ghost->there(bob => 2, 1);
    is_seen(change('bob'), 'bob', 'online', 'one is');

    $ghost->gone($_) for qw(stranger mallory);
    $ghost->choose(bob => 'i');
    my $left = change('bob');
    is($left->{status}, 'offline', 'invisible looks like offline');
    like($left->{lastSeen}, qr/^20\d\d-.*Z$/, 'and was seen just now');

    $ghost->there('cy');
    is_seen(change('cy'), 'cy', 'online', 'another one');
    is_deeply([$ada->unexpected], [], 'of nobody else');
};

subtest 'no longer' => sub {
    my $answer = $ada->request('presence.unsubscribe',
                               { userIds => [qw(cy stranger nobody)] });
    is_deeply($answer, { states => [] }, 'unsubscribed');

    $ghost->choose($_ => 'a') for qw(cy dan);
    is(change('dan')->{status}, 'away', 'dan is told');
    wait_until { $ghost->seen('cy') =~ /^a/ };
    $ghost->choose(dan => 'o');
    is(change('dan')->{status}, 'online', 'and once more');
    is_deeply([$ada->unexpected], [], 'cy is not');
    is(states($ada, 'cy')->[0]{status}, 'away', 'subscribed to again');
};

subtest 'too many' => sub {
    my $error = $ada->refused('presence.subscribe', {
        userIds => [map { ("u$_", "u$_") } 1 .. 6],
    });
    is("$error->{code}: $error->{message}",
       'too_large: too many users are subscribed to', 'more than 8');
    is($chat->limited('presence_users'), 1, 'it is counted');
    is(scalar @{ states($ada, map { ("u$_", "u$_") } 1 .. 4) }, 8,
       'named twice counts once');
    is($chat->metrics->{chat_presence_watchers}, 4,
       'who is refused is not watched');
};

subtest 'the end of what was shared' => sub {
    $ada->insist('member.remove', { conversationId => $group,
                                    userId => 'dan' });
    is_seen(change('dan'), 'dan', 'offline', 'removed: as if never there');
    $ghost->choose(dan => 'b');
    wait_until { $ghost->seen('dan') =~ /^b/ };
    is_seen(states($ada, 'dan')->[0], 'dan', 'offline', 'and so it stays');

    $ghost->there('eve');
    is(change('eve')->{status}, 'online', 'eve is still told');
    my $eve = $chat->connect(user => 'eve');
    is(states($eve, 'ada')->[0]{userId}, 'ada', 'eve knows of ada, too');
    $ada->insist('member.update', { conversationId => $group,
        userId => 'eve', role => 'blocked' });
    is_seen(change('eve'), 'eve', 'offline', 'blocked');
    my $blocked = $eve->expect('presence.changed');
    is_seen($blocked, 'ada', 'offline', 'for both');

    my $other = create('group', 'eve');
    is(states($ada, 'eve')->[0]{status}, 'online', 'let in elsewhere');
    $ada->insist('conversation.delete', { conversationId => $other });
    is_seen(change('eve'), 'eve', 'offline', 'deleted');

    is($chat->metrics->{chat_presence_ended_total}, 4, 'four have ended');
    is_deeply([$ada->unexpected], [], 'nothing else');
};

subtest 'a request is judged as a whole' => sub {
    my $error = $ada->refused('presence.subscribe', { userIds => [] });
    is($error->{code}, 'bad_request', 'nobody');

    $error = $ada->refused('presence.subscribe',
                           { userIds => [map { "u$_" } 1 .. 201] });
    is($error->{code}, 'bad_request', 'more than 200');
};

subtest 'sessions go' => sub {
    $ada->send_close(1000);
    wait_until { $chat->metrics->{chat_presence_watchers} == 0
                 && $chat->metrics->{chat_presence_watched} == 0 };
    pass('nobody is watched any more');
};

done_testing;
