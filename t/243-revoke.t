# Who is revoked is put out wherever they are connected, and not let in again;
# nobody else notices.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(time);

use ChatTest;
use ChatTest::Metrics qw(parse_metrics);
use ChatTest::Wait qw(PATIENCE);

# it is to take less than a second, and may take longer on a machine that is busy
use constant SOON => 10;

my $chat = ChatTest->new(workers => 2, canary => '1s');
$chat->start;
$chat->create('lobby');


sub metric ($name) {
    return (parse_metrics($chat->http(path => '/metrics')->body))[0]->{$name};
}


sub revoke (@arguments) { return $chat->chatctl_must('revoke', @arguments) }


# two sessions, on both nodes, with the same token

sub pair (%claims) {
    my $user = delete $claims{user} // 'alice';
    my $one = $chat->connect(user => $user, claims => \%claims);

    return $one, $chat->connect(user => $user, claims => \%claims,
                                node_other_than => $one);
}


sub closed_ok ($name, @sessions) {
    my $begin = time;

    is($_->expect_close(4403), 'revoked', "$name: closed, and told why")
        for @sessions;
    cmp_ok(time - $begin, '<', SOON, "$name: soon");

    return;
}


sub alive_ok ($name, @sessions) {
    ok($_->request('ping')->{serverTime}, "$name: stays") for @sessions;

    return;
}


sub refused_ok ($name, $token) {
    my $program = $chat->handshake(token => $token);
    is($program->status, 403, "$name: a handshake is refused");
    is(decode($program->body)->{error}{code}, 'forbidden', "$name: forbidden");

    my $page = $chat->handshake(token => $token,
                                origin => 'https://example.com');
    is($page->status, 101, "$name: a page is let in");
    $page->expect_close(4403);

    my $late = $chat->handshake;
    is($late->refused('authenticate', { token => $token })->{code},
       'forbidden', "$name: authenticate is refused");
    $late->expect_close(4403);

    return;
}


sub let_in_ok ($name, $token) {
    my $session = $chat->handshake(token => $token);

    is($session->status, 101, "$name: is let in");
    ok($session->welcome, "$name: and welcome");
    $session->disconnect;

    return;
}


# both nodes know: each refuses it

sub known_ok ($name, $token) {
    ok(wait_until {
        !grep { $chat->handshake(token => $token)->status != 403 } 1 .. 20;
    }, $name);

    return;
}


# all that comes, up to the close

sub put_out_ok ($session) {
    eval { $session->_receive(PATIENCE) while 1 };
    like($@, qr/closed with 4403 "revoked"/, 'closed');

    return;
}


subtest 'a user' => sub {
    my $before = metric('chat_revoked_sessions_total');
    my @alice = pair(iat => int(time) - 10);
    my @silent = pair();                # its token does not say when
    my @bob = pair(user => 'bob', iat => int(time) - 10);
    my @other = pair(tid => 'acme', iat => int(time) - 10);

    revoke('user', 'alice');
    closed_ok('alice', @alice);
    closed_ok('no iat', @silent);
    alive_ok('bob', @bob);
    alive_ok('alice of another tenant', @other);
    is(metric('chat_revoked_sessions_total') - $before, 4, 'counted');

    refused_ok('alice', $chat->token('alice', iat => int(time) - 10));
    refused_ok('no iat', $chat->token('alice'));
    let_in_ok('alice who signs in again',
              $chat->token('alice', iat => int(time) + 2));
    cmp_ok(metric('chat_revocations'), '==', 2, 'each node knows of one');
    is(metric('chat_revocations_stale'), 0, 'and all');
    cmp_ok(metric('chat_revoked_tokens_total'), '>=', 6, 'tokens refused');
};

subtest 'the second of the revocation counts as before it' => sub {
    revoke('user', 'edge');
    known_ok('known', $chat->token('edge', iat => 1));

    my $at = $chat->redis_cli('EVAL', <<~'END', 0);
        local all = redis.call('XREVRANGE', 'chat:revoked', '+', '-')
        return all[1][2][8]
        END

    refused_ok('that second', $chat->token('edge', iat => 0 + $at));
    refused_ok('a fraction of it', $chat->token('edge', iat => $at + .9));
    let_in_ok('the next one', $chat->token('edge', iat => $at + 1));
};

subtest 'one sign-in' => sub {
    my @tablet = pair(user => 'erin', sid => 'tablet');
    my @phone = pair(user => 'erin', sid => 'phone');

    revoke('sid', 'tablet');
    closed_ok('tablet', @tablet);
    alive_ok('phone', @phone);
    refused_ok('tablet', $chat->token('erin', sid => 'tablet'));
    refused_ok('a later token of it',
               $chat->token('erin', sid => 'tablet', iat => int(time) + 5));
    let_in_ok('one of another tenant',
              $chat->token('erin', sid => 'tablet', tid => 'acme'));
};

subtest 'one token' => sub {
    my @bad = pair(user => 'erin', jti => '1', sid => 'x');
    my @good = pair(user => 'erin', jti => '2', sid => 'x');

    revoke('jti', '1');
    closed_ok('the token', @bad);
    alive_ok('another', @good);
    refused_ok('the token', $chat->token('erin', jti => '1'));
    let_in_ok('a sid of that name', $chat->token('erin', sid => '1'));
};

subtest 'a ban, and its end' => sub {
    my @mallory = pair(user => 'mallory', iat => int(time) + 60);

    revoke('user', 'mallory');
    alive_ok('what was issued later', @mallory);
    revoke('user', 'mallory', '--ban');
    closed_ok('a ban', @mallory);
    refused_ok('a ban',
               $chat->token('mallory', iat => int(time) + 100));

    revoke('undo', 'user', 'mallory');
    ok(wait_until { metric('chat_revocations') == 8 }, 'forgotten');
    let_in_ok('undone', $chat->token('mallory'));
};

subtest 'a revocation ends' => sub {
    my $token = $chat->token('erin', jti => 'brief');
    my $session = $chat->connect(token => $token);

    $chat->psql(q{SELECT chat.revocation_set('default', 'jti', 'brief',
                  'infinity', clock_timestamp() + interval '5 seconds', '')});
    is($session->expect_close(4403), 'revoked', 'put out');
    ok(wait_until { $chat->handshake(token => $token)->status == 101 },
       'and not any more');
};

subtest 'another token does not help' => sub {
    my ($frank) = pair(user => 'frank', sid => 'old');
    my $new = $chat->token('frank', sid => 'new');

    revoke('sid', 'new');
    known_ok('known', $new);
    is($frank->refused('authenticate', { token => $new })->{code},
       'forbidden', 'a renewal is refused');
    alive_ok('frank', $frank);

    $frank->request('authenticate',
                    { token => $chat->token('frank', sid => 'newer') });
    revoke('sid', 'old');
    known_ok('the one it had before', $chat->token('frank', sid => 'old'));
    alive_ok('frank', $frank);

    revoke('sid', 'newer');
    closed_ok('the one it has', $frank);
};

subtest 'nothing is done for a session that is put out' => sub {
    my $mallory = $chat->connect(user => 'gus', claims => { sid => 'gus' });
    my $bob = $chat->connect(user => 'bob');

    $_->join('lobby') for $mallory, $bob;
    revoke('sid', 'gus');

    # it asks on without reading: what comes after the close was decided is
    # not executed, and what was said meanwhile does not reach it
    $mallory->post('message.send', { conversationId => 'lobby',
                                     content => "evil $_" }) for 1 .. 20;
    put_out_ok($mallory);

    $bob->say('lobby', 'good');
    my $heard;
    1 while ($heard = $bob->hear('lobby')->{content}) ne 'good';
    is_deeply([grep { $_ ne 'message.created' } $bob->unexpected], [],
              'nothing comes after that');
};

subtest 'in the middle of a join of many' => sub {
    my @rooms = map { "room$_" } 1 .. 60;
    my $admin = $chat->connect(user => 'admin',
                               claims => { roles => ['admin'] });

    $admin->request('conversation.create',
                    { conversationId => $_, type => 'channel' }) for @rooms;

    for my $round (1 .. 5) {
        my $session = $chat->connect(user => 'hal',
                                     claims => { jti => "hal$round" });

        $session->post('conversation.join', { conversations => [
            map { { conversationId => $_ } } @rooms,
        ] });
        revoke('jti', "hal$round");
        put_out_ok($session);
    }

    alive_ok('who has made them', $admin);
};

subtest 'the canary sings on' => sub {
    my $sung = 'chat_canary_stored_seconds_count';
    my $before = metric($sung);

    ok(wait_until { metric($sung) > $before + 2 }, 'it does');
};

done_testing;
