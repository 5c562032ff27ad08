# chat_revoke_stale: what becomes of tokens while a node cannot know what is
# revoked.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(time);

use ChatTest;
use ChatTest::Metrics qw(parse_metrics);

my $chat = ChatTest->new(server => <<'END');
    location = /strict {
        chat_websocket on;
        chat_revoke_stale refuse;
    }
END
$chat->start;


sub metric ($name) {
    return (parse_metrics($chat->http(path => '/metrics')->body))[0]->{$name};
}


sub try_strict (%o) {
    return $chat->handshake(user => 'alice', path => '/strict', %o);
}


sub strict_ok ($status, $name) {
    ok(wait_until { try_strict()->status == $status }, $name);

    return;
}


sub sure_ok () {
    strict_ok(101, 'who can be known is let in');
    is(metric('chat_revocations_stale'), 0, 'the node is sure');

    return;
}


# all that there is to say while the node is not sure

sub unsure_ok () {
    strict_ok(503, 'nobody is let in');
    ok(wait_until { metric('chat_revocations_stale') == 1 }, 'counted');

    my $refused = try_strict();
    is($refused->status, 503, 'refused');
    ok($refused->header('Retry-After'), 'for now');
    is(decode($refused->body)->{error}{code}, 'unavailable', 'as unavailable');

    my $page = try_strict(origin => 'https://example.com');
    is($page->status, 101, 'a page');
    $page->expect_close(1013);

    my $late = $chat->handshake(path => '/strict');
    is($late->refused('authenticate', { token => $chat->token('alice') })
           ->{code}, 'unavailable', 'authenticate');
    $late->expect_close(1013);

    is($chat->handshake(user => 'alice')->status, 101,
       'where that is accepted, it is');

    return;
}


subtest 'all is well' => sub {
    sure_ok();
};

my $session = try_strict();
$session->welcome;

subtest 'Redis is away' => sub {
    my $begin = time;

    $chat->kill('redis');
    my $status = try_strict()->status;
    ok($status == 101 || time - $begin > 1.4, 'a moment is none');
    unsure_ok();
    cmp_ok(time - $begin, '>', 1.4, 'it waits for two seconds');

    my $error = $session->refused('authenticate',
                                  { token => $chat->token('alice') });
    is($error->{code}, 'unavailable', 'a renewal cannot be checked');
    ok($error->{retryAfter}, 'now');
    ok($session->request('ping')->{serverTime}, 'who is in stays');
};

subtest 'a node that starts then' => sub {
    my $nginx = $chat->part('nginx');

    $chat->part('persist')->stop;
    $nginx->end;
    $nginx->start;
    ok(wait_until { eval { $chat->http(path => '/healthz')->status == 200 } },
       'started');
    unsure_ok();
};

subtest 'Redis is back, without chat-persist' => sub {
    $chat->restart('redis');
    ok(wait_until {
        my $health = decode($chat->http(path => '/readyz')->body);
        $health->{redis}{command} eq 'up'
            && $health->{revocations} eq 'known';
    }, 'the node reads what there is');
    unsure_ok();
};

subtest 'and with it' => sub {
    $chat->restart('persist');
    sure_ok();
};

subtest 'what the node knew counts in any case' => sub {
    my %revoked = (claims => { jti => 'bad' });

    $chat->chatctl_must(qw(revoke jti bad));
    ok(wait_until { try_strict(%revoked)->status == 403 }, 'known');
    $chat->kill('redis');
    unsure_ok();
    is(try_strict(%revoked)->status, 403, 'revoked is not unsure');
    is($chat->handshake(user => 'alice', %revoked)->status, 403,
       'everywhere');

    $chat->restart('redis');
    sure_ok();
};

subtest 'what cannot be read' => sub {
    $chat->redis_cli('DEL', 'chat:revoked');
    $chat->redis_cli('SET', 'chat:revoked', 'something else');
    unsure_ok();
    is($chat->handshake(user => 'alice', claims => { jti => 'bad' })->status,
       403, 'is not taken for nothing');

    $chat->redis_cli('DEL', 'chat:revoked', '{chat:revoked}:state');
    sure_ok();
    is($chat->handshake(user => 'alice', claims => { jti => 'bad' })->status,
       403, 'and was brought back');

    $chat->redis_cli('XADD', 'chat:revoked', '*', 'k', 'what', 't', 'default',
                     'v', 'odd', 'b', '*', 'u', '');
    $chat->chatctl_must(qw(revoke jti worse));
    ok(wait_until {
        try_strict(claims => { jti => 'worse' })->status == 403
    }, 'an odd entry is no hindrance');
};

subtest 'a wrong value' => sub {
    my ($code, $text) = ChatTest->check_config(http => 'chat_revoke_stale x;');

    isnt($code, 0, 'is refused');
    like($text, qr/invalid value "x"/, 'and told');
};

done_testing;
