# A node that has more to do than it may leaves things undone, in the order of
# the contract, tells who must know, and comes back by itself.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Redis;

use constant {
    NODE  => 1_048_576,
    STEP  => 20_000,        # bytes of a message: less than between two levels
    LARGE => 60_000,
};

my $chat = ChatTest->new(
    workers  => 1,
    listen   => 'sndbuf=32k',
    http     => 'chat_node_queue ' . NODE . ';',
    location => 'chat_send_queue 64m; chat_request_timeout 60s;',
);
$chat->start;
$chat->create('lobby', by => 'alice', type => 'group', members => ['carol']);
$chat->create('silo', by => 'alice', type => 'group', members => ['bob']);

my $redis = ChatTest::Redis->new($chat->{redis_socket});
my ($alice, $carol) = map { $chat->connect(user => $_) } qw(alice carol);
$_->join('lobby') for $alice, $carol;
my ($lobby) = split /\n/, $chat->redis_cli('PUBSUB', 'CHANNELS', 'chat:{*');


sub shed ($what) { return $chat->metrics->{qq(chat_shed_total{what="$what"})} }
sub level ()     { return $chat->metrics->{chat_overload_level} }


# what of the three kinds that are ephemeral alice is told

sub told () {
    $alice->unexpected;

    for (['t', 'typing.started'], ['p', 'presence.changed'],
         ['r', 'receipt.read'])
    {
        my ($what, $type) = @$_;
        my $before = shed($type =~ s/\..*//r);

        $redis->call('PUBLISH', $lobby, qq(0 0 $what {"type":"$type",)
                     . '"data":{"conversationId":"lobby"}}');
        wait_until {
            $alice->request('ping');
            grep({ $_->{type} eq $type } @{ $alice->{events} })
                || shed($type =~ s/\..*//r) > $before;
        };
    }

    return join ' ', $alice->unexpected;
}


# more waits for bob, who does not read, until the node is at this level

sub rise ($level) {
    for (1 .. 500) {
        return 1 if level() >= $level;
        $alice->say('silo', 'x' x STEP);
    }

    return 0;
}


my @left = (
    'typing.started presence.changed receipt.read',
    'presence.changed receipt.read', 'receipt.read', '', '',
);

my $bob = $chat->connect(user => 'bob');
$bob->join('silo');

for my $level (0 .. 4) {
    subtest "level $level" => sub {
        ok(rise($level), 'it is reached');
        is(level(), $level, 'that very one');
        is(told(), $left[$level], 'what is told');

        my $before = shed('typing');
        $alice->request('typing.start', { conversationId => 'lobby' });
        is(shed('typing') - $before, $level > 0 ? 1 : 0, 'typing is shed');

        my $reply = $alice->reply($alice->post('history.get',
            { conversationId => 'lobby' }));
        is($reply->{ok} ? 'ok' : $reply->{error}{code},
           $level < 4 ? 'ok' : 'unavailable', 'history');
        ok($reply->{error}{retryAfter}, 'and when to ask again') if $level == 4;

        ok($alice->say('lobby', 'hello')->{id}, 'messages are sent');
        is($carol->hear('lobby')->{content}, 'hello', 'and told');
        ok($chat->connect(user => 'dora'), 'newcomers are let in');
    };
}

subtest 'level 5' => sub {
    my $before = shed('reader');

    for (1 .. 500) {
        $alice->say('silo', 'x' x STEP);
        last if shed('reader') > $before;
    }

    is(shed('reader') - $before, 1, 'who holds most is closed');
    is(eval { $bob->expect_close(4413, 30); 1 }, 1, 'with 4413');
};

subtest 'recovery' => sub {
    wait_until { level() == 0 } 60;
    pass('the level falls to 0');

    is($_->expect('gap')->{conversationId}, 'lobby', 'a gap is told')
        for $alice, $carol;
    is(told(), $left[0], 'all is told again');
    ok($alice->request('history.get', { conversationId => 'lobby' }),
       'history, too');
    is(shed('history'), 1, 'one was refused');
};

subtest 'newcomers' => sub {
    my $before = shed('handshake');
    my @open;

    $chat->freeze('redis');
    push @open, $alice->post('message.send',
        { conversationId => 'lobby', content => 'x' x LARGE })
        for 1 .. NODE / LARGE + 1;
    $alice->request('ping');

    my $refused = $chat->handshake(user => 'eve');
    is($refused->status, 503, 'have to wait');
    is($refused->header('Retry-After'), 5, 'and are told how long');

    my $page = $chat->handshake(user => 'eve', origin => 'http://page');
    is($page->expect_close(1013), 'the server is overloaded', 'so is a page');
    is(shed('handshake') - $before, 2, 'both are counted');

    $chat->thaw('redis');
    ok($alice->reply($_)->{ok}, 'what was asked is done') for @open;
    for my $client ($alice, $carol) {
        $client->hear('lobby') for @open;
    }

    wait_until { level() == 0 } 60;
    ok($chat->connect(user => 'eve'), 'then they are let in');
};

subtest 'log' => sub {
    my $log = $chat->logs->text('nginx');

    like($log, qr/overload level $_, was /, "level $_") for 0 .. 5;
};

done_testing;
