# chat_auth: the check of a handshake for any other location, and what is told
# of it to logs and upstream servers.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Command qw(run);
use ChatTest::Port qw(take_port);

my ($up, $lock) = take_port;
my ($h2, $lock2) = take_port;

my @told = qw(user tenant name roles session token_id token_expires
    auth_status);
my $echo = join '|', map { "\$http_x_$_" } @told;
my $tell = join "\n", map {
    'proxy_set_header X-' . tr/_/-/r . " \$chat_$_;"
} @told;

my $locations = <<"END";
    chat_token_cookie chat_token;

    location /api/ {
        chat_auth on;
        $tell
        proxy_pass http://127.0.0.1:$up/;
    }

    location /query/ {
        chat_auth on;
        chat_token_query on;
        $tell
        proxy_pass http://127.0.0.1:$up/;
    }

    location /open/ {
        $tell
        proxy_pass http://127.0.0.1:$up/;
    }

    location /listed/ {
        chat_auth on;
        chat_origin https://app.example.com;
        $tell
        proxy_pass http://127.0.0.1:$up/;
    }

    location /any-open/ {
        chat_auth on;
        satisfy any;
        allow 127.0.0.1;
        deny all;
        $tell
        proxy_pass http://127.0.0.1:$up/;
    }

    location /any/ {
        chat_auth on;
        satisfy any;
        deny all;
        $tell
        proxy_pass http://127.0.0.1:$up/;
    }

    location = /file.txt {
        chat_auth on;
        root .;
    }

    location = /all {
        chat_auth on;
        deny all;
        root .;
    }

    location = /delayed {
        chat_auth on;
        auth_delay 1ms;
        root .;
    }

    location = /paged {
        chat_auth on;
        error_page 401 =401 /sign-in;
        root .;
    }

    location = /sign-in {
        return 200 "sign in: \$chat_auth_status";
    }

    location /moved/ {
        chat_auth on;
        try_files /nothing /open/moved;
    }

    location = /quiet {
        chat_auth on;
        chat_echo on;
    }

    location = /strict {
        chat_auth on;
        chat_websocket on;
    }
END

my $chat = ChatTest->new(
    with   => [],
    files  => { 'file.txt' => "content\n" },
    server => "access_log access.log who;\n$locations",
    http   => <<"END",
        log_format who '\$uri|\$chat_user|\$chat_tenant|\$chat_name|'
                       '\$chat_roles|\$chat_session|\$chat_token_id|'
                       '\$chat_token_expires|\$chat_auth_status';
        server {
            listen 127.0.0.1:$up;
            location / {
                return 200 "\$request_uri|$echo";
            }
        }
        server {
            listen 127.0.0.1:$h2 http2;
            $locations
        }
END
);
$chat->start;
$chat->logs->file('access');

my $now = time;
my $own = 'http://127.0.0.1:' . $chat->port;
my $good = $chat->token('alice', exp => $now + 600);
my $bad = $chat->token('alice', exp => $now - 600);
my %bearer = (Authorization => "Bearer $good");


sub get ($path, $headers = {}, %o) {
    return $chat->http(path => $path, headers => $headers, %o);
}


subtest 'who has a good token passes, wherever it is' => sub {
    my %places = (
        header => ['/api/x', { Authorization => "Bearer $good" }],
        cookie => ['/api/x', { Cookie => "a=b; chat_token=$good" }],
        query  => ["/query/x?a=1&token=$good&b=2", {}],
    );

    for my $place (sort keys %places) {
        my $answer = get(@{ $places{$place} });

        is($answer->status, 200, "by $place");
        like($answer->body, qr/\|alice\|default\|/, 'and is whom it says');
        unlike($answer->body, qr/ey[\w.-]{16}/, 'the upstream sees no token');
    }
};

subtest 'a file, too' => sub {
    is(get('/file.txt', \%bearer)->body, "content\n", 'with a token');
    is(get('/file.txt')->status, 401, 'without one');
    is(get('/file.txt', \%bearer, method => 'HEAD')->status, 200, 'HEAD');
    is(get('/file.txt', {}, method => 'HEAD')->status, 401, 'HEAD without');
};

subtest 'others are told why not, as JSON' => sub {
    my @refused = (
        ['no token', 401, 'unauthorized', 'Bearer', {}],
        ['a bad one', 401, 'unauthorized', 'Bearer error="invalid_token"',
            { Authorization => "Bearer $bad" }],
        ['a bad one before a good one', 401, 'unauthorized',
            'Bearer error="invalid_token"',
            { Authorization => "Bearer $bad",
              Cookie => "chat_token=$good" }],
        ['another scheme', 401, 'unauthorized', 'Bearer',
            { Authorization => 'Basic YTpi' }],
        ['a page of elsewhere with a cookie', 403, 'forbidden', undef,
            { Cookie => "chat_token=$good", Origin => 'https://evil.com' }],
    );

    for (@refused) {
        my ($what, $status, $code, $challenge, $headers) = @$_;
        my $answer = get('/api/x', $headers);

        is($answer->status, $status, $what);
        is(decode($answer->body)->{error}{code}, $code, 'code');
        is($answer->header('WWW-Authenticate'), $challenge, 'challenge');
        like($answer->header('Content-Type'), qr{^application/json}, 'type');
        is($answer->header('Cache-Control'), 'no-store', 'not kept');
    }
};

subtest 'a page may use a cookie only if its origin may' => sub {
    my @cases = (
        [200, GET => undef], [200, HEAD => undef],
        [403, POST => undef], [403, DELETE => undef], [403, PUT => undef],
        [200, POST => $own], [403, POST => 'https://evil.com'],
        [403, POST => 'null'], [403, GET => 'https://evil.com'],
        [200, GET => $own],
    );

    for (@cases) {
        my ($status, $method, $origin) = @$_;
        my %origin = $origin ? (Origin => $origin) : ();
        my %length = $method =~ /P/ ? ('Content-Length' => 0) : ();
        my $answer = get('/api/x', { Cookie => "chat_token=$good", %origin,
                                     %length }, method => $method);

        is($answer->status, $status, "$method from " . ($origin // 'no page'));
        is(get('/api/x', { %bearer, %origin, %length },
               method => $method)->status, 200, 'any with the header');
    }

    is(get('/listed/x', { %bearer, Origin => $own })->status, 403,
       'where origins are listed they are asked for');
    is(get('/listed/x', { %bearer, Origin => 'https://app.example.com' })
       ->status, 200, 'and let through');
};

subtest 'the upstream is told all, and nothing that a client claims' => sub {
    my %claims = (tid => 'acme', name => "Ann \x{e4} \"A\"", sid => 's,1;"x',
                  jti => 'j=2', exp => $now + 500,
                  roles => ['admin', 'a,b', "x\r\nX-Evil: 1", 'ops', 'a b']);
    my $token = $chat->token('ann@x', %claims);
    my %lies = map { 'X-' . tr/_/-/r => 'liar' } @told;
    my $answer = get('/api/x', { Authorization => "Bearer $token", %lies });
    my @got = split /\|/, $answer->body, -1;

    utf8::encode(my $name = $claims{name});
    is_deeply(\@got, ['/x', 'ann@x', 'acme', $name, 'admin,ops', 's,1;"x',
                      'j=2', $now + 500, 'ok'], 'what the token says');

    $answer = get('/open/x', { Authorization => "Bearer $token", %lies });
    is($answer->body, '/x' . '|' x 8, 'of an open location nothing');
};

subtest 'no claim can end a header' => sub {
    for my $claim (qw(sub tid sid jti name)) {
        for my $end ("\r\n", "\n", "\r", "\0", "\x{85}") {
            my $token = $chat->token('ann', $claim => "a${end}X-Evil: 1");

            is(get('/api/x', { Authorization => "Bearer $token" })->status,
               401, sprintf '%s with %vd', $claim, $end);
        }
    }
};

subtest 'the access log knows them, of a handshake as well' => sub {
    get('/api/log', \%bearer);
    get('/api/log', { Authorization => "Bearer $bad" });
    get('/api/log');
    $chat->handshake(user => 'bob', claims => { sid => 'S', jti => 'J',
                     name => 'Bob', roles => ['x', 'y'], exp => $now + 599 });
    $chat->handshake(token => $bad);
    $chat->handshake(token => $bad, origin => 'https://x.com');
    $chat->handshake;

    my $log = wait_until {
        my $text = $chat->logs->text('access');
        (() = $text =~ m{^/chat}gm) == 4 ? $text : undef;
    };
    my @lines = grep { m{^/(?:chat|api/log)\|} } split /\n/, $log;
    my $none = '|' x 7;

    is_deeply(\@lines, [
        "/api/log|alice|default|||||${\ ($now + 600)}|ok",
        "/api/log|${none}invalid",
        "/api/log|${none}none",
        "/chat|bob|default|Bob|x,y|S|J|${\ ($now + 599)}|ok",
        "/chat|${none}invalid",
        "/chat|${none}invalid",
        "/chat|${none}none",
    ], 'a line each');
};

subtest 'satisfy any: one of the two is enough' => sub {
    my $answer = get('/any-open/x');

    is($answer->status, 200, 'the address');
    is($answer->header('WWW-Authenticate'), undef, 'and no challenge stays');
    is($answer->body, '/x' . '|' x 8 . 'none', 'as nobody');

    is(get('/any-open/x', { Authorization => "Bearer $bad" })->body,
       '/x' . '|' x 8 . 'invalid', 'a bad token tells nothing');
    like(get('/any-open/x', \%bearer)->body, qr/\|alice\|/, 'both');
    like(get('/any/x', \%bearer)->body, qr/\|alice\|/, 'the token');
    is(get('/any/x')->status, 401, 'neither');
    is(get('/all', \%bearer)->status, 403, 'satisfy all: both are needed');
};

subtest 'error_page and auth_delay work as with nginx itself' => sub {
    my $answer = get('/paged');

    is($answer->status, 401, 'status');
    is($answer->body, 'sign in: none', 'body of the page');
    is($answer->header('WWW-Authenticate'), 'Bearer', 'the challenge');

    is(get('/delayed')->status, 401, 'auth_delay');
};

subtest 'who passed is known after an internal redirect' => sub {
    like(get('/moved/x', \%bearer)->body, qr/^[^|]*\|alice\|default\|/,
         'alice');
    is(get('/moved/x')->status, 401, 'who did not, did not');
};

subtest 'requests on one connection are apart' => sub {
    my $first = "GET /api/x HTTP/1.1\r\nHost: a\r\n"
        . "Authorization: Bearer $good\r\n\r\n";

    is(get('/api/x', {}, before => $first)->status, 401,
       'a token serves one request');

    my $mute = "GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n";

    is(get('/api/x', \%bearer, before => $mute)->status, 200,
       'a refused one may be followed by a good one');
};

subtest 'a body is no hindrance' => sub {
    my $answer = get('/api/x', { 'Content-Length' => 5, %bearer },
                     method => 'POST', early => 'hello');
    is($answer->status, 200, 'with a token');

    $answer = get('/api/x', { 'Content-Length' => 5 }, method => 'POST',
                  early => 'hello');
    is($answer->status, 401, 'and without');
};

subtest 'HTTP/2' => sub {
    my @curl = ('curl', '-s', '--http2-prior-knowledge', '-w',
                ' %{http_code}');
    my $url = "http://127.0.0.1:$h2";

    my (undef, $text) = run(@curl, '-H', "Authorization: Bearer $good",
                            "$url/api/x");
    like($text, qr/\|alice\|.* 200$/, 'with a token');

    (undef, $text) = run(@curl, "$url/api/x");
    like($text, qr/"unauthorized".* 401$/s, 'without one');

    (undef, $text) = run(@curl, "$url/query/x?token=$good");
    like($text, qr/\|alice\|.* 200$/, 'in the query');
    unlike($text, qr/ey[\w.-]{16}/, 'which the upstream does not see');

    (undef, $text) = run(@curl, '-H', "Authorization: Bearer $good",
                         "$url/strict");
    like($text, qr/"unsupported".* 505$/s, 'a handshake needs HTTP/1.1');
};

subtest 'an echo location asks for a token as well' => sub {
    my %o = (path => '/quiet');

    is($chat->handshake(%o)->status, 401, 'none');
    is($chat->handshake(%o, token => $bad)->status, 401, 'a bad one');
    is($chat->handshake(%o, user => 'alice', by => $_)->status, 101, $_)
        for qw(header protocol);
};

subtest 'a chat location decides for itself' => sub {
    my $alice = $chat->handshake(path => '/strict');

    is($alice->status, 101, 'no token in the handshake');
    is($alice->request('authenticate', { token => $good })->{userId},
       'alice', 'but in the first request');
};

subtest 'it needs a key' => sub {
    my ($status, $text) = ChatTest->check_config(
        instead => 'server { location /x { chat_auth on; } }');

    isnt($status, 0, 'the configuration is refused');
    like($text, qr{location "/x" has "chat_auth" but no "chat_token_key"},
         'with a reason');

    ($status, $text) = ChatTest->check_config(http => 'chat_auth maybe;');
    isnt($status, 0, 'on or off');

    ($status, $text) = ChatTest->check_config(files => {}, instead => <<~END);
        chat_token_key HS256 token.key;
        chat_auth on;
        server { location /x { chat_auth off; } location /y { root .; } }
        END
    is($status, 0, 'inherited, and without Redis') or diag($text);
};

done_testing;
