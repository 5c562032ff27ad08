# A node that has too much to do does not tell changes of presence, and a client
# that reads slowly is not told them; when that is over both are told how it is
# then, of each user once.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Ghost;

# of the node's bytes, six tenths are too much for presence; of a session's, a
# quarter
use constant { NODE => 1_258_000, STEP => 20_000, SLOW => 400_000 };

my $chat = ChatTest->new(
    workers  => 1,
    listen   => 'sndbuf=32k',
    presence => { grace => 0 },
    http     => 'chat_node_queue ' . NODE . ';',
    location => 'chat_send_queue 1m; chat_message_rate off;'
                . ' chat_request_rate off;',
    with     => [qw(redis postgres persist presence)],
);
$chat->start;

my $ghost = ChatTest::Ghost->new($chat);
my $ada = $chat->connect(user => 'ada');
my $dora = $chat->connect(user => 'dora');
my $texts = 0;


sub level () { return $chat->metrics->{chat_overload_level} }
sub shed ()  { return $chat->metrics->{'chat_shed_total{what="presence"}'} }


# messages to those who do not read, until the condition is true

sub fill ($room, $condition) {
    for (1 .. 500) {
        return 1 if $condition->();
        $ada->say($room, 'x' x STEP);
    }

    return 0;
}


# cy chooses one thing after the other; the node knows of the last one, as dora
# is told by the same node

sub choose (@choices) {
    for my $choice (@choices) {
        $ghost->choose(cy => $choice);
        wait_until { $ghost->seen('cy') =~ /^$choice/ };
    }

    my $text = 'text ' . ++$texts;

    $ghost->choose(cy => $choices[-1], $text);
    wait_until {
        my $states = $dora->insist('presence.subscribe',
                                   { userIds => ['cy'] })->{states};
        ($states->[0]{text} // '') eq $text;
    };

    return;
}


my $room = $ada->insist('conversation.create', { type => 'group',
    clientId => uuid(), members => [qw(bob cy dora)] })->{conversationId};

$ghost->there('cy');
wait_until { $ghost->seen('cy') =~ /^o/ };
$ada->insist('presence.subscribe', { userIds => ['cy'] });

subtest 'a client that does not read' => sub {
    my $bob = $chat->connect(user => 'bob');

    $bob->join($room);
    $bob->insist('presence.subscribe', { userIds => ['cy'] });
    ok(fill($room, sub {
        $chat->metrics->{chat_queued_bytes} > SLOW }), 'much waits for it');
    is(level(), 0, 'that is nothing for the node');

    my $before = shed();
    choose(qw(b a b));
    wait_until { shed() > $before };
    $ada->expect('presence.changed', sub { defined $_->{text} });

    my $told = $bob->expect('presence.changed');
    is("$told->{status} $told->{text}", "busy text $texts",
       'when it reads it is told the last one');
    is_deeply([grep { /presence/ } $bob->unexpected], [], 'and no other');
    $bob->disconnect;
    wait_until { $chat->metrics->{chat_queued_bytes} < SLOW };
};

subtest 'a node that has too much to do' => sub {
    my $bob = $chat->connect(user => 'bob');

    $bob->join($room);
    ok(fill($room, sub { level() >= 2 }), 'that is reached');
    $ada->unexpected;

    my $before = shed();
    choose(qw(o a b));
    cmp_ok(shed(), '>', $before, 'changes are counted');
    is_deeply([$ada->unexpected], [], 'and not told');

    $bob->disconnect;
    my $told = $ada->expect('presence.changed');
    is("$told->{status} $told->{text}", "busy text $texts",
       'when that is over the last one is');

    choose('o');
    is($ada->expect('presence.changed', sub { defined $_->{text} })->{status},
       'online', 'and from then on each');
};

done_testing;
