# Whatever becomes of a node: its users are gone when it is, and not while they
# are there.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(time);

use ChatTest;
use ChatTest::Seen;

my $chat = ChatTest->new(
    workers  => 2,
    proxied  => 1,
    with     => [qw(redis postgres persist presence)],
    presence => { grace => 5 },
    http     => 'chat_ping_interval 5m;',
);
$chat->logs->allow(qr/worker process \d+ exited on signal 9/);
$chat->start;

my $seen = ChatTest::Seen->new($chat);
my $first = $chat->connect(user => 'first');
my %others = map { $_ => $chat->connect(user => $_, node_of => $first) }
    qw(amy bob cat);
my $last = $chat->connect(user => 'last', node_other_than => $first);
my @all = (qw(first last), sort keys %others);

$seen->becomes($_, 'o') for @all;
$seen->forget;


sub registrations () {
    return $chat->metrics->{chat_presence_registrations_total};
}


# that many leases have begun since then

sub registered ($before, $n) {
    wait_until { registrations() >= $before + $n };
    wait_until { $chat->metrics->{chat_presence_registered} == 32 };

    return;
}


subtest 'links are cut' => sub {
    my $before = registrations();

    $chat->proxy->cut('redis');
    registered($before, 32);

    my $amy = $chat->connect(user => 'amy', node_of => $last);
    wait_until { @{ $seen->sessions('amy') } == 2 };
    is(scalar @{ $seen->sessions($_) }, 1, "$_ is at one node")
        for qw(bob cat first last);
    $amy->disconnect;
    is_deeply([$seen->told_so('f')], [], 'nobody was gone');
};

subtest 'leases were over' => sub {
    my $before = registrations();
    my $prefix = $seen->prefix('bob');

    $seen->redis->call('ZADD', $prefix . 'nodes', 'XX', 1000, $_)
        for @{ $seen->redis->call('ZRANGE', $prefix . 'nodes', 0, -1) };
    registered($before, 2);
    wait_until { @{ $seen->sessions('bob') } == 1 };
    is_deeply([$seen->told_so('f')], [], 'nobody was gone');
};

subtest 'Redis counts others' => sub {
    my $before = registrations();
    my $prefix = $seen->prefix('cat');
    my ($incarnation) = grep {
        $seen->redis->call('SISMEMBER', "${prefix}at:$_", 'default/cat')
    } @{ $seen->redis->call('ZRANGE', $prefix . 'nodes', 0, -1) };

    $chat->logs->allow(qr/\[warn\].*they are told again/);
    $seen->redis->call('SADD', "${prefix}at:$incarnation", 'default/nobody');
    registered($before, 1);
    wait_until {
        !$seen->redis->call('EXISTS', "${prefix}at:$incarnation");
    };
    is(scalar @{ $seen->sessions('cat') }, 1, 'under one name');
    is_deeply([$seen->told_so('f')], [], 'nobody was gone');
};

subtest 'a node is killed' => sub {
    my ($pid) = $chat->logs->text('nginx')
                    =~ /(\d+)#\d+: chat: node @{[ $first->node ]} started/;
    my $began = time;

    kill 'KILL', $pid;

    my $bob = $chat->connect(user => 'bob', node_of => $last);
    wait_until { @{ $seen->sessions('bob') } == 2 };

    $seen->becomes($_, 'f') for qw(amy cat first);
    cmp_ok(time - $began, '<', 30, 'its users are gone in time');
    is_deeply([$seen->told_so('f')], [qw(amy cat first)],
              'but who came back elsewhere, and who was there');
    is($seen->state($_), 'o 0 ', "$_ is there") for qw(bob last);
};

done_testing;
