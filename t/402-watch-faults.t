# What sessions are told of users when Redis, a link to it or chat-presence was
# away: what they knew, until it is known again, and then how it is.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Ghost;

my $chat = ChatTest->new(
    workers => 1, proxied => 1, presence => { grace => 0 },
    with    => [qw(redis postgres persist presence)],
);
$chat->start;

my $ghost = ChatTest::Ghost->new($chat);
my $ada = $chat->connect(user => 'ada');
my $group = $ada->insist('conversation.create', { type => 'group',
    clientId => uuid(), members => [qw(bob cy eve)] })->{conversationId};


sub status ($user) {
    my $states = $ada->insist('presence.subscribe', { userIds => [$user] });

    return $states->{states}[0]{status};
}


sub change ($user) {
    my $data = $ada->expect('presence.changed', sub { $_->{userId} eq $user });

    return $data->{status};
}


sub seen ($user, $state) {
    wait_until { $ghost->seen($user) =~ /^$state/ };

    return;
}


sub gaps () { return $chat->metrics->{chat_presence_gap_total} }


$ghost->there($_) for qw(bob cy);
seen($_ => 'o') for qw(bob cy);
is(status('bob'), 'online', 'bob is there');
is(status('cy'), 'online', 'so is cy');

subtest 'a change is lost' => sub {
    $chat->proxy->swallow('redis', message => ':presence$');
    $ghost->choose(bob => 'b');
    wait_until { $chat->proxy->swallowed('redis') };
    $chat->proxy->heal('redis');
    is(change('bob'), 'busy', 'a renewal of the lease tells');
    is(gaps(), 1, 'it is counted');
};

subtest 'the link of subscriptions is lost' => sub {
    $chat->proxy->cut('redis', only => ':subscriber$');
    $ghost->choose(bob => 'a');
    $ghost->gone('cy');
    is(change('bob'), 'away', 'what was missed is told');
    is(change('cy'), 'offline', 'of each');
};

subtest 'who is out while nobody hears it' => sub {
    $ghost->there('eve');
    seen(eve => 'o');
    is(status('eve'), 'online', 'eve is there');

    $chat->proxy->swallow('redis', message => '^chat:nodes$');
    $ada->request('member.remove', { conversationId => $group,
                                     userId => 'eve' });
    wait_until { $chat->proxy->swallowed('redis') };
    $chat->proxy->heal('redis');
    $chat->proxy->cut('redis', only => ':subscriber$');
    my $end = $ada->expect('presence.changed', sub { $_->{userId} eq 'eve' });
    is_deeply($end, { userId => 'eve', status => 'offline',
                      lastSeen => undef }, 'is asked about afterwards');
};

subtest 'chat-presence is away' => sub {
    $chat->part('presence')->stop;
    is(status('bob'), 'away', 'what is known is told');

    $ghost->there('dan');
    $ada->insist('member.add', { conversationId => $group,
                                 userId => 'dan' });
    is(status('dan'), 'offline', 'who is not looks as if not there');

    $chat->start_part('presence');
    is(change('dan'), 'online', 'and is told as soon as it is known');
};

is_deeply([$ada->unexpected], [], 'nothing else was told');

done_testing;
