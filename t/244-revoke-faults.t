# What is revoked while parts of the system are away or cut off: it takes effect
# when they are back, before anything else, and is never forgotten.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);
use Time::HiRes qw(sleep time);

use ChatTest;
use ChatTest::Metrics qw(parse_metrics);

# it is to take less than a second, and may take longer on a machine that is busy
use constant SOON => 10;

my $chat = ChatTest->new(workers => 2, proxied => 1,
                         redis_options => 'timeout=1s');
$chat->logs->allow(qr/worker process \d+ exited on signal 9/);
$chat->start;
$chat->create('lobby');

my $proxy = $chat->proxy;
my $number = 0;


sub metric ($name) {
    return (parse_metrics($chat->http(path => '/metrics')->body))[0]->{$name};
}


sub revoke (@arguments) { return $chat->chatctl_must('revoke', @arguments) }


# a session on each node, of a token of its own

sub pair () {
    my %claims = (jti => 'j' . ++$number);
    my $one = $chat->connect(user => 'alice', claims => \%claims);

    return "j$number", $one,
           $chat->connect(user => 'alice', claims => \%claims,
                          node_other_than => $one);
}


sub closed_ok ($name, @sessions) {
    my $begin = time;

    is($_->expect_close(4403), 'revoked', "$name: closed") for @sessions;
    cmp_ok(time - $begin, '<', SOON, "$name: soon");

    return;
}


sub status_of ($jti) {
    return $chat->handshake(token => $chat->token('alice', jti => $jti))
        ->status;
}


# both nodes know: each refuses it

sub known_ok ($jti) {
    ok(wait_until { !grep { status_of($jti) != 403 } 1 .. 20 }, 'known');

    return;
}


# never let in, whichever node answers, for so many seconds

sub kept_out_ok ($name, $jti, $seconds) {
    my $end = time + $seconds;
    my %seen;

    do { $seen{ status_of($jti) }++; sleep .02 } while time < $end;
    is_deeply([keys %seen], [403], "$name: refused all the time");

    return;
}


sub sure_ok () {
    ok(wait_until { metric('chat_revocations_stale') == 0 }, 'nodes are sure');

    return;
}


subtest 'a publish is lost' => sub {
    my ($jti, @sessions) = pair();

    $proxy->swallow('redis', message => '^chat:nodes$', times => -1);
    revoke('jti', $jti);
    closed_ok('the look at intervals', @sessions);
    cmp_ok($proxy->swallowed('redis'), '>=', 2, 'both nodes were not told');
    $proxy->heal('redis');
};

subtest 'the link of subscriptions is silent' => sub {
    my ($jti, @sessions) = pair();

    $proxy->stall('redis', only => ':subscriber$');
    revoke('jti', $jti);
    closed_ok('the other link', @sessions);
    $proxy->heal('redis');
    ok($chat->wait_ready, 'all is well again');
};

subtest 'nodes are cut off from Redis' => sub {
    my ($jti, @sessions) = pair();
    my $bob = $chat->connect(user => 'bob');

    $_->join('lobby') for @sessions, $bob;
    $proxy->refuse('redis');
    $proxy->cut('redis');
    ok(wait_until { $chat->all_workers_say('/readyz', 503) }, 'noticed');
    revoke('jti', $jti);

    # the default is to accept what cannot be known
    my $late = $chat->connect(user => 'alice', claims => { jti => $jti });

    for my $session (@sessions, $late) {
        is($session->refused('message.send', {
            conversationId => 'lobby', content => 'evil',
        })->{code}, 'unavailable', 'there is nothing it could do');
    }

    # they try all the time, until something else comes than "unavailable"
    $proxy->heal('redis');

    for my $session (@sessions, $late) {
        my ($code, $ok);

        eval {
            do {
                my $reply = $session->reply($session->post('message.send', {
                    conversationId => 'lobby', content => 'evil',
                }));
                $ok = $reply->{ok};
                $code = $ok ? 'none' : $reply->{error}{code};
            } while $code eq 'unavailable';
        };
        ok(!$ok, 'nothing was served');
        is($session->{close}[0] // $session->expect_close(4403) && 4403, 4403,
           'and it is closed');
    }

    ok($chat->wait_ready, 'all is well again');
    $bob->insist('message.send', { conversationId => 'lobby',
                                   content => 'good' });
    is($bob->hear('lobby')->{content}, 'good', 'nobody heard anything else');
    kept_out_ok('later', $jti, .3);
};

subtest 'a node that is reloaded, or killed' => sub {
    my ($jti) = pair();

    revoke('jti', $jti);
    known_ok($jti);

    my %old = map { $_ => 1 } $chat->workers;
    $chat->reload;
    ok(wait_until {
        my @now = $chat->workers;
        @now == 2 && !grep { $old{$_} } @now;
    }, 'new workers alone');
    $chat->wait_ready;
    kept_out_ok('reloaded', $jti, .5);

    my @workers = $chat->workers;
    CORE::kill('KILL', $_) for @workers;
    ok(wait_until { $chat->wait_ready }, 'new workers');
    kept_out_ok('killed', $jti, .5);
};

subtest 'Redis is restarted' => sub {
    my ($jti) = pair();

    revoke('jti', $jti);
    known_ok($jti);
    $chat->kill('redis');
    kept_out_ok('while it is away', $jti, .5);
    $chat->restart('redis');
    kept_out_ok('while it comes back', $jti, 2);
    $chat->wait_ready;
    sure_ok();
};

subtest 'Redis loses everything' => sub {
    my ($jti) = pair();

    revoke('jti', $jti);
    known_ok($jti);
    $chat->kill('redis');
    remove_tree($chat->directory . '/appendonlydir');
    $chat->restart('redis');
    kept_out_ok('while it comes back', $jti, 2);
    $chat->wait_ready;
    sure_ok();

    # what a node remembers is not all: a new one has to read it
    $chat->restart('nginx');
    kept_out_ok('a new nginx', $jti, .3);

    my ($next, @sessions) = pair();
    revoke('jti', $next);
    closed_ok('new ones', @sessions);
};

subtest 'Redis is emptied under the nodes' => sub {
    my ($jti) = pair();

    revoke('jti', $jti);
    known_ok($jti);
    $chat->redis_cli('DEL', 'chat:revoked', '{chat:revoked}:state',
                     '{chat:revoked}:ends');
    kept_out_ok('meanwhile', $jti, 1.5);
    sure_ok();

    revoke('undo', 'jti', $jti);
    ok(wait_until { status_of($jti) == 101 }, 'undone');
};

subtest 'what was undone while a node was cut off' => sub {
    my ($jti) = pair();

    revoke('jti', $jti);
    known_ok($jti);
    $proxy->refuse('redis');
    $proxy->cut('redis');
    revoke('undo', 'jti', $jti);
    $chat->redis_cli('DEL', 'chat:revoked', '{chat:revoked}:state',
                     '{chat:revoked}:ends');
    $proxy->heal('redis');
    ok(wait_until { status_of($jti) == 101 }, 'it is let in');
    ok($chat->wait_ready, 'all is well again');
};

subtest 'chat-persist is away' => sub {
    my ($jti, @sessions) = pair();

    $chat->kill('persist');
    revoke('jti', $jti);
    closed_ok('not needed', @sessions);

    $chat->restart('redis');
    ($jti) = pair();
    revoke('jti', $jti);
    ok(wait_until { status_of($jti) == 403 },
       'nor after a restart of Redis');
    ok(wait_until { metric('chat_revocations_stale') == 2 },
       'but nobody says that this is all');
    $chat->restart('persist');
    $chat->wait_ready;
    sure_ok();
};

done_testing;
