# A process that leaves serves its sessions until it is their turn, and tells
# them one after the other.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(time);

use ChatTest;

use constant CROWD => 150;      # 10 ms each

my $chat = ChatTest->new(http => 'chat_drain_time 1m;',
                         location => 'chat_auth_timeout 5m;');
$chat->start;
$chat->create('lobby');


# connections that were made first go first; these cost nothing

sub crowd () { return map { $chat->handshake(protocols => []) } 1 .. CROWD }


sub gone (@pids) {
    my %old = map { $_ => 1 } @pids;

    return !grep { $old{$_} } $chat->workers;
}


subtest 'a session is served until its turn' => sub {
    my ($old) = $chat->workers;
    my @crowd = crowd();
    my $alice = $chat->connect(user => 'alice');
    $alice->join('lobby');

    $chat->reload;
    like($crowd[0]->expect_close(1012), qr/^retry=\d{1,3}$/,
         'the first one goes, and comes back soon');

    my $begin = time;
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

    $alice->expect_close(1012);
    $_->expect_close(1012) for @crowd[1 .. $#crowd];
    cmp_ok(time - $begin, '<', 15, 'no longer than is needed');
    wait_until { gone($old) } 15;
    is($chat->metrics->{chat_nodes_draining}, 0, 'nobody leaves any more');
    is($chat->metrics->{chat_sessions}, 1, 'bob is there');
    $bob->disconnect;
};

subtest 'nothing is lost or heard twice on the way' => sub {
    my @crowd = crowd();
    my @users = map { $chat->connect(user => "user-$_") } 1 .. 5;
    my @after = map { $_->join('lobby')->{revision} } @users;
    my %heard;

    $chat->reload;
    $crowd[0]->expect_close(1012);

    $chat->wait_ready;
    my $writer = $chat->connect(user => 'writer');
    $writer->join('lobby');
    my @sent = map { $writer->say('lobby', "number $_")->{revision} } 1 .. 100;

    for my $i (0 .. $#users) {
        my $user = $users[$i];
        my @came;

        wait_until { !$user->poll(\@came) } 20;
        my @live = map { $_->{data}{revision} }
            grep { $_->{type} && $_->{type} eq 'message.created' } @came;

        my $next = $chat->connect(user => "user-$i");
        my @rest = map { $_->{data}{revision} }
            $next->resume('lobby', $live[-1] // $after[$i]);

        is_deeply([@live, @rest], \@sent, 'each message once, in order');
        $next->disconnect;
    }

    $writer->disconnect;
    $_->disconnect for @crowd;
};

subtest 'what is revoked or expires meanwhile is so' => sub {
    my ($old) = $chat->workers;
    my @crowd = crowd();
    my $eve = $chat->connect(user => 'eve', claims => { iat => time - 10 });
    my $carol = $chat->connect(user => 'carol');

    $chat->reload;
    $crowd[0]->expect_close(1012);
    $chat->chatctl_must('revoke', 'user', 'eve');
    is($eve->expect_close(4403), 'revoked', 'eve is put out');

    my $short = $chat->token('carol', exp => int(time) + 1);
    $carol->request('authenticate', { token => $short })
        if eval { $carol->request('ping') };
    my (undef, $reason) = $carol->read_close(15);
    like($reason, qr/^(?:token expired|retry=\d+)$/, 'carol is told');

    $_->disconnect for @crowd;
    wait_until { gone($old) } 15;
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
