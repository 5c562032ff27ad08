# chatctl sessions and kick where a user has more sessions on a node than it
# looks at in a turn.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant { OK => 0, NOT_FOUND => 3, SESSIONS => 1_100 };
use constant WAIT => ('--wait', 60);

my $chat = ChatTest->new(connections => 2_000,
                         http => 'chat_ping_interval 5m;');
$chat->start;

my $token = $chat->token('many');
my @many = map { $chat->handshake(token => $token) } 1 .. SESSIONS;
my %client = map { $_->welcome->{sessionId} => $_ } @many;
my $other = $chat->connect(user => 'other');


# ids of sessions that are told, and whether these are all

sub sessions (@arguments) {
    my $list = decode($chat->chatctl_must('sessions', '--json', WAIT,
                                          @arguments));

    return ([map { $_->{sessionId} } @{ $list->{items} }], $list->{complete});
}


subtest 'all are told, each once' => sub {
    my ($ids, $complete) = sessions('--user', 'many', '--limit', 2 * SESSIONS);

    is_deeply([sort @$ids], [sort keys %client], 'of a user');
    ok($complete, 'that is all');

    ($ids, $complete) = sessions('--limit', SESSIONS + 1);
    is_deeply([sort @$ids], [sort keys %client, $other->welcome->{sessionId}],
              'of all users');
    ok($complete, 'that is all');
};

subtest 'a limit' => sub {
    my ($ids, $complete) = sessions('--user', 'many', '--limit', SESSIONS - 1);

    is(@$ids, SESSIONS - 1, 'so many');
    ok(!$complete, 'not all');

    ($ids, $complete) = sessions('--user', 'many', '--limit', SESSIONS);
    ok($complete, 'exactly as many as there are');
};

subtest 'any of them is found' => sub {
    for my $client ($many[0], $many[-1], $many[SESSIONS / 2]) {
        my $id = $client->welcome->{sessionId};
        my ($code, $text) = $chat->chatctl('kick', WAIT, '--session', $id);

        is($code, OK, 'exit code');
        is($text, "1 session closed\n", 'text');
        is($client->expect_close(4403), 'kicked', 'that one');
        delete $client{$id};
    }
};

subtest 'all are closed' => sub {
    my $left = keys %client;
    my ($code, $text) = $chat->chatctl('kick', WAIT, '--user', 'many');

    is($code, OK, 'exit code');
    is($text, "$left sessions closed\n", 'text');
    $_->expect_close(4403) for values %client;
    is(($chat->chatctl('kick', WAIT, '--user', 'many'))[0], NOT_FOUND,
       'none is left');
    ok($other->request('ping'), 'nobody else');
};

done_testing;
