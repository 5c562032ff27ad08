# What a location with chat_status tells of what clients have done: each thing
# is counted once, where it belongs, and JSON says the same as the text.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Metrics qw(parse_metrics);

my $chat = ChatTest->new(workers => 2, server => <<~'END');
    location = /status.json {
        chat_status json;
    }

    location = /brief {
        chat_websocket on;
        chat_auth_timeout 100ms;
    }
    END

$chat->start;


sub metrics () {
    return (parse_metrics($chat->http(path => '/metrics')->body))[0];
}


# Frames, bytes and calls are counted when they were sent: a client may have
# them before.  And who has disconnected may still be here.

sub still ($sessions) {
    my $last = '';

    wait_until {
        my $m = metrics();
        my $now = join ' ', map { "$_=$m->{$_}" }
            grep { /^chat_(?:sent|sends|frames_sent|sessions)/ } sort keys %$m;
        my $same = $now eq $last && $m->{chat_sessions} == $sessions;

        $last = $now;
        $same;
    };

    return;
}


# what has grown meanwhile: { series => by how much }; frames, bytes and calls
# follow what they are of, so it waits for those that are named

sub grown ($do, %expected) {
    my $before = metrics();
    my $grown;

    $do->();

    my $ok = eval {
        wait_until {
            my $now = metrics();

            $grown = { map { $_ => $now->{$_} - ($before->{$_} // 0) }
                       keys %$now };
            !grep { $grown->{$_} != $expected{$_} } keys %expected;
        };
    };

    ok($ok, join ', ', sort keys %expected)
        or diag(map { "$_: $grown->{$_}\n" } sort keys %expected);

    return $grown;
}


sub request ($type, $result) {
    return qq(chat_requests_total{type="$type",result="$result"});
}


subtest 'the version, and the processes' => sub {
    my $m = metrics();

    is($m->{$_}, 1, $_) for grep { /^chat_build_info/ } keys %$m;
    is(scalar(grep { /^chat_worker_sessions/ } keys %$m), 2, 'two workers');

    ok(eval { wait_until {
        my $now = metrics();
        !grep { $now->{$_} < 1024 * 1024 }
            grep { /^chat_worker_resident_bytes/ } keys %$now } },
       'their memory');

    my @cpu = grep { /^chat_worker_cpu_seconds_total/ } keys %$m;
    is(scalar(@cpu), 4, 'user and system of both');
};

my ($alice, $bob);

subtest 'handshakes' => sub {
    my $grown = grown(sub {
        $alice = $chat->connect(user => 'alice');
        $bob = $chat->connect(user => 'bob', node_other_than => $alice);
        $chat->handshake(token => 'bad');
        $chat->handshake(token => 'bad',
                         headers => { Origin => 'http://127.0.0.1' });
        $chat->handshake(user => 'alice',
                         headers => { 'Sec-WebSocket-Version' => 12 });
    },
        'chat_handshakes_total{outcome="unauthorized"}' => 2,
        'chat_handshakes_total{outcome="unsupported"}'  => 1);

    my $accepted = $grown->{'chat_handshakes_total{outcome="accepted"}'};
    cmp_ok($accepted, '>=', 2, 'accepted');
    is($grown->{chat_handshake_seconds_count}, $accepted,
       'each of these was measured');
};

subtest 'requests, by what came of them' => sub {
    $chat->create('lobby');
    $_->join('lobby') for $alice, $bob;
    still(2);

    my $grown = grown(sub {
        $alice->say('lobby', $_) for 'one', 'two';
        $alice->expect('message.created') for 1 .. 2;
        $bob->expect('message.created') for 1 .. 2;
        $alice->request('ping');
        $alice->request('history.get', { conversationId => 'lobby' });
        $alice->refused('message.send', { conversationId => 'nowhere',
                                          content => 'x' });
        $alice->refused('no.such', {});
    },
        request('message.send', 'ok')                   => 2,
        request('message.send', 'refused')              => 1,
        request('message.send', 'failed')               => 0,
        request('history.get', 'ok')                    => 1,
        request('ping', 'ok')                           => 1,
        request('unknown', 'refused')                   => 1,
        'chat_request_errors_total{code="not_found"}'   => 1,
        'chat_request_errors_total{code="unsupported"}' => 1,
        'chat_reply_seconds_count{group="send"}'        => 3,
        'chat_reply_seconds_count{group="read"}'        => 1,
        'chat_reply_seconds_count{group="join"}'        => 0,
        chat_events_published_total                     => 4,
        chat_events_delivered_total                     => 4,
        chat_delivery_seconds_count                     => 4,
        chat_frames_received_total                      => 6,
        chat_frames_sent_total                          => 10);

    cmp_ok($grown->{chat_sends_total}, '<=', 10, 'system calls');
    cmp_ok($grown->{chat_sent_bytes_total}, '>', 10 * 30, 'bytes sent');
    cmp_ok($grown->{chat_received_bytes_total}, '>', 6 * 30, 'and received');
};

subtest 'a join of several is one request' => sub {
    $chat->create($_) for 'a', 'b';

    grown(sub { $alice->join_all('a', 'b') },
          request('conversation.join', 'ok')       => 1,
          'chat_reply_seconds_count{group="join"}' => 1,
          chat_joins                               => 2);
};

subtest 'what failed, and what waits' => sub {
    $chat->freeze('redis');

    grown(sub { $alice->post('message.send', { conversationId => 'lobby',
                                               content => 'x' }) },
          chat_requests_outstanding => 1);
    grown(sub { }, chat_requests_outstanding => -1,
                   request('message.send', 'failed') => 1);

    $chat->thaw('redis');
    $chat->wait_ready;
};

subtest 'who has closed sessions, and why' => sub {
    grown(sub {
        $bob->send_close(1001);
        $bob->read_close;
        $chat->connect(user => 'bob')->disconnect;
        my $stranger = $chat->handshake(path => '/brief');
        is(($stranger->read_close)[0], 4401, 'a stranger has to go');
    },
        'chat_closes_total{by="client",code="1001"}' => 1,
        'chat_closes_total{by="none",code="1006"}'   => 1,
        'chat_closes_total{by="server",code="4401"}' => 1,
        'chat_closes_total{by="server",code="1001"}' => 0);
};

subtest 'Redis is timed, and its links are counted' => sub {
    my $m = metrics();

    is($m->{'chat_redis_link_connected_total{link="subscriber"}'}
       - $m->{'chat_redis_link_lost_total{link="subscriber"}'}, 2, 'links');
    ok(eval { wait_until { metrics()->{chat_redis_round_trip_seconds_count}
                           > $m->{chat_redis_round_trip_seconds_count} } },
       'a heartbeat each second');
};

subtest 'JSON says the same' => sub {
    my $response = $chat->http(path => '/status.json');

    is($response->status, 200, 'status');
    is($response->header('Content-Type'), 'application/json', 'type');

    my $json = decode($response->body);
    my $m = metrics();

    is($json->{chat_nodes}, 2, 'a number');
    is($json->{chat_handshake_seconds}{count},
       $m->{chat_handshake_seconds_count}, 'a histogram');

    my ($sends) = grep { $_->{group} eq 'send' }
                  @{ $json->{chat_reply_seconds} };

    is($sends->{count}, $m->{'chat_reply_seconds_count{group="send"}'},
       'one with labels');
    is($sends->{buckets}{'+Inf'}, $sends->{count}, 'its buckets');
    is_deeply([ grep { $_->{by} eq 'client' && $_->{code} eq '1001' }
                @{ $json->{chat_closes_total} } ],
              [ { by => 'client', code => '1001', value => 1 } ],
              'a counter with two labels');

    my %name;
    $name{s/\{.*|_(?:bucket|sum|count)(?:\{.*)?$//r} = 1 for keys %$m;
    is_deeply([ sort keys %$json ], [ sort keys %name ], 'all of them');
};

subtest 'a request may choose' => sub {
    like($chat->http(path => '/metrics?format=json')->header('Content-Type'),
         qr/json/, 'JSON');
    like($chat->http(path => '/status.json?format=prometheus')
             ->header('Content-Type'), qr{^text/plain}, 'text');
    is($chat->http(path => '/metrics?format=xml')->status, 400, 'no other');
};

subtest 'another format is refused by nginx -t' => sub {
    my ($code, $text) = ChatTest->check_config(
        server => 'location /x { chat_status xml; }');

    isnt($code, 0, 'exit code');
    like($text,
         qr/"xml" in "chat_status": it must be "prometheus" or "json"/,
         'with a message');
};

done_testing;
