# A reload is nobody's end, but nginx' own is everybody's, at once.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(max);
use Time::HiRes qw(time);

use ChatTest;
use ChatTest::Seen;

use constant GRACE => 4;                # seconds

my $chat = ChatTest->new(
    workers  => 2,
    with     => [qw(redis postgres persist presence)],
    presence => { grace => GRACE },
    http     => 'chat_drain_time 1s;',
);
$chat->start;

my $seen = ChatTest::Seen->new($chat);
my @nodes = map { sprintf 'chat:{p%02d}:presence:nodes', $_ } 0 .. 15;
my @users = map { "user$_" } 1 .. 40;
my %clients = map { $_ => $chat->connect(user => $_) } @users;

$seen->becomes($_, 'o') for @users;
$seen->forget;


# names of nodes that Redis knows

sub incarnations () {
    return map { @{ $seen->redis->call('ZRANGE', $_, 0, -1) } } @nodes;
}


subtest 'reload' => sub {
    my %old = map { $_ => 1 } incarnations();

    my %late;                               # might not be back in time
    my $began = time;
    $chat->reload;

    for my $user (@users) {
        my ($code) = $clients{$user}->read_close;

        is($code, 1012, 'restart') if $code != 1012;
        $clients{$user} = $chat->connect(user => $user);
        $late{$user} = 1 if time - $began > GRACE - 1;
    }

    wait_until { !grep { $old{$_} } incarnations() };
    pass('the old processes have ended their leases');

    my $other = $chat->connect(user => 'other');
    $seen->becomes('other', 'o');
    $other->disconnect;
    $seen->becomes('other', 'f');           # who went after that
    is_deeply([grep { !$late{$_} } $seen->told_so('f')], ['other'],
              'everybody is still there');
    is(scalar @{ $seen->sessions($_) }, 1, "$_ is at one node")
        for @users[0 .. 3];
};

subtest 'stop' => sub {
    my $until;                              # of the last one

    is(scalar incarnations(), 32, 'leases of two nodes');
    $chat->part('nginx')->tell('TERM');

    wait_until {
        my %ends = map { @{ $seen->redis->call('ZRANGE', $_, 0, -1,
                                               'WITHSCORES') } } @nodes;

        $until = max values %ends if %ends;

        !%ends;
    };
    cmp_ok(1000 * time, '<', $until, 'all are ended before their time');
    $seen->becomes($_, 'f') for @users;
};

done_testing;
