# What others see of a user: by the sessions, the choice, and whether the grace
# time is over.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Presence qw(presence_stack);

use constant GRACE => 1000;     # ms

my $chat = ChatTest->new(presence_stack(presence => { grace => GRACE / 1000 }));
$chat->start;

my $p = ChatTest::Presence->new($chat);
my ($one, $other) = map { $p->node($_) } qw(one.1 other.1);


# Redis' clock, ms

sub now () {
    my ($s, $us) = @{ $p->redis->call('TIME') };

    return $s * 1000 + int $us / 1000;
}


# sessions and active ones at two nodes => as seen by choice: o a b i

my %TABLE = (
    '0/0 0/0' => 'ffff',
    '1/1 0/0' => 'oabf',
    '1/0 0/0' => 'aabf',
    '2/1 0/0' => 'oabf',
    '2/0 0/0' => 'aabf',
    '1/0 1/1' => 'oabf',
    '1/1 1/0' => 'oabf',
    '1/0 3/0' => 'aabf',
    '0/0 1/1' => 'oabf',
);

subtest 'sessions and choice decide' => sub {
    my @choices = qw(o a b i);
    my %expected;

    for my $row (sort keys %TABLE) {
        for my $i (0 .. 3) {
            my $user = "$choices[$i]-$row" =~ tr{ /}{_.}r;
            my @here = map { [split m{/}] } split / /, $row;

            $p->set($user, $choices[$i]);
            $p->report($one, $user => $here[0]);
            $p->report($other, $user => $here[1]);
            $expected{$user} = substr $TABLE{$row}, $i, 1;
        }
    }

    $p->pass;

    for my $user (sort keys %expected) {
        is($p->state_of($user), $expected{$user}, $user);
    }

    my ($seen) = $p->ask('count', $p->part('identity'),
                         map { "t/$_" } keys %expected);
    is($seen, scalar(grep { $_ ne 'f' } values %expected), 'counted');
};

subtest 'one device that closes does not make the user offline' => sub {
    $p->report($one, amy => [1, 1]);
    $p->report($other, amy => [1, 0]);
    $p->becomes('amy', 'o');

    $p->report($one, amy => [0, 0]);
    is($p->becomes('amy', 'a'), 'a 0 ', 'the other one decides');

    $p->report($other, amy => [2, 1]);
    $p->becomes('amy', 'o');
    $p->report($other, amy => [1, 1]);
    $p->pass;
    is($p->seen('amy'), 'o 0 ', 'nor one of two at a node');
};

subtest 'offline after the grace time, not before' => sub {
    $p->report($one, bob => [1, 1]);
    $p->becomes('bob', 'o');
    $p->listen('bob');

    my $began = now();
    $p->report($one, bob => [0, 0]);
    my $left = now();
    my ($last) = $p->becomes('bob', 'f') =~ /^f (\d+) $/;

    cmp_ok(now(), '>=', $began + GRACE, 'not before that');
    cmp_ok($last, '>=', $began, 'last seen when the session ended');
    cmp_ok($last, '<=', $left, 'and not when the grace time did');
    is_deeply([$p->lines_about('bob', $p->heard)], ["f $last "], 'told once');
};

subtest 'who comes back within it was never away' => sub {
    $p->report($one, cat => [1, 1]);
    $p->becomes('cat', 'o');
    $p->listen;
    $p->redis->call_all(map { [$p->command('report', $_->[0], 600_000, 't/cat',
                                           $_->[1], $_->[1])] }
                        [$one, 0], [$other, 1]);
    my $back = now();
    wait_until { now() > $back + GRACE };
    $p->pass;
    is($p->state_of('cat'), 'o', 'online');
    is_deeply([$p->lines_about('cat', $p->heard)], [], 'nobody was told');
};

subtest 'a choice and its text' => sub {
    $p->report($one, dan => [1, 1]);
    $p->becomes('dan', 'o');
    $p->listen('dan');
    $p->set('dan', 'b', 'in a \"meeting\" \u00e9');
    is($p->becomes('dan', 'b'), 'b 0 in a \"meeting\" \u00e9', 'as written');
    $p->set('dan', 'b', 'later');
    wait_until { $p->seen('dan') eq 'b 0 later' };
    $p->pass;

    my @messages = $p->heard;
    is_deeply([$p->lines_about('dan', @messages)],
              ['b 0 in a \"meeting\" \u00e9', 'b 0 later'], 'others are told');
    is_deeply([map { $_->[1] } grep { $_->[0] eq 'chat:user:t/dan' } @messages],
              ['self b in a \"meeting\" \u00e9', 'self b later'],
              'and the user');
    is($p->report($other, dan => [1, 1]), 'B', 'a node that comes later');
    is_deeply([$p->ask('own', 't/dan')],
              ['b', 'later', 'one.1', 1, 1, 'other.1', 1, 1], 'own');

    $p->report($_, dan => [0, 0]) for $one, $other;
    like($p->becomes('dan', 'f'), qr/^f \d+ $/, 'no text while offline');
    $p->report($one, dan => [1, 1]);
    is($p->becomes('dan', 'b'), 'b 0 later', 'again with the first session');
};

subtest 'invisible looks like gone' => sub {
    for my $user (qw(eve fay)) {
        $p->report($one, $user => [1, 1]);
        $p->set($user, 'o', 'here');
        wait_until { $p->seen($user) eq 'o 0 here' };
    }

    $p->listen;
    my ($began) = now();
    my (undef, undef, %due) = $p->redis->call_all(
        [$p->command('set', 't/eve', 'i', 'hidden')],
        [$p->command('report', $one, 600_000, 't/fay', 0, 0)],
        map { ([ECHO => $_], [ZSCORE => $p->key('due'), "t/$_"]) }
            qw(eve fay));
    cmp_ok($due{$_}, '>=', $began + GRACE, "$_ has the grace time")
        for qw(eve fay);

    $p->becomes($_, 'f') for qw(eve fay);
    my @messages = $p->heard;
    my ($eve, $fay) = map { [$p->lines_about($_, @messages)] } qw(eve fay);
    is(@$eve, 1, 'one change');
    like($eve->[0], qr/^f \d+ $/, 'without the text');
    is(@$fay, 1, 'as of one who is gone');
    cmp_ok(abs((split / /, $eve->[0])[1] - (split / /, $fay->[0])[1]), '<=',
           5000, 'last seen likewise');

    $p->listen;
    $p->report($one, eve => [2, 0]);
    $p->report($other, eve => [1, 1]);
    $p->set('eve', 'i', 'still hidden');
    $p->report($_, eve => [0, 0]) for $one, $other;
    $p->report($one, eve => [1, 1]);
    $p->pass;
    is_deeply([$p->lines_about('eve', $p->heard)], [],
              'nothing that it does is told');
    is($p->seen('eve'), $eve->[0], 'nor seen');

    $p->set('eve', 'o', 'back');
    is($p->becomes('eve', 'o'), 'o 0 back', 'until it chooses so');
    $p->set('eve', 'i');
    $p->set('eve', 'b');
    is($p->becomes('eve', 'b'), 'b 0 ', 'back within the grace time');
};

subtest 'invisible from the first moment' => sub {
    $p->listen;
    $p->set('gus', 'i');
    $p->report($one, gus => [1, 1]);
    $p->pass;
    is($p->seen('gus'), 'f 0 ', 'never seen');
    $p->report($one, gus => [0, 0]);
    $p->pass;
    is($p->seen('gus'), 'f 0 ', 'not then, either');
    my @lines = $p->lines_about('gus', $p->heard);
    is_deeply([grep { $_ ne 'f 0 ' } @lines], [], 'nothing was told');
};

subtest 'what makes no sense is refused' => sub {
    is($p->try('set', 't/amy', @$_)->[0], 'refused', "@$_")
        for ['x', ''], ['', ''], ['o', "two\nlines"], ['o', 'x' x 2049];
    is($p->redis->call('FCALL', 'chat_presence_v1_own', 1, $p->key(''), 2,
                       't/amy')->[0], 'bad', 'another number of partitions');
    is($p->redis->call('FCALL', 'chat_presence_v1_own', 1,
                       'chat:{p01}:presence:', 1, 't/amy')->[0], 'closed',
       'a partition that nobody has opened');
    is($p->try('read', 'another', 't/amy')->[0], 'closed', 'another Redis');
    is($p->try('renew', $_, 8000, 1)->[0], 'refused', "incarnation \"$_\"")
        for '', 'a,b', 'a;b', 'a b', 'x' x 65;
};

done_testing;
