# Coming back: a join with the last revision that one has seen answers with
# all that was missed, from Redis or from PostgreSQL, however old.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers => 2);
$chat->start;
$chat->create('lobby');

my $alice = $chat->connect(user => 'alice');
$alice->join('lobby');


# what an event says, as it comes in a join and live

sub told ($client, $event) {
    is($event->{type}, 'message.created', 'an event of a join has its type');
    is_deeply($event->{data}, $client->hear('lobby'),
              'and is as the live one was');

    return;
}


subtest 'what was missed comes with the join' => sub {
    my $bob = $chat->connect(user => 'bob');
    my $seen = $bob->join('lobby')->{revision};
    $bob->disconnect;

    my @said = $alice->say_all('lobby', 'one', 'two', 'three');

    $bob = $chat->connect(user => 'bob', node_other_than => $alice);
    my $join = $bob->join('lobby', $seen);

    ok($join->{complete}, 'complete');
    ok(!$join->{reset}, 'no reset');
    is($join->{revision}, $said[-1]{revision}, 'the revision it reaches');
    is($join->{sequenceNumber}, 3, 'and the last message');
    is(@{ $join->{events} }, 3, 'three events');
    told($alice, $_) for @{ $join->{events} };

    $alice->say('lobby', 'four');
    is($bob->hear('lobby')->{content}, 'four', 'then it goes on live');
    is_deeply([$bob->unexpected], [], 'with nothing twice');
};

subtest 'who has missed nothing gets nothing' => sub {
    my $bob = $chat->connect(user => 'bob');
    my $now = $bob->join('lobby')->{revision};

    is_deeply($bob->join('lobby', $now)->{events}, [], 'no events');
};

subtest 'who has seen nothing gets everything' => sub {
    my $bob = $chat->connect(user => 'bob');
    my @events = $bob->resume('lobby', 0);

    is($events[0]{type}, 'conversation.created', 'from the creation on');
    is(@events, 5, 'to the last message');
};

subtest 'a revision that was never given out asks for a reset' => sub {
    my $bob = $chat->connect(user => 'bob');
    my $join = $bob->join('lobby', 9007199254740991);

    ok($join->{reset}, 'reset');
    is_deeply($join->{events}, [], 'no events');
};

my $start = $alice->join('lobby')->{revision};
my @said = $alice->say_all('lobby', map { "number $_" } 1 .. 700);

subtest 'messages that Redis has let go come from PostgreSQL' => sub {
    $chat->wait_stored;
    $alice->say_all('lobby', map { "later $_" } 1 .. 40);

    my $bob = $chat->connect(user => 'bob');
    my @events = $bob->resume('lobby', $start);

    is_deeply([map { $_->{data}{revision} } @events[0 .. 699]],
              [map { $_->{revision} } @said], 'all 700, in order');
    is($events[0]{data}{content}, 'number 1', 'from the first');
    is($events[699]{data}{content}, 'number 700', 'to the last');
};

subtest 'a long absence comes in parts' => sub {
    my $after = $alice->join('lobby')->{revision};

    $alice->say_all('lobby', map { 'x' x 60_000 } 1 .. 12);

    my $bob = $chat->connect(user => 'bob');
    my $join = $bob->join('lobby', $after);

    ok(!$join->{complete}, 'the first part is not complete');
    cmp_ok(length $bob->raw, '<=', 262_144 + 70_000, 'and not too large');
    is($join->{revision}, $join->{events}[-1]{data}{revision},
       'it reaches to its last event');

    $alice->say('lobby', 'meanwhile');
    is_deeply([$bob->unexpected], [], 'before the end nothing comes live');

    my @rest = $bob->resume('lobby', $join->{revision});
    is(@{ $join->{events} } + @rest, 13, 'the parts make up the whole');

    $alice->say('lobby', 'afterwards');
    is($bob->hear('lobby')->{content}, 'afterwards', 'then it goes on live');
};

done_testing;
