# Tokens: where they are looked for, and which are good.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(with => [], server => <<'END');
    access_log access.log;
    location = /everywhere {
        chat_websocket on;
        chat_token_cookie chat_token;
        chat_token_query on;
    }

    location = /strict {
        chat_websocket on;
        chat_token_issuer https://id.example.com;
        chat_token_audience chat;
        chat_token_leeway 0s;
    }
END
$chat->start;

my $now = time;
my $own = 'http://127.0.0.1:' . $chat->port;      # a page of this server
my %right = (iss => 'https://id.example.com', aud => 'chat');   # for /strict


subtest 'a token may come in four ways' => sub {
    for my $by (qw(header protocol cookie query)) {
        my $alice = $chat->handshake(path => '/everywhere', by => $by,
                                     user => 'alice', origin => $own);

        is($alice->status, 101, "by $by");
        is($alice->welcome->{userId}, 'alice', 'is whom it says');
        is($alice->header('Sec-WebSocket-Protocol'), 'chat.v1',
           'the answer selects chat.v1 alone');
    }
};

subtest 'the first place that has a token decides' => sub {
    my %token = map { $_ => $chat->token($_) }
        qw(header protocol cookie query);
    my %places = (
        header   => { Authorization => "Bearer $token{header}" },
        protocol => { 'Sec-WebSocket-Protocol' =>
                          "chat.v1, bearer.$token{protocol}" },
        cookie   => { Cookie => "a=b; chat_token=$token{cookie}; c=d" },
    );
    my $path = "/everywhere?x=1&token=$token{query}";
    my %headers = (Origin => $own, map { %$_ } values %places);

    for my $by (qw(header protocol cookie query)) {
        my $client = $chat->handshake(path => $path, headers => \%headers);

        is($client->welcome->{userId}, $by, "$by comes next");
        delete @headers{ keys %{ $places{$by} // {} } };
    }
};

subtest 'cookie and query count only where they are configured' => sub {
    for my $by (qw(cookie query)) {
        my $client = $chat->handshake(by => $by, user => 'alice');

        is($client->status, 101, "by $by: let in, but as nobody");
        is($client->refused('conversation.join',
               { conversationId => 'lobby' })->{code},
           'unauthorized', 'and may do nothing');
    }
};

sub alg ($alg, $secret = $chat->secret) {
    return sign_token($secret, { alg => $alg, typ => 'JWT' },
                      { sub => 'alice', exp => $now + 60 });
}

my $good = $chat->token('alice');
my ($head, $body, $signature) = split /\./, $good;

my @bad = (
    ['expired', $chat->token('alice', exp => $now - 60)],
    ['without exp', $chat->token('alice', exp => undef)],
    ['with an exp that is a string', $chat->token('alice', exp => 'x')],
    ['not valid yet', $chat->token('alice', nbf => $now + 60)],
    ['without sub', $chat->token(undef)],
    ['with an empty sub', $chat->token('')],
    ['with a sub that is no id', $chat->token('al/ice')],
    ['with a sub of 65 characters', $chat->token('a' x 65)],
    ['with a tid that is no id', $chat->token('alice', tid => 'a b')],
    ['of another key', make_token('k' x 64, sub => 'alice')],
    ['of algorithm none', alg('none')],
    ['of algorithm none, unsigned', alg('none') =~ s/[^.]+$//r],
    ['of algorithm nOnE', alg('nOnE')],
    ['of another algorithm', alg('HS512')],
    ['without its signature', "$head.$body."],
    ['without its last part', "$head.$body"],
    ['of four parts', "$good.x"],
    ['with a changed body', $head . '.' . ($body =~ s/^./f/r) . $signature],
    ['with padding', "$good="],
    ['with a body that is no JSON',
        sign_token($chat->secret, { alg => 'HS256' }, '{"sub":')],
    ['with a critical header that nobody knows',
        sign_token($chat->secret, { alg => 'HS256', crit => ['x'], x => 1 },
                   { sub => 'alice', exp => $now + 60 })],
    ['of garbage', 'garbage'],
);

subtest 'a bad token is refused' => sub {
    for (@bad) {
        my ($what, $token) = @$_;
        my $client = $chat->handshake(token => $token);

        is($client->status, 401, "one $what");
    }

    my $client = $chat->handshake(token => $bad[0][1]);

    is($client->header('WWW-Authenticate'), 'Bearer error="invalid_token"',
       'WWW-Authenticate');
    like($client->header('Content-Type'), qr{^application/json}, 'type');
    is(decode($client->body)->{error}{code}, 'unauthorized', 'body');
};

subtest 'a page, which cannot see a 401, gets close 4401' => sub {
    for my $by (qw(header protocol)) {
        my $client = $chat->handshake(token => $bad[0][1], by => $by,
                                      origin => 'https://example.com');

        is($client->status, 101, "by $by: status");
        $client->expect_close(4401);
    }
};

subtest 'a clock may be off by the leeway' => sub {
    for my $claim ([exp => -2], [nbf => 3]) {
        my ($name, $seconds) = @$claim;
        my $status = sub ($path) {
            return $chat->handshake(user => 'alice', path => $path, claims => {
                %right, $name => time + $seconds,
            })->status;
        };

        is($status->('/chat'), 101, "$name, of 5 s");
        is($status->('/strict'), 401, 'of 0 s');
    }
};

subtest 'issuer and audience must be those that are configured' => sub {
    my @cases = (
        [101, {}], [101, { aud => ['mail', 'chat'] }],
        [401, { iss => undef }], [401, { iss => 'https://id.example.org' }],
        [401, { aud => undef }], [401, { aud => 'mail' }],
        [401, { aud => [] }], [401, { aud => ['mail', 'chats'] }],
    );

    for (@cases) {
        my ($status, $wrong) = @$_;
        my $client = $chat->handshake(path => '/strict', user => 'alice',
                                      claims => { %right, %$wrong });

        is($client->status, $status, encode($wrong));
    }
};

subtest 'no token is ever written to a log' => sub {
    for my $by (qw(header protocol cookie query)) {
        for my $token ($good, $bad[0][1]) {
            $chat->handshake(path => '/everywhere', by => $by,
                             token => $token);
        }
    }

    $chat->logs->file('access');

    for my $log (qw(nginx access)) {
        like($chat->logs->text($log), qr/everywhere/, "$log has the requests");
        unlike($chat->logs->text($log), qr/eyJ[\w-]{20}/, 'without tokens');
    }
};

done_testing;
