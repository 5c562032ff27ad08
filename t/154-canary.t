# The canary: every node sends a change all the time and looks when it is
# heard and stored; nobody else notices.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);

use ChatTest;
use ChatTest::Metrics qw(parse_metrics);

use constant PARTITIONS => 3;

my $chat = ChatTest->new(
    workers       => 2,
    canary        => '1s',
    partitions    => PARTITIONS,
    redis_options => 'timeout=1s',
    http          => 'chat_partitions ' . PARTITIONS . ';',
    server        => 'location = /stored { chat_websocket on; chat_ack stored; }',
);

$chat->logs->allow(qr/worker process \d+ exited on signal 9/);
$chat->start;


sub metrics () {
    return (parse_metrics($chat->http(path => '/metrics')->body))[0];
}


# until a metric has grown by so much

sub grows ($name, $by = 1, $seconds = 20) {
    my $before = metrics()->{$name};
    my $ok = eval {
        wait_until { metrics()->{$name} >= $before + $by } $seconds;
    };

    ok($ok, "$name grows") or diag(explain(metrics()));

    return;
}


my @faults = map { "chat_canary_${_}_total" } qw(lost unstored failed);
my $heard = 'chat_canary_delivery_seconds_count';
my $stored = 'chat_canary_stored_seconds_count';


subtest 'changes are heard and stored' => sub {
    grows($heard, 2 * 2 * PARTITIONS);

    my $before = metrics();
    grows($stored, 4);

    my $now = metrics();
    is($now->{$_}, $before->{$_}, "$_ does not grow") for @faults;
    cmp_ok($now->{chat_canary_delivery_seconds_sum}, '<', 10,
           'it takes no time');
};

subtest 'there is one conversation in each partition, whatever the nodes' => sub {
    $chat->wait_stored;
    is($chat->psql('SELECT count(*), count(DISTINCT p) FROM chat.conversation'),
       join('|', (PARTITIONS) x 2), 'conversations');
};

subtest 'nobody sees it' => sub {
    is(metrics()->{chat_sessions}, 0, 'no session is counted');

    my $token = $chat->token('canary', tid => '~', roles => ['admin']);
    is($chat->handshake(token => $token)->status, 401,
       'no token is of its tenant');

    my $admin = $chat->connect(user   => 'canary',
                               claims => { roles => ['admin'] });
    is_deeply($admin->request('conversation.list')->{items}, [],
              'it is in no list');
    is(metrics()->{chat_sessions}, 1, 'one session');
    $admin->disconnect;
};

# every row and dead tuple would be one more, with each change

subtest 'nothing of it stays in PostgreSQL' => sub {
    my $rows = <<~'END';
        SELECT (SELECT count(*) FROM chat.message),
               (SELECT count(*) FROM chat.conversation),
               (SELECT count(*) FROM chat.conversation_generation),
               (SELECT count(*) FROM chat.member),
               (SELECT count(*) FROM chat.dead_letter),
               (SELECT pg_relation_size('chat.conversation'))
        END
    my $before = $chat->psql($rows);

    grows($stored, 10);
    is($chat->psql($rows), $before, 'rows and size');
};

subtest 'without chat-persist changes are heard, but not stored' => sub {
    $chat->freeze('persist');
    grows('chat_canary_unstored_total');
    $chat->thaw('persist');
    grows($stored, 4);
};

subtest 'without Redis changes fail, and go on when it is back' => sub {
    my $lost = metrics()->{chat_canary_lost_total};

    $chat->kill('redis', 'TERM');
    grows('chat_canary_failed_total');
    $chat->restart('redis');
    grows($heard, 4);
    is(metrics()->{chat_canary_lost_total}, $lost, 'none was lost');
};

subtest 'a Redis that lost everything is no end' => sub {
    $chat->kill('redis', 'TERM');
    remove_tree($chat->directory . '/appendonlydir');
    $chat->restart('redis');
    grows($heard, 2 * PARTITIONS);
};

subtest 'conversations that are gone are made again' => sub {
    $chat->kill($_, 'TERM') for qw(persist redis);
    remove_tree($chat->directory . '/appendonlydir');
    $chat->psql('DELETE FROM chat.member');
    $chat->psql('DELETE FROM chat.conversation');
    $chat->restart($_) for qw(redis persist);
    grows($heard, 2 * PARTITIONS);
};

subtest 'a worker that is killed, and a reload, go on' => sub {
    kill 'KILL', $chat->workers;
    grows($heard, 4);

    my %old = map { $_ => 1 } $chat->workers;

    $chat->reload;
    wait_until { !grep { $old{$_} } $chat->workers } 15;
    pass('the old workers have ended');
    grows($heard, 4);
};

# it must not begin again in a process that is held up by somebody's request

subtest 'a worker that is to leave has no canary any more' => sub {
    $chat->create('lobby');
    $chat->wait_stored;

    my $alice = $chat->connect(user => 'alice', path => '/stored');
    my %old = map { $_ => 1 } $chat->workers;

    $chat->freeze('persist');

    my $id = $alice->post('message.send',
                          { conversationId => 'lobby', content => 'slow' });

    $chat->reload;
    is($alice->reply($id)->{error}{code}, 'timeout', 'the request is slow');
    $chat->thaw('persist');

    ok(eval { wait_until { !grep { $old{$_} } $chat->workers } 15 },
       'but the old workers end');
};

done_testing;
