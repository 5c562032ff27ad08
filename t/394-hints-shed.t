# Hints are left out where there is too much to do: for a client that does not
# read, and for all of a node that has reached the level of presence.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Redis;

use constant {
    NODE  => 1_048_576,
    QUEUE => 1_600_000,
    STEP  => 20_000,        # bytes of a message
};

my $chat = ChatTest->new(
    workers  => 1,
    listen   => 'sndbuf=32k',
    http     => 'chat_node_lag 60s; chat_node_queue ' . NODE . ';',
    location => 'chat_send_queue ' . QUEUE . ';',
);
$chat->start;
$chat->create('silo', by => 'alice', type => 'group', members => ['bob']);
$chat->create('club', by => 'alice', type => 'group',
              members => [qw(bob carol)]);

my $redis = ChatTest::Redis->new($chat->{redis_socket});
my ($alice, $bob, $carol) = map { $chat->connect(user => $_) }
    qw(alice bob carol);
my $said = 0;

$bob->join('silo');
wait_until {
    2 == grep {
        $redis->call('PUBSUB', 'NUMSUB', "chat:user:default/$_")->[1] == 1
    } qw(bob carol);
};


sub metric ($name) { return $chat->metrics->{$name} }
sub shed ()        { return metric('chat_shed_total{what="hint"}') }
sub level ()       { return metric('chat_overload_level') }


# more waits for bob, who does not read

sub fill ($until) {
    for (1 .. 200) {
        return if $until->();
        $alice->say('silo', 'x' x STEP);
        $said++;
    }

    die 'the client reads';
}


sub mention ($number) {
    $alice->request('message.send', {
        conversationId => 'club', content => "number $number",
        mentions => ['bob', 'carol'],
    });

    return;
}


sub mentioned_ok ($client, $number, $what) {
    is($client->expect_hint('notification')->{sequenceNumber}, $number, $what);

    return;
}


subtest 'all are told' => sub {
    mention(1);
    mentioned_ok($_, 1, 'a mention') for $bob, $carol;
    is(shed(), 0, 'none is left out');
};

subtest 'who does not read is not' => sub {
    fill(sub () { metric('chat_queued_bytes') > QUEUE / 4 + STEP });
    is(level(), 0, 'the node is well');

    mention(2);
    mentioned_ok($carol, 2, 'who reads is told');
    wait_until { shed() == 1 };
    pass('the other one is counted');
};

subtest 'on a node that has too much to do nobody is' => sub {
    fill(sub () { level() >= 2 });
    is(level(), 2, 'the level of presence');

    mention(3);
    wait_until { shed() == 3 };
    pass('both are counted');
};

subtest 'afterwards all are told again' => sub {
    $bob->hear('silo') for 1 .. $said;
    wait_until { level() == 0 && metric('chat_queued_bytes') == 0 };

    mention(4);
    mentioned_ok($_, 4, 'a mention') for $bob, $carol;
    is_deeply([map { $_->{type} } grep { $_->{type} eq 'notification' }
                   $bob->hints, $carol->hints], [], 'and none that was missed');
    is_deeply([$bob->unexpected], [], 'nothing says so');
};

done_testing;
