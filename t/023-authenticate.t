# The life of a token on a connection: asked for, about to end, renewed, ended.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Frame qw(make_frame);

my $chat = ChatTest->new(with => [], server => <<'END');
    location = /hurry {
        chat_websocket on;
        chat_auth_timeout 300ms;
    }

    location = /exact {
        chat_websocket on;
        chat_token_leeway 0s;
    }
END
$chat->start;


subtest 'without a token a client may authenticate' => sub {
    my $alice = $chat->handshake;
    my $data = $alice->request('authenticate',
                               { token => $chat->token('alice') });

    my $welcome = $chat->connect(user => 'bob')->welcome;

    is($data->{userId}, 'alice', 'userId');
    is_deeply([sort keys %$data], [sort keys %$welcome],
              'the reply tells what the event would');
    is_deeply([$alice->unexpected], [], 'which does not come as well');
};

subtest 'a request without an id is answered by the event' => sub {
    my $alice = $chat->handshake;

    $alice->send_text(encode({
        type => 'authenticate',
        data => { token => $chat->token('alice') },
    }));
    is($alice->welcome->{userId}, 'alice', 'authenticated');
    is_deeply([$alice->unexpected], [], 'and nothing else');
};

subtest 'before that it may ping, and nothing else' => sub {
    my $nobody = $chat->handshake;

    like($nobody->request('ping')->{serverTime}, qr/^\d{4}-.*Z$/, 'ping');

    my %lobby = (conversationId => 'lobby');
    my %requests = (
        'conversation.join'   => { %lobby },
        'conversation.leave'  => { %lobby },
        'conversation.create' => { type => 'group' },
        'message.send'        => { %lobby, content => 'x' },
        'history.get'         => { %lobby },
    );

    for my $type (sort keys %requests) {
        is($nobody->refused($type, $requests{$type})->{code},
           'unauthorized', $type);
    }
};

subtest 'there is one attempt' => sub {
    my $nobody = $chat->handshake;
    my $expired = $chat->token('alice', exp => time - 60);

    is($nobody->refused('authenticate', { token => $expired })->{code},
       'unauthorized', 'the token is bad');
    $nobody->expect_close(4401);
};

subtest 'a frame over 8 kB is refused before, and served after' => sub {
    my $ping = sub ($size) {
        my $text = '{"type":"ping","id":"big"}';
        return $text . ' ' x ($size - length $text);
    };
    my $nobody = $chat->handshake;

    $nobody->send_text($ping->(8192));
    ok($nobody->reply('big')->{ok}, '8192 bytes');
    $nobody->send_text($ping->(8193));
    $nobody->expect_close(1009);

    my $alice = $chat->handshake;

    $alice->request('authenticate', { token => $chat->token('alice') });
    $alice->send_text($ping->(65536));
    ok($alice->reply('big')->{ok}, '65536 bytes, once authenticated');
};

subtest 'who does not authenticate in time gets close 4401' => sub {
    my $token = $chat->token('alice');
    my $alice = $chat->handshake(path => '/hurry', early => make_frame(
        payload => qq({"type":"authenticate","data":{"token":"$token"}})));

    $alice->welcome;

    my $nobody = $chat->handshake(path => '/hurry', early => make_frame(
        payload => '{"type":"ping","id":"early"}'));

    ok($nobody->reply('early')->{ok}, 'at first it is served');
    $nobody->expect_close(4401);

    ok($alice->request('ping'), 'who does, stays');
};

# when the token ends, and the session that it has let in

sub short_lived () {
    my $exp = time + 3;

    return ($exp, $chat->connect(user => 'alice', path => '/exact',
                                 claims => { exp => $exp }));
}


subtest 'the end of a token is announced, and then comes' => sub {
    my ($exp, $alice) = short_lived();
    my $bob = $chat->connect(user => 'bob', claims => { exp => $exp + 10 });
    my $notice = $alice->expect('token.expiring');

    is($notice->{expiresAt}, $alice->welcome->{expiresAt}, 'expiresAt');
    $alice->expect_close(4401);
    cmp_ok(time, '>=', $exp, 'not before its time');
    ok($bob->request('ping'), 'and before that of one who may stay longer');
};

subtest 'a token of an hour is not announced yet' => sub {
    my $alice = $chat->connect(user => 'alice');

    is_deeply([$alice->unexpected], [], 'nothing comes');
};

subtest 'a renewed token lets the session live on' => sub {
    my ($exp, $alice) = short_lived();
    my $data = $alice->request('authenticate',
                               { token => $chat->token('alice') });

    is($data->{sessionId}, $alice->welcome->{sessionId}, 'the same session');
    cmp_ok($data->{expiresAt}, 'gt', $alice->welcome->{expiresAt},
           'a later end');
    wait_until { time > $exp + 1 };
    ok($alice->request('ping'), 'it lives on');
};

subtest 'a renewal is for the same user and tenant only' => sub {
    my @others = (
        [forbidden => $chat->token('bob')],
        [forbidden => $chat->token('alice', tid => 'acme')],
        [unauthorized => $chat->token('alice', exp => time - 60)],
        [unauthorized => 'garbage'],
    );

    for (@others) {
        my ($code, $token) = @$_;
        my $alice = $chat->connect(user => 'alice');

        is($alice->refused('authenticate', { token => $token })->{code},
           $code, $code);
        ok($alice->request('ping'), 'and the session goes on as it was');
    }
};

done_testing;
