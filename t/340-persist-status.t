# What chat-persist tells of itself over HTTP, while all is well and while it is
# not: the thread that answers waits for nobody.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Json qw(decode);
use ChatTest::Metrics qw(parse_metrics);
use ChatTest::Port qw(take_port);

my ($port, $lock) = take_port;
my $chat = ChatTest->new(
    workers    => 1,
    partitions => 4,
    http       => "chat_partitions 4;",
    settings   => { CHAT_PERSIST_STATUS_LISTEN => "127.0.0.1:$port" },
);

$chat->start;
$chat->create($_) for qw(lobby attic);


sub ask ($path, %o) { return $chat->http(port => $port, path => $path, %o) }
sub metrics ()      { return (parse_metrics(ask('/metrics')->body))[0] }
sub ready ()        { return decode(ask('/readyz')->body) }


sub becomes ($name, $value, $seconds = 20) {
    my $ok = eval { wait_until { (metrics()->{$name} // -1) == $value }
                        $seconds };

    return ok($ok, "$name becomes $value") || diag(metrics()->{$name});
}


# the longest wait of any event

sub lag () {
    my $values = metrics();
    my @lags = sort { $b <=> $a }
        map { $values->{$_} } grep { /^chat_persist_log_lag/ } keys %$values;

    return $lags[0] // 0;
}


# all of PostgreSQL stands still, or goes on

sub hang ($signal) {
    my $pid = $chat->part('postgres')->{pid};

    open my $file, '<', "/proc/$pid/task/$pid/children" or die $!;
    kill $signal, $pid, split ' ', <$file>;

    return;
}


subtest 'the answer is what Prometheus takes' => sub {
    my $response = ask('/metrics');
    my ($value, $type) = eval { parse_metrics($response->body) };

    is($@, '', 'it is parsed');
    is($response->header('Content-Type'),
       'text/plain; version=0.0.4; charset=utf-8', 'type');
    like($response->header('Cache-Control'), qr/no-store/, 'not cached');
    is($type->{chat_persist_commit_seconds}, 'histogram', 'a histogram');
    is($type->{process_cpu_seconds_total}, 'counter', 'a counter');
};

subtest 'each metric is documented' => sub {
    open my $file, '<', "$FindBin::Bin/../docs/operations.md" or die $!;
    my $text = join '', <$file>;

    becomes('chat_persist_log_entries{partition="3"}', 0);

    my ($value, $type) = parse_metrics(ask('/metrics')->body);

    like($text, qr/^\| `$_(?:\{\w+\})?` \| $type->{$_} \|/m, $_)
        for sort keys %$type;
};

subtest 'what happens is counted' => sub {
    my $alice = $chat->connect(user => 'alice');
    my $before = metrics();

    $alice->join('lobby');
    $alice->say('lobby', "message $_") for 1 .. 20;
    $chat->wait_stored;
    becomes('chat_persist_stored_total{kind="message"}', 20);

    my $now = metrics();

    is($now->{'chat_persist_stored_total{kind="create"}'}, 2,
       'two conversations were created');
    is($now->{chat_persist_batch_events_sum}, 22, 'all in transactions');
    is($now->{chat_persist_commit_seconds_count},
       $now->{chat_persist_batch_events_count}, 'each took its time');
    is($now->{'chat_persist_opened_total{redis="new"}'}, 4,
       'partitions were opened');
    cmp_ok($now->{process_resident_memory_bytes}, '>', 1e6, 'memory');
    cmp_ok(abs($now->{process_start_time_seconds} - time), '<', 600,
           'when it was started');

    for my $key (split /\n/, $chat->redis_cli('KEYS', '*/attic:*')) {
        $chat->redis_cli('DEL', $key);
    }

    my $name = 'chat_persist_needs_answered_total{kind="conversation"}';
    my $count = $now->{$name};

    $alice->join('attic');
    becomes($name, $count + 1);
    cmp_ok(metrics()->{chat_persist_need_seconds_count}, '>=', 1,
           'and it took its time');
    $alice->disconnect;
};

subtest 'it is ready, and says what that takes' => sub {
    is(ask('/healthz')->status, 200, 'alive');
    is(ask('/readyz')->status, 200, 'ready');
    is_deeply(ready(), {
        status => 'ready', postgresql => 'up', redis => 'up',
        partitions => { share => 4, held => 4, open => 4, stopped => 0,
                        all => 4 },
    }, 'and what it needs is there');
};

subtest 'nothing else is there' => sub {
    is(ask('/')->status, 404, 'no page');
    is(ask('/metrics', method => 'POST')->status, 405, 'no POST');
    is(ask('/metrics', method => 'POST')->header('Allow'), 'GET, HEAD',
       'but these');
    is(ask('/healthz', method => 'HEAD')->status, 200, 'HEAD');
};

subtest 'PostgreSQL hangs: it is told, and the log is seen to grow' => sub {
    my $alice = $chat->connect(user => 'alice');

    $alice->join('lobby');
    hang('STOP');
    $alice->say('lobby', 'who is there?');

    ok(eval { wait_until { lag() > 1 } 20 }, 'an event waits')
        or diag(lag());
    ok(eval { wait_until { ready()->{postgresql} eq 'down' } 30 },
       'PostgreSQL is told to be down');
    is(ask('/readyz')->status, 503, 'not ready');
    is(ask('/healthz')->status, 200, 'but alive');

    hang('CONT');
    ok(eval { wait_until { lag() == 0 && ready()->{status} eq 'ready' } 30 },
       'all is well again');
    $alice->disconnect;
};

subtest 'Redis is away: the link is told to be down' => sub {
    my $lost = 'chat_persist_link_lost_total{link="redis"}';
    my $before = metrics()->{$lost};

    $chat->kill('redis', 'TERM');
    becomes('chat_persist_link_up{link="redis"}', 0);
    becomes($lost, $before + 1);
    is(ready()->{redis}, 'down', 'not ready without it');
    $chat->restart('redis');
    becomes('chat_persist_link_up{link="redis"}', 1);
    becomes('chat_persist_opened_total{redis="complete"}', 4);
};

done_testing;
