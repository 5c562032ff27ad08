# A node whose event loop has too much to do leaves things undone; one that
# only gets no processor for a while, since others have it, does not.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Redis;

use constant {
    CROWD => 128,       # some ms of each (t/preload/slow.c), 16 in a turn
    TRIES => 20,
};

my $chat = ChatTest->new(
    workers => 1,
    preload => ['slow'],
    http    => 'chat_node_lag 50ms; chat_ping_interval 5m;',
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


# all are told this, slowly, and then of a receipt

sub announce ($content) {
    $alice->insist('message.send', { conversationId => 'lobby',
                                     content => $content });

    $redis->call('PUBLISH', $lobby, '0 0 r {"type":"receipt.read",'
                 . '"data":{"conversationId":"lobby"}}');
    $_->hear('lobby') for @crowd;

    return;
}


subtest 'others have the processor' => sub {
    my $before = long();

    announce('(wait)') for 1 .. 2;

    cmp_ok(long() - $before, '>=', 9, 'turns are long');
    is($_->expect('receipt.read')->{conversationId}, 'lobby', 'all are told')
        for @crowd[0, 0];
    unlike(log_of(), qr/overload level/, 'that is no load');
};

subtest 'too much to do' => sub {
    for (1 .. TRIES) {
        last if shed();
        announce('(work)');
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
