# chat_auth and the limits: bad tokens are handshakes of their address, good
# ones requests of their user.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant BURST => 3;

my $chat = ChatTest->new(
    with    => [],
    workers => 2,
    http    => <<~'END',
        set_real_ip_from 127.0.0.1;
        real_ip_header X-Forwarded-For;
        END
    server  => <<~"END",
        chat_handshake_rate rate=1r/m burst=@{[ BURST ]};
        chat_request_rate rate=1r/m burst=@{[ BURST ]};

        location = /file {
            chat_auth on;
            root html;
        }
        END
);

$chat->start;


# the response to a request with a token, or none

sub get ($address, $token) {
    return $chat->http(path => '/file', headers => {
        'X-Forwarded-For' => $address,
        defined $token ? (Authorization => "Bearer $token") : (),
    });
}


subtest 'bad tokens of an address' => sub {
    is(get('192.0.2.1', 'x.y.z')->status, 401, "bad token $_")
        for 1 .. BURST;

    my $refused = get('192.0.2.1', $chat->token('alice'));

    is($refused->status, 429, 'then no token is looked at');
    is(decode($refused->body)->{error}{code}, 'rate_limited', 'code');
    cmp_ok($refused->header('Retry-After'), '>', 0, 'Retry-After');
    is(get('192.0.2.1', undef)->status, 401,
       'who shows none is told so');
    is($chat->handshake(user => 'alice', headers =>
           { 'X-Forwarded-For' => '192.0.2.1' })->status, 429,
       'handshakes take from the same');
    is(get('192.0.2.2', 'x.y.z')->status, 401, 'another address');
    is($chat->limited('handshake_rate'), 2, 'counted');
};

subtest 'good tokens of a user' => sub {
    my $token = $chat->token('bob');

    is(get("192.0.2.$_", $token)->status, 404, "request $_")
        for 10 .. 9 + BURST;

    my $refused = get('192.0.2.20', $token);

    is($refused->status, 429, 'one more');
    cmp_ok($refused->header('Retry-After'), '>', 0, 'Retry-After');
    is(get('192.0.2.20', $chat->token('carol'))->status, 404,
       'another user');
    is(get('192.0.2.20', $chat->token('bob', tid => 'other'))->status,
       404, 'one of that name in another tenant');
    is($chat->limited('request_rate'), 1, 'counted');
};

done_testing;
