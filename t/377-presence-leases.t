# Nodes and their leases: whose lease ends takes its users along, but none who
# came back elsewhere.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Presence qw(presence_stack);

my $chat = ChatTest->new(presence_stack(presence => { grace => 1 }));
$chat->start;

my $p = ChatTest::Presence->new($chat);


# its lease ends now

sub expire ($node) {
    return $p->redis->call('ZADD', $p->key('nodes'), 'XX', 1000, $node);
}


subtest 'a node is killed' => sub {
    $p->node($_) for qw(a.1 b.1);
    $p->report('a.1', amy => [1, 1], bob => [2, 1], cat => [1, 0]);
    $p->becomes('amy', 'o');
    $p->becomes('bob', 'o');
    $p->report('b.1', bob => [1, 1]);
    $p->listen;
    expire('a.1');
    $p->becomes('amy', 'f');
    $p->pass;
    is($p->seen('bob'), 'o 0 ', 'who came back elsewhere is there');
    is_deeply([$p->lines_about('bob', $p->heard)], [], 'and was all the time');
    is($p->try($_->[0], 'a.1', @$_[1 .. $#$_])->[0], 'lost', $_->[0])
        for ['renew', 8000, 0], ['report', 8000, 't/amy', 1, 1];
    is($p->redis->call('EXISTS', $p->key('at:a.1')), 0, 'nothing is left of it');
};

subtest 'a node that was cut off registers again' => sub {
    $p->node('c.1');
    $p->report('c.1', dan => [1, 1], eve => [1, 1]);
    $p->becomes('dan', 'o');
    $p->becomes('eve', 'o');
    $p->listen;

    expire('c.1');
    wait_until { !defined $p->redis->call('ZSCORE', $p->key('nodes'), 'c.1') };
    is($p->try('renew', 'c.1', 8000, 0)->[0], 'lost', 'it hears so');
    $p->node('c.2');
    is($p->report('c.2', dan => [1, 1]), 'o', 'under another name');
    my ($left) = $p->ask('end', 'c.1', 1000);
    is($left, 0, 'the old one is ended');
    $p->becomes('eve', 'f');
    is($p->seen('dan'), 'o 0 ', 'who is still there');
    is_deeply([$p->lines_about('dan', $p->heard)], [], 'was all the time');
};

subtest 'the new name first, then the old one ends' => sub {
    $p->node('d.1');
    $p->report('d.1', map { ("fay$_" => [1, 1]) } 1 .. 5);
    $p->becomes("fay$_", 'o') for 1 .. 5;
    $p->node('d.2');
    $p->report('d.2', map { ("fay$_" => [1, 0]) } 1 .. 4);

    is_deeply([$p->ask('end', 'd.1', 2)], [3], 'in parts');
    is($p->try('renew', 'd.1', 8000, 0)->[0], 'lost', 'it has ended');
    is($p->try('renew', 'd.1', 8000, 1)->[0], 'lost', 'and does not begin again');
    is_deeply([$p->ask('end', 'd.1', 1000)], [0], 'to the end');
    is_deeply([$p->ask('end', 'd.1', 1000)], [0], 'once more');
    is_deeply([$p->ask('end', 'never.1', 1000)], [0], 'one that never was');

    $p->becomes('fay5', 'f');
    $p->becomes("fay$_", 'a') for 1 .. 4;
    is(($p->ask('renew', 'd.2', 8000, 0))[0], 4, 'how many are there');
};

subtest 'one that ends and goes away half way' => sub {
    $p->node('e.1');
    $p->report('e.1', map { ("gus$_" => [1, 1]) } 1 .. 3);
    $p->becomes("gus$_", 'o') for 1 .. 3;
    is_deeply([$p->ask('end', 'e.1', 1)], [2], 'one of three');
    $p->becomes("gus$_", 'f') for 1 .. 3;
    is($p->redis->call('ZCARD', $p->key('ended')), 0, 'the rest is taken');
};

subtest 'many users' => sub {
    $p->node($_) for qw(f.1 f.2);
    my @users = map { "u$_" } 1 .. 2000;

    for my $node (qw(f.1 f.2)) {
        for (my $i = 0; $i < @users; $i += 200) {
            $p->report($node, map { $_ => [1, 1] } @users[$i .. $i + 199]);
        }
    }

    wait_until { $p->part('seen') >= 2000 };
    my $seen = $p->part('seen');
    is(($p->ask('renew', 'f.1', 600_000, 0))[0], 2000, 'at the first');
    is(($p->ask('count', $p->part('identity'), map { "t/$_" } @users))[0], 2000,
       'counted');
    expire('f.1');
    wait_until { $p->redis->call('EXISTS', $p->key('at:f.1')) == 0 };
    $p->pass;
    is($p->part('seen'), $seen + 1, 'they are at the second');
    expire('f.2');
    wait_until { $p->part('seen') <= $seen - 2000 + 1 };
    is(($p->ask('count', $p->part('identity'), map { "t/$_" } @users))[0], 0,
       'until that has ended, too');
};

subtest 'what is published is numbered' => sub {
    $p->node('g.1');
    $p->listen;
    my $n = $p->part('n');

    for my $i (1 .. 3) {
        $p->report('g.1', hal => [1, $i % 2]);
        $p->becomes('hal', $i % 2 ? 'o' : 'a');
    }

    my @heads = map { (split /\n/, $_->[1])[0] } $p->heard;
    my $epoch = $p->part('epoch');
    is_deeply(\@heads, [map { "$epoch " . ($n + $_) } 1 .. @heads],
              'one after the other');
    my (undef, undef, $now, $settled) = $p->ask('renew', 'g.1', 8000, 0);
    is($now, $n + @heads, 'a node is told the last one');
    is($settled, 1, 'and that it has settled');
};

done_testing;
