# A node whose event loop has too much to do leaves things undone; one that
# only gets no processor for a while, since others have it, does not.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Redis;

use constant {
    CROWD => 64,        # 10 ms of each (t/preload/slow.c), 16 in a turn
    TRIES => 8,
};

my $chat = ChatTest->new(
    workers => 1,
    preload => ['slow'],
    http    => 'chat_node_lag 100ms; chat_ping_interval 5m;',
);
$chat->start;
$chat->create('lobby', type => 'channel');

my $redis = ChatTest::Redis->new($chat->{redis_socket});
my @crowd = map { $chat->connect(user => 'ada') } 1 .. CROWD;
$_->post('conversation.join', { conversationId => 'lobby' }) for @crowd;
$_->reply(1) for @crowd;

my $alice = $chat->connect(user => 'alice');
$alice->join('lobby');

my ($lobby) = split /\n/, $chat->redis_cli('PUBSUB', 'CHANNELS', 'chat:{*');


sub shed () { return $chat->metrics->{'chat_shed_total{what="receipt"}'} }
sub log_of () { return $chat->logs->text('nginx') }


# turns that took more than 100 ms

sub long () {
    my $metrics = $chat->metrics;

    return $metrics->{'chat_turn_seconds_count'}
        - $metrics->{'chat_turn_seconds_bucket{le="0.1"}'};
}


# all are told this, slowly, so often without a pause, and then of a receipt

sub announce ($content, $times = 1) {
    $alice->say_all('lobby', ($content) x $times);

    $redis->call('PUBLISH', $lobby, '0 0 r {"type":"receipt.read",'
                 . '"data":{"conversationId":"lobby"}}');

    for my $client (@crowd) {
        $client->hear('lobby') for 1 .. $times;
    }

    return;
}


subtest 'others have the processor' => sub {
    my $before = long();

    announce('(wait)') for 1 .. 3;

    cmp_ok(long() - $before, '>=', 9, 'turns are long');
    is($_->expect('receipt.read')->{conversationId}, 'lobby', 'all are told')
        for @crowd[0, 0, 0];
    unlike(log_of(), qr/overload level/, 'that is no load');
};

subtest 'too much to do' => sub {
    # the less of the processor it gets, the more it takes

    for my $times (1 .. TRIES) {
        last if shed();
        announce('(work)', $times);
    }

    cmp_ok(shed(), '>=', CROWD, 'receipts are not told');
    like(log_of(), qr/overload level [3-5], was \d: .* turns take \d+ ms/,
         'as the log says');
};

subtest 'recovery' => sub {
    wait_until { $chat->metrics->{chat_overload_level} == 0 } 60;

    is($_->expect('gap')->{conversationId}, 'lobby', 'they are told of a gap')
        for @crowd[0, -1];
    ok($chat->connect(user => 'bob'), 'newcomers are let in');
};

done_testing;
