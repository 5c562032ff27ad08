# The channel of a user: a node listens to it once, from the user's first
# session there to the last, and again when the link was lost.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Redis;

my $chat = ChatTest->new(workers => 1, proxied => 1);
$chat->start;

my $redis = ChatTest::Redis->new($chat->{redis_socket});


# how many listen to the channel of each, as Redis says

sub heard (@users) {
    my %listeners = @{ $redis->call('PUBSUB', 'NUMSUB',
                                    map { "chat:user:default/$_" } @users) };

    return join ' ', map { $listeners{"chat:user:default/$_"} } @users;
}


sub heard_ok ($users, $listeners, $title) {
    my $ok = eval { wait_until { heard(@$users) eq $listeners } };

    ok($ok, $title) or diag(heard(@$users));

    return;
}


sub users () { return $chat->metrics->{chat_users} }


my $phone = $chat->connect(user => 'alice');
my $laptop = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob');
my @all = qw(alice bob carol);


subtest 'from the first session to the last' => sub {
    heard_ok(\@all, '1 1 0', 'once for each who is there');
    is(users(), 2, 'which is how many users there are');

    $phone->disconnect;
    wait_until { $chat->metrics->{chat_sessions} == 2 };
    $bob->request('ping');
    is(heard(@all), '1 1 0', 'one session of two has gone');

    $laptop->disconnect;
    heard_ok(\@all, '0 1 0', 'the last one has');
    wait_until { users() == 1 };
};

subtest 'who shows a token later' => sub {
    my $carol = $chat->handshake(token => undef, by => "none");

    is(heard('carol'), '0', 'nobody yet');
    $carol->request('authenticate', { token => $chat->token('carol') });
    heard_ok(['carol'], '1', 'somebody');
    $carol->request('authenticate', { token => $chat->token('carol') });
    is(users(), 2, 'a second token makes no second user');
    $carol->disconnect;
    heard_ok(['carol'], '0', 'and it is over');
};

subtest 'the link of subscriptions is lost' => sub {
    my @crowd = map { "user$_" } 1 .. 250;      # some commands full
    my @sessions = map { $chat->connect(user => $_) } @crowd;
    my $each = join ' ', map { 1 } @crowd;

    heard_ok(\@crowd, $each, 'all are heard');
    $chat->proxy->cut('redis', only => 'subscriber');
    $_->disconnect for splice @sessions, 0, 50;
    push @sessions, $chat->connect(user => 'late');

    my $rest = join ' ', (map { 0 } 1 .. 50), (map { 1 } 1 .. 200), 1;

    heard_ok([@crowd, 'late'], $rest, 'those who are left are again');
};

subtest 'nobody leaves anything behind' => sub {
    my $dave;

    for (1 .. 100) {
        $dave = $chat->handshake(user => 'dave');
        $dave->disconnect;
    }

    wait_until { users() == 1 };
    heard_ok(['dave'], '0', 'nobody listens');
    $dave = $chat->connect(user => 'dave');
    heard_ok(['dave'], '1', 'until there is somebody');
};

done_testing;
