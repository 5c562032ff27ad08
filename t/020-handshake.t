# The opening handshake: what RFC 6455, section 4.2 asks of a server.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(with => []);
$chat->start;


subtest 'a good handshake is answered with 101' => sub {
    my $alice = $chat->handshake(user => 'alice');

    is($alice->status, 101, 'status');
    is(lc $alice->header('Upgrade'), 'websocket', 'Upgrade');
    is(lc $alice->header('Connection'), 'upgrade', 'Connection');
    is($alice->header('Sec-WebSocket-Accept'), $alice->accept_value,
       'Sec-WebSocket-Accept answers the key');
    is($alice->header('Sec-WebSocket-Extensions'), undef, 'no extension');
};

subtest 'the example of RFC 6455, section 1.3, gets its answer' => sub {
    my $alice = $chat->handshake(user => 'alice',
                                 key => 'dGhlIHNhbXBsZSBub25jZQ==');

    is($alice->header('Sec-WebSocket-Accept'),
       's3pPLMBiTxaQ9kYGzzhZRbK+xOo=', 'Sec-WebSocket-Accept');
};

subtest 'header values are compared as HTTP compares them' => sub {
    my @variants = (
        { Upgrade => 'WebSocket' },
        { Upgrade => 'h2c, websocket' },
        { Connection => 'keep-alive, Upgrade' },
        { Connection => 'UPGRADE' },
        { Connection => ['keep-alive', 'Upgrade'] },
    );

    for my $headers (@variants) {
        my $client = $chat->handshake(headers => $headers, user => 'alice');
        is($client->status, 101, encode($headers));
    }
};

my $key = 'x3JJHMbDL1EzLkh9GBhXDw==';

my @refused = (
    ['a key that is missing', 400, { 'Sec-WebSocket-Key' => undef }],
    ['an empty key', 400, { 'Sec-WebSocket-Key' => '' }],
    ['a key of 15 bytes', 400, { 'Sec-WebSocket-Key' => 'A' x 20 }],
    ['a key of 17 bytes', 400, { 'Sec-WebSocket-Key' => 'A' x 23 . '=' }],
    ['a key that is not base64', 400,
        { 'Sec-WebSocket-Key' => '!' x 22 . '==' }],
    ['two keys', 400, { 'Sec-WebSocket-Key' => [$key, $key] }],
    ['a version that is missing', 400, { 'Sec-WebSocket-Version' => undef }],
    ['version 8', 426, { 'Sec-WebSocket-Version' => 8 }],
    ['version 14', 426, { 'Sec-WebSocket-Version' => 14 }],
    ['version "13x"', 426, { 'Sec-WebSocket-Version' => '13x' }],
    ['no Upgrade', 400, { Upgrade => undef }],
    ['an Upgrade to something else', 400, { Upgrade => 'h2c' }],
    ['a Connection without upgrade', 400, { Connection => 'keep-alive' }],
    ['a body', 400, { 'Content-Length' => 5 }, early => 'hello'],
    ['a chunked body', 400, { 'Transfer-Encoding' => 'chunked' },
        early => "0\r\n\r\n"],
    ['POST', 400, {}, method => 'POST'],
    ['HEAD', 400, {}, method => 'HEAD'],
    ['HTTP/1.0', 505, {}, http => '1.0'],
);

subtest 'a handshake that breaks a rule is refused' => sub {
    for (@refused) {
        my ($what, $status, $headers, %more) = @$_;
        my $client = $chat->handshake(user => 'alice', headers => $headers,
                                      %more);

        is($client->status, $status, $what);
    }
};

subtest 'a refusal says why, and 426 which version to use' => sub {
    my $client = $chat->handshake(user => 'alice',
        headers => { 'Sec-WebSocket-Version' => 8 });

    is($client->header('Sec-WebSocket-Version'), '13', 'the version');
    like($client->header('Content-Type'), qr{^application/json}, 'JSON');
    is(decode($client->body)->{error}{code}, 'unsupported', 'code');
};

subtest 'of the subprotocols offered chat.v1 alone is selected' => sub {
    my @offers = (
        [['chat.v1'], 'chat.v1'],
        [['chat.v2', 'chat.v1'], 'chat.v1'],
        [['mqtt'], undef],
        [['chat.v10'], undef],
        [[], undef],
    );

    for (@offers) {
        my ($offer, $selected) = @$_;
        my $client = $chat->handshake(user => 'alice', protocols => $offer);

        is($client->status, 101, "offered: @$offer");
        is($client->header('Sec-WebSocket-Protocol'), $selected, 'selected');
    }

    my $client = $chat->handshake(user => 'alice', headers => {
        'Sec-WebSocket-Protocol' => ['mqtt', 'chat.v1'],
    });
    is($client->header('Sec-WebSocket-Protocol'), 'chat.v1',
       'offered in two headers');
};

subtest 'what comes along with the handshake is not lost' => sub {
    my $request = ChatTest::Frame::make_frame(
        payload => '{"type":"ping","id":"early"}');
    my $alice = $chat->handshake(user => 'alice', early => $request x 3);

    $alice->welcome;
    ok($alice->reply('early')->{ok}, "frame $_ is answered") for 1 .. 3;

    my $half = substr $request, 0, 9;
    my $bob = $chat->handshake(user => 'bob', early => $half);

    $bob->welcome;
    $bob->send_bytes(substr $request, 9);
    ok($bob->reply('early')->{ok}, 'so is one of which half came');
};

subtest 'a handshake may come byte by byte' => sub {
    my $alice = $chat->handshake(user => 'alice', slow => 1);

    is($alice->status, 101, 'status');
    is($alice->welcome->{userId}, 'alice', 'and the session works');
};

subtest 'a client may give up at any byte of it' => sub {
    my $whole = length ChatTest::WebSocket::handshake($chat->handshake);

    $chat->handshake(give_up => $_) for map { $_ * 10 } 1 .. $whole / 10;
    is($chat->handshake(user => 'alice')->status, 101, 'the next is served');
};

subtest 'the upgrade may follow other requests on a connection' => sub {
    my $first = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    my $client = $chat->handshake(user => 'alice', before => $first);

    is($client->status, 101, 'status');
    is($client->welcome->{userId}, 'alice', 'and the session works');
};

subtest 'the authenticated event tells what a client needs' => sub {
    my $alice = $chat->handshake(user => 'alice',
                                 claims => { tid => 'acme' });
    my $welcome = $alice->welcome;

    is($welcome->{userId}, 'alice', 'userId');
    is($welcome->{tenantId}, 'acme', 'tenantId');
    like($welcome->{sessionId}, qr/^[0-9a-f]{8}-[0-9a-f-]{27}$/, 'sessionId');
    ok(length $welcome->{node}, 'node');
    like($welcome->{$_}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, $_)
        for qw(serverTime expiresAt);
    cmp_ok($welcome->{heartbeat}, '>', 0, 'heartbeat');

    is($chat->connect(user => 'bob')->welcome->{tenantId}, 'default',
       'without a tid the tenant is "default"');
};

done_testing;
