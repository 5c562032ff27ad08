# Sessions of two nodes listen who is there in the same conversations: both are
# told the same, of members and of how many there are, and one goes on when the
# other has left.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Ghost;

my $chat = ChatTest->new(
    workers  => 2,
    with     => [qw(redis postgres persist presence)],
    presence => { grace => 0 },
    settings => { CHAT_PRESENCE_COUNT_INTERVAL => 1 },
    http     => 'chat_presence_members 3; chat_presence_batch 4;',
);
$chat->start;
$chat->create('team', type => 'group', by => 'ada', members => [qw(bob cy)]);
$chat->create('crowd', type => 'group', by => 'ada',
              members => [qw(bob cy dan eve)]);

my $ghost = ChatTest::Ghost->new($chat);
my $ada = $chat->connect(user => 'ada');
my $bob = $chat->connect(user => 'bob', node_other_than => $ada);


sub get ($client, $id) {
    return $client->insist('presence.get', { conversationId => $id,
                                             subscribe => \1 });
}


sub members ($client, $id) {
    return join ', ', sort map { "$_->{userId} $_->{status}" }
        @{ get($client, $id)->{members} // [] };
}


# what is told of a user, when it is this

sub hears ($client, $user, $status) {
    return $client->expect('presence.changed', sub {
        $_->{userId} eq $user && $_->{status} eq $status });
}


sub counts ($client, $online) {
    return $client->expect('presence.count', sub {
        $_->{conversationId} eq 'crowd' && $_->{online} == $online });
}


for my $client ($ada, $bob) {
    $client->join($_) for qw(team crowd);
    wait_until {
        members($client, 'team') eq 'ada online, bob online, cy offline' };
}

subtest 'of few both are told who' => sub {
    $_->unexpected for $ada, $bob;
    $ghost->there('cy');
    hears($_, cy => 'online') for $ada, $bob;
    $ghost->gone('cy');
    my @seen = map { hears($_, cy => 'offline')->{lastSeen} } $ada, $bob;

    ok(defined $seen[0], 'when who has gone was seen last');
    is($seen[0], $seen[1], 'the same on both nodes');
};

subtest 'of many both are told how many' => sub {
    wait_until { get($_, 'crowd')->{online} == 2 } for $ada, $bob;
    $_->unexpected for $ada, $bob;

    $ghost->there('eve');
    is(counts($_, 3)->{online}, 3, 'one has come') for $ada, $bob;

    $bob->leave('crowd');
    $ghost->there('dan');
    is(counts($ada, 4)->{online}, 4, 'one goes on when the other leaves');
    is_deeply([grep { /presence/ } $bob->unexpected], [], 'which is told nothing');

    $bob->join('crowd');
    is(get($bob, 'crowd')->{online}, 4, 'until it comes back');
    $ghost->gone('dan');
    is(counts($_, 3)->{online}, 3, 'then both are') for $ada, $bob;
};

subtest 'what gets smaller does so on both' => sub {
    $ghost->there('cy');
    counts($_, 4) for $ada, $bob;
    $_->unexpected for $ada, $bob;

    $ada->request('member.remove', { conversationId => 'crowd',
                                     userId => 'eve' });
    hears($ada, @$_)
        for [bob => 'online'], [cy => 'online'], [dan => 'offline'];
    hears($bob, @$_)
        for [ada => 'online'], [cy => 'online'], [dan => 'offline'];
    is(members($_, 'crowd'), 'ada online, bob online, cy online',
       'who is there is told') for $ada, $bob;

    $ghost->there('eve', 1, 0);
    $ghost->there('cy', 1, 0);
    hears($_, cy => 'away') for $ada, $bob;
    hears($_, cy => 'away') for $ada, $bob;     # of both conversations
    is_deeply([grep { /presence/ } $ada->unexpected, $bob->unexpected], [],
              'and neither is told of who was put out');
};

done_testing;
