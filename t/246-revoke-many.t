# Many revocations at once, many sessions of one user, and two nginx.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(time);

use ChatTest;
use ChatTest::Metrics qw(parse_metrics);

# it is to take less than a second, and may take longer on a machine that is busy
use constant { MANY => 10_000, SESSIONS => 60, SOON => 20 };

my $chat = ChatTest->new(workers => 2, plain => 1);
$chat->start;


sub metric ($name) {
    return (parse_metrics($chat->http(path => '/metrics')->body))[0]->{$name};
}


subtest 'all sessions of one user' => sub {
    my @alice = map {
        $chat->connect(user => 'alice', claims => { sid => "s$_" })
    } 1 .. SESSIONS;
    my @others = map { $chat->connect(user => "user$_") } 1 .. 5;
    my $begin = time;

    $chat->chatctl_must(qw(revoke user alice));
    is((grep { $_->expect_close(4403) eq 'revoked' } @alice), SESSIONS,
       'all are closed');
    cmp_ok(time - $begin, '<', SOON, 'soon');
    ok($_->request('ping'), 'another one stays') for @others;
    is(metric('chat_revoked_sessions_total'), SESSIONS, 'counted');
};

subtest '10,000 at once, the last one of a session that is there' => sub {
    my $session = $chat->connect(user => 'bob',
                                 claims => { jti => 'many' . MANY });
    my $other = $chat->connect(user => 'bob', claims => { jti => 'many0' });
    my $begin;

    $chat->psql(sprintf q{SELECT count(chat.revocation_set('default', 'jti',
                'many' || i, 'infinity', 'infinity', ''))
                FROM generate_series(1, %d) i}, MANY);
    $begin = time;
    $session->expect_close(4403);
    cmp_ok(time - $begin, '<', SOON, 'closed when chat-persist has brought them');
    ok($other->request('ping'), 'another one stays');
    ok(wait_until { metric('chat_revocations') == 2 * (MANY + 1) },
       'both nodes know all');
    is($chat->handshake(user => 'carol', claims => { jti => "many$_" })
           ->status, 403, "many$_ is refused") for 1, 777, MANY;
    is($chat->handshake(user => 'carol', claims => { jti => 'many0' })
           ->status, 101, 'what is not revoked is not');
};

subtest 'a node that starts reads all of them first' => sub {
    $chat->restart('nginx');
    is(metric('chat_revocations'), 2 * (MANY + 1), 'known');
    is($chat->handshake(user => 'carol', claims => { jti => 'many' . MANY })
           ->status, 403, 'refused');
};

subtest 'chatctl doctor' => sub {
    my ($code, $text) = $chat->chatctl('doctor', '--sample', 0);
    my $all = MANY + 1;

    is($code, 0, 'finds nothing wrong') or diag($text);
    like($text, qr/^ok       revoked      Redis has all $all revocations$/m,
         'and says so');

    $chat->part('persist')->stop;
    $chat->psql(q{SELECT chat.revocation_set('default', 'jti', 'x', 'infinity',
                  'infinity', '')});
    ($code, $text) = $chat->chatctl('doctor', '--sample', 0);
    like($text, qr/^fault    revoked      Redis has revocations up to change/m,
         'one is missing');

    $chat->redis_cli('HDEL', '{chat:revoked}:state', 'identity', 'epoch');
    ok(wait_until { metric('chat_revocations_stale') == 2 }, 'not confirmed');
    ($code, $text) = $chat->chatctl('doctor', '--sample', 0);
    like($text, qr/^warning  revoked      2 nodes do not know what is revoked/m,
         'nodes say so');

    $chat->restart('persist');
    $chat->wait_ready;
    ok(wait_until { metric('chat_revocations_stale') == 0 }, 'all is well');
};

done_testing;
