# A node that has too much to do tells nobody who comes and goes in a
# conversation, and tells it when that is over, of each member the latest; a
# client that reads slowly is told "gap", and asks again.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Shown;

# of the node's bytes, six tenths are too much for presence; of a session's, a
# quarter
use constant { NODE => 1_258_000, STEP => 20_000, SLOW => 400_000 };

my $chat = ChatTest->new(
    workers  => 1,
    listen   => 'sndbuf=32k',
    http     => 'chat_presence_members 4; chat_node_queue ' . NODE . ';',
    location => 'chat_send_queue 1m; chat_message_rate off;'
                . ' chat_request_rate off;',
);
$chat->start;

my $seen = ChatTest::Shown->new($chat);

$chat->create('few', type => 'group', by => 'ada', members => [qw(bob cy dan)]);
$chat->create('more', type => 'group', by => 'ada',
              members => [qw(bob cy dan eve)]);
$chat->create('noise');

my $ada = $chat->connect(user => 'ada');
my $dan = $chat->connect(user => 'dan');


sub level () { return $chat->metrics->{chat_overload_level} }
sub shed ()  { return $chat->metrics->{'chat_shed_total{what="presence"}'} }


# messages to those who do not read, until the condition is true

sub fill ($condition) {
    for (1 .. 500) {
        return 1 if $condition->();
        $dan->say('noise', 'x' x STEP);
    }

    return 0;
}


sub listen_to ($client, @ids) {
    for my $id (@ids) {
        $client->join($id);
        $client->insist('presence.get', { conversationId => $id,
                                          subscribe => \1 });
    }

    return;
}


# a user is seen so, and the node knows, whoever it tells

sub see ($user, @letters) {
    $seen->see($user, $_) for @letters;

    my %status = (o => 'online', a => 'away', b => 'busy');

    wait_until {
        my $data = $dan->insist('presence.get', { conversationId => 'more' });
        grep { $_->{userId} eq $user && $_->{status} eq $status{$letters[-1]} }
            @{ $data->{members} };
    };

    return;
}


sub change ($client) {
    my $data = $client->expect('presence.changed');

    return "$data->{userId} $data->{status}";
}


sub nothing_more ($client, $title) {
    is_deeply([grep { /presence|gap/ } $client->unexpected], [], $title);

    return;
}


$seen->see($_, 'o') for qw(ada bob cy dan eve);

subtest 'a client that does not read' => sub {
    my $bob = $chat->connect(user => 'bob');

    listen_to($bob, 'few');
    listen_to($ada, 'few');
    $bob->join('noise');
    ok(fill(sub { $chat->metrics->{chat_queued_bytes} > SLOW }),
       'much waits for it');
    is(level(), 0, 'that is nothing for the node');

    my $before = shed();
    see('cy', 'b');
    is(change($ada), 'cy busy', 'others are told');
    see('cy', 'a');
    is(change($ada), 'cy away', 'each change');
    is(shed() - $before, 2, 'which it was not, that is counted');

    is($bob->expect('gap')->{conversationId}, 'few', 'when it reads it is told');
    nothing_more($bob, 'once, and nothing else');

    my $data = $bob->insist('presence.get', { conversationId => 'few' });
    is_deeply({ map { @$_{qw(userId status)} } @{ $data->{members} } },
              { ada => 'online', bob => 'online', cy => 'away',
                dan => 'online' }, 'it asks how it is');

    see('cy', 'o');
    is(change($bob), 'cy online', 'and is told what changes from then on');
    is(change($ada), 'cy online', 'as others are');
    $bob->disconnect;
};

subtest 'a node that has too much to do' => sub {
    my $bob = $chat->connect(user => 'bob');
    my $eve = $chat->connect(user => 'eve');

    $bob->join('noise');
    listen_to($eve, 'more');
    ok(fill(sub { level() >= 2 }), 'that is reached');

    see('cy', qw(b a b));
    see('bob', 'a');
    nothing_more($_, 'nothing is told') for $ada, $eve;

    $bob->disconnect;
    is_deeply([sort map { change($_) } ($ada) x 2], ['bob away', 'cy busy'],
              'when that is over the latest of each is, of few');
    is_deeply([sort map { change($_) } ($eve) x 2], ['bob away', 'cy busy'],
              'and of more');
    nothing_more($_, 'and nothing else') for $ada, $eve;

    see('cy', 'o');
    is(change($_), 'cy online', 'from then on each') for $ada, $eve;
};

done_testing;
