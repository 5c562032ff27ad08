# chatctl sessions and kick: who is connected, anywhere, and no longer.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Redis;

use constant { OK => 0, USAGE => 2, NOT_FOUND => 3, UNAVAILABLE => 4 };
use constant WAIT => ('--wait', 60);

my $chat = ChatTest->new(workers => 2);
$chat->start;
$chat->create($_) for qw(lobby news);

my $redis = ChatTest::Redis->new($chat->{redis_socket});
my $alice = $chat->connect(user => 'alice');
my $phone = $chat->connect(user => 'alice', node_other_than => $alice);
my $bob = $chat->connect(user => 'bob');
my $other = $chat->connect(user => 'alice', claims => { tid => 'acme' });
my $stranger = $chat->handshake;

$alice->join($_) for qw(lobby news);


sub sessions (@arguments) {
    my ($code, $text) = $chat->chatctl('sessions', '--json', WAIT, @arguments);

    is($code, OK, "sessions @arguments");

    return decode($text);
}


sub kick (@arguments) {
    return $chat->chatctl('kick', WAIT, @arguments);
}


sub id ($client) { return $client->welcome->{sessionId} }


# names of those that are told

sub names ($list) {
    return join ' ', map { "$_->{tenantId}/$_->{userId}" } @{ $list->{items} };
}


subtest 'who is connected' => sub {
    my $list = sessions();

    is(names($list), 'acme/alice default/alice default/alice default/bob',
       'all who have authenticated, of all nodes');
    ok($list->{complete}, 'all of them');

    my ($one) = grep { $_->{sessionId} eq id($alice) } @{ $list->{items} };
    like(delete $one->{since}, qr/^20\d\d-\d\d-\d\dT[\d:.]+Z$/, 'since');
    like(delete $one->{idleSeconds}, qr/^\d+$/, 'idleSeconds');
    ok(length delete $one->{host}, 'host');
    is_deeply($one, {
        sessionId => id($alice), tenantId => 'default', userId => 'alice',
        address => '127.0.0.1', node => $alice->node, joined => 2,
        tls => \0,
    }, 'the rest');

    my $line = join '  ', id($bob), 'default/bob', '127\.0\.0\.1',
        'since 20\S+Z, idle \d+ s, 0 joined, node ' . $bob->node . ' on \S+';
    like($chat->chatctl_must('sessions', WAIT, '--user', 'bob'), qr/^$line\n$/,
         'for people');
};

subtest 'of a user, of a tenant' => sub {
    is(names(sessions('--user', 'alice')), 'default/alice default/alice',
       'the default tenant');
    is(names(sessions('--user', 'alice', '--tenant', 'acme')), 'acme/alice',
       'another one');
    is(names(sessions('--tenant', 'acme')), 'acme/alice', 'a tenant');
    is(names(sessions('--tenant', 'acm')), '', 'is named whole');
    is(names(sessions('--user', 'nobody')), '', 'nobody');
};

subtest 'a limit' => sub {
    my $list = sessions('--limit', 1);

    is(@{ $list->{items} }, 1, 'one');
    ok(!$list->{complete}, 'not all');
    like($chat->chatctl_must('sessions', WAIT, '--limit', 1), qr/\n\nmore: --limit$/,
         'for people');
};

subtest 'two who ask at once' => sub {
    my $token = 'a' x 32;
    my $listener = ChatTest::Redis->new($chat->{redis_socket});

    $listener->call('SUBSCRIBE', "chat:sessions:$token");
    $redis->call('PUBLISH', 'chat:nodes', "sessions $token 10");
    is(names(sessions()),
       'acme/alice default/alice default/alice default/bob', 'both are told');
};

subtest 'what nodes cannot understand' => sub {
    $redis->call('PUBLISH', 'chat:nodes', $_)
        for 'sessions *', 'sessions a', 'sessions a 0', 'sessions a x y',
            'sessions a 1000001', 'kick *', 'kick a', 'kick a user',
            'kick a session', 'kick a session x', 'kick a neither x',
            'kick * user default/bob', 'sessions b 9 ' . 'x' x 500 . '/',
            'sessions c 9 ' . 'x' x 500;
    is(names(sessions('--user', 'bob')), 'default/bob', 'does nothing');
};

subtest 'one session' => sub {
    my ($code, $text) = kick('--session', id($phone), '--reason', 'lost');

    is($code, OK, 'exit code');
    is($text, "1 session closed\n", 'text');
    is($phone->expect_close(4403), 'kicked: lost', 'why');
    ok($alice->request('ping'), 'the other one goes on');

    is((kick('--session', id($phone)))[0], NOT_FOUND, 'no such session');
    is($chat->metrics->{chat_kicked_sessions_total}, 1, 'counted');
};

subtest 'a user' => sub {
    my $again = $chat->connect(user => 'alice', node_other_than => $alice);
    my ($code, $text) = kick('--user', 'alice', '--json');

    is($code, OK, 'exit code');
    is_deeply(decode($text), { closed => 2 }, 'on all nodes');
    is($_->expect_close(4403), 'kicked', 'why') for $alice, $again;
    ok($_->request('ping'), 'nobody else') for $bob, $other;

    ok($chat->connect(user => 'alice'), 'and may come back');
    is((kick('--user', 'nobody'))[0], NOT_FOUND, 'nobody');
};

subtest 'wrong usage' => sub {
    my @wrong = (
        ['kick'], ['kick', '--user', 'a', '--session', id($bob)],
        ['kick', '--session', 'x'], ['kick', '--user', 'a/b'],
        ['kick', '--session', id($bob), '--tenant', 'default'],
        ['kick', '--user', 'a', '--reason', 'x' x 101],
        ['kick', '--user', 'a', '--reason', "a\nb"],
        ['sessions', '--user', ''], ['sessions', '--tenant', 'a b'],
        ['sessions', '--limit', 0],
    );

    is(($chat->chatctl(@$_))[0], USAGE, "@$_" =~ s/\n/ /r) for @wrong;
};

subtest 'nobody to ask' => sub {
    $chat->part('nginx')->stop;

    my ($code, $text) = $chat->chatctl('sessions', '--wait', 0);
    is($code, UNAVAILABLE, 'no nginx');
    like($text, qr/no nginx is connected to this Redis/, 'text');

    $chat->part('redis')->stop;
    ($code, $text) = $chat->chatctl('kick', '--user', 'bob',
                                     '--wait', 0);
    is($code, UNAVAILABLE, 'no Redis');
    like($text, qr/^chatctl: Redis: \S/, 'text');
};

done_testing;
