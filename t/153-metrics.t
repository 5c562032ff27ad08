# What monitoring reads at a location with chat_status: of all worker
# processes together, and right whatever becomes of them.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Metrics qw(parse_metrics);

my $chat = ChatTest->new(workers => 2, server => <<~'END');
    location = /closed {
        chat_status;
        deny all;
    }

    location = /stored {
        chat_websocket on;
        chat_ack stored;
        chat_request_timeout 30s;
    }
    END

$chat->logs->allow(qr/worker process \d+ exited on signal 9/);
$chat->logs->allow(qr/access forbidden by rule/);
$chat->start;


sub metrics () {
    my $response = $chat->http(path => '/metrics');

    die 'status ' . $response->status if $response->status != 200;

    return (parse_metrics($response->body))[0];
}


sub waits_for ($name, $value) {
    my $ok = eval { wait_until { metrics()->{$name} == $value } 10 };

    ok($ok, "$name becomes $value") or diag(metrics()->{$name});

    return;
}


subtest 'the answer is what Prometheus takes' => sub {
    my $response = $chat->http(path => '/metrics');

    is($response->status, 200, 'status');
    is($response->header('Content-Type'),
       'text/plain; version=0.0.4; charset=utf-8', 'type');
    like($response->header('Cache-Control'), qr/no-store/, 'not cached');

    my ($value, $type) = eval { parse_metrics($response->body) };
    is($@, '', 'it is parsed');
    is($type->{chat_delivery_gap_total}, 'counter', 'a counter');
    is($type->{chat_sessions}, 'gauge', 'a gauge');
    is($value->{chat_delivery_gap_total}, 0, 'no gaps yet');
};

subtest 'each metric is documented' => sub {
    open my $file, '<', "$FindBin::Bin/../docs/operations.md" or die $!;
    my $text = join '', <$file>;
    my ($value, $type) = parse_metrics($chat->http(path => '/metrics')->body);

    ok($text =~ /^\| `$_(?:\{[\w,]+\})?` \| $type->{$_} \|/m, $_)
        for sort keys %$type;
};

subtest 'only GET and HEAD, and only who may' => sub {
    is($chat->http(path => '/metrics', method => 'HEAD')->status, 200,
       'HEAD');
    is($chat->http(path => '/metrics', method => 'POST')->status, 405,
       'POST');
    is($chat->http(path => '/closed')->status, 403, 'access control works');
};

subtest 'nodes and their links are counted' => sub {
    waits_for('chat_nodes', 2);
    waits_for('chat_redis_links_up{link="command"}', 2);
    waits_for('chat_redis_links_up{link="subscriber"}', 2);
    is(metrics()->{'chat_redis_link_lost_total{link="command"}'}, 0,
       'none was lost');
};

subtest 'sessions and rooms of all workers are counted' => sub {
    $chat->create('lobby');

    my $alice = $chat->connect(user => 'alice');
    my $bob = $chat->connect(user => 'bob', node_other_than => $alice);

    waits_for('chat_sessions', 2);
    $_->join('lobby') for $alice, $bob;
    is(metrics()->{chat_rooms}, 2, 'a room on each node');

    $_->disconnect for $alice, $bob;
    waits_for('chat_sessions', 0);
    waits_for('chat_rooms', 0);
};

subtest 'a worker that is killed leaves no sessions behind' => sub {
    my @sessions = map { $chat->connect(user => 'alice') } 1 .. 20;

    waits_for('chat_sessions', 20);

    kill 'KILL', $chat->workers;
    waits_for('chat_sessions', 0);
    waits_for('chat_nodes', 2);
    waits_for('chat_redis_links_up{link="subscriber"}', 2);
};

subtest 'what was counted stays, over the loss of a worker and a reload' => sub {
    my $lost = 'chat_redis_link_lost_total{link="command"}';

    $chat->kill('redis', 'TERM');
    waits_for('chat_redis_links_up{link="command"}', 0);
    cmp_ok(metrics()->{$lost}, '>=', 2, 'each has lost its link');
    $chat->restart('redis');
    waits_for('chat_redis_links_up{link="command"}', 2);

    kill 'KILL', $chat->workers;
    waits_for('chat_nodes', 2);
    cmp_ok(metrics()->{$lost}, '>=', 2, 'after a kill');

    my $before = metrics()->{$lost};

    $chat->reload;
    ok(eval { wait_until { $chat->http(path => '/metrics')->status == 200
                           && metrics()->{chat_nodes} == 2 } 10 },
       'after a reload two nodes');
    is(metrics()->{$lost}, $before, 'and what was counted');
};

# nginx starts no other one in its place, which would clear what it had counted

subtest 'nor does one that was on its way out' => sub {
    my $alice = $chat->connect(user => 'alice', path => '/stored');

    $chat->wait_stored;
    $chat->freeze('persist');
    $alice->post('message.send',
                 { conversationId => 'lobby', content => 'slow' });
    waits_for('chat_sessions', 1);

    my @old = $chat->workers;

    $chat->reload;
    ok(eval { wait_until { metrics()->{chat_nodes} == 3 } 10 },
       'one old worker has something to finish');
    kill 'KILL', grep { kill 0, $_ } @old;
    waits_for('chat_nodes', 2);
    waits_for('chat_sessions', 0);
    $chat->thaw('persist');
};

done_testing;
