# A process that leaves serves its sessions until it is their turn, and tells
# them one after the other.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(time);

use ChatTest;

# 10 ms each: so long those who came after them have
use constant { FEW => 150, MANY => 600 };

my $chat = ChatTest->new(http => 'chat_drain_time 1m;',
                         location => 'chat_auth_timeout 5m;',
                         connections => 2048);
$chat->start;
$chat->create('lobby');


# connections that were made first go first; these cost nothing

sub crowd ($n) { return map { $chat->handshake(protocols => []) } 1 .. $n }


sub gone (@pids) {
    my %old = map { $_ => 1 } @pids;

    return !grep { $old{$_} } $chat->workers;
}


subtest 'a session is served until its turn' => sub {
    my ($old) = $chat->workers;
    my @crowd = crowd(MANY);
    my $alice = $chat->connect(user => 'alice');
    $alice->join('lobby');

    $chat->reload;
    like($crowd[0]->expect_close(1012), qr/^retry=\d{1,3}$/,
         'the first one goes, and comes back soon');

    $chat->wait_ready;
    my $bob = $chat->connect(user => 'bob');
    isnt($bob->node, $alice->node, 'a new process is there');
    $bob->join('lobby');
    $bob->say('lobby', 'from the new one');
    is($alice->hear('lobby')->{content}, 'from the new one',
       'the last one still hears');
    $alice->say('lobby', 'from the old one');
    is($bob->hear('lobby')->{content}, 'from the new one', 'bob hears both');
    is($bob->hear('lobby')->{content}, 'from the old one', 'of them');

    my $metrics = $chat->metrics;
    is($metrics->{chat_nodes}, 2, 'two nodes');
    is($metrics->{chat_nodes_draining}, 1, 'one of them leaves');
    cmp_ok($metrics->{chat_sessions}, '>=', 2, 'sessions of both are counted');

    $_->expect_close(1012) for @crowd[1 .. 20];
    $_->disconnect for $alice, @crowd;
    wait_until { gone($old) };
    is($chat->metrics->{chat_nodes_draining}, 0, 'nobody leaves any more');
    is($chat->metrics->{chat_sessions}, 1, 'bob is there');
    $bob->disconnect;
};

subtest 'nothing is lost or heard twice on the way' => sub {
    my ($old) = $chat->workers;
    my @crowd = crowd(FEW);
    my @users = map { $chat->connect(user => "user-$_") } 1 .. 5;
    my @after = map { $_->join('lobby')->{revision} } @users;
    my %heard;

    my $begin = time;
    $chat->reload;
    $crowd[0]->expect_close(1012);

    $chat->wait_ready;
    my $writer = $chat->connect(user => 'writer');
    $writer->join('lobby');
    my @sent = map { $writer->say('lobby', "number $_")->{revision} } 1 .. 100;

    for my $i (0 .. $#users) {
        my $user = $users[$i];
        my @came;

        wait_until { !$user->poll(\@came) };
        my @live = map { $_->{data}{revision} }
            grep { $_->{type} && $_->{type} eq 'message.created' } @came;

        my $next = $chat->connect(user => "user-$i");
        my @rest = map { $_->{data}{revision} }
            $next->resume('lobby', $live[-1] // $after[$i]);

        is_deeply([@live, @rest], \@sent, 'each message once, in order');
        $next->disconnect;
    }

    $writer->disconnect;
    $_->expect_close(1012) for @crowd[1 .. $#crowd];
    wait_until { gone($old) };
    cmp_ok(time - $begin, '<', 30, 'it takes no longer than is needed');
};

subtest 'what is revoked or expires meanwhile is so' => sub {
    my ($old) = $chat->workers;
    my @crowd = crowd(MANY);
    my $eve = $chat->connect(user => 'eve', claims => { iat => time - 10 });
    my $carol = $chat->connect(user => 'carol');

    $chat->reload;
    $crowd[0]->expect_close(1012);
    $chat->chatctl_must('revoke', 'user', 'eve');
    is($eve->expect_close(4403), 'revoked', 'eve is put out');

    my $short = $chat->token('carol', exp => int(time) + 1);
    $carol->request('authenticate', { token => $short })
        if eval { $carol->request('ping') };
    my (undef, $reason) = $carol->read_close;
    like($reason, qr/^(?:token expired|retry=\d+)$/, 'carol is told');

    $_->disconnect for @crowd;
    wait_until { gone($old) };
    pass('the old process has ended');
};

subtest 'without a drain time they go at once, and come back later' => sub {
    my $other = ChatTest->new(with => [], http => 'chat_drain_time 0;');
    $other->start;

    my @crowd = map { $other->handshake(path => '/echo', protocols => []) }
        1 .. 50;
    my ($old) = $other->workers;

    $other->reload;

    my @delays = map { ($_->read_close)[1] =~ /^retry=(\d+)$/ ? $1 : () }
        @crowd;
    is(@delays, 50, 'all are told');
    ok((grep { $_ > 1000 } @delays), 'over some seconds');
    wait_until { my ($now) = $other->workers; $now != $old } 15;
};

done_testing;
