# Nobody can tell who is invisible from who has left: not by what Redis holds,
# and for how long, nor while a node does not hear what was chosen.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Presence qw(presence_stack);

my $chat = ChatTest->new(presence_stack(presence => { grace => 1,
                                                      forget => 1 }));
$chat->start;

my $p = ChatTest::Presence->new($chat);
my $node = $p->node('n.1');


sub is_known ($user) {
    return $p->redis->call('HEXISTS', $p->key('users'), "t/$user");
}


# Waits until the user is told to be offline, without a read; returns the line.

sub vanishes ($user) {
    my @lines;

    wait_until {
        push @lines, grep { /^f / } $p->lines_about($user, $p->heard);
        @lines;
    };

    return $lines[0];
}


# reads until the user is known; returns what was read first and last

sub reads ($user) {
    my $first = $p->seen($user);
    my $last;

    wait_until { $last = $p->seen($user) };

    return ($first, $last);
}


$p->report($node, map { $_ => [1, 1] } qw(gone hidden));
$p->becomes($_, 'o') for qw(gone hidden);
$p->listen('hidden');
$p->set('hidden', 'i', 'secret');
my $hidden = vanishes('hidden');
$p->report($node, gone => [0, 0]);
my $gone = vanishes('gone');

subtest 'who was not there for long is loaded when somebody asks' => sub {
    wait_until { !is_known('gone') };
    is_deeply([reads('gone')], ['', $gone], 'who has left');
    is(vanishes('gone'), $gone, 'which is told once more');
    is_deeply([reads('hidden')], ['', $hidden], 'and who is invisible');

    is(vanishes('hidden'), $hidden, 'likewise');
    is($p->report($node, hidden => [2, 2]), 'I', 'the choice stands');
};

subtest 'who comes, and is invisible' => sub {
    $p->report($node, hidden => [0, 0]);
    wait_until { !is_known('hidden') };
    ok(1, 'is forgotten after leaving');

    $p->report($node, hidden => [1, 1]);
    wait_until { $p->report($node, hidden => [1, 1]) eq 'I' };
    is_deeply([reads('hidden')], ['', $hidden], 'is loaded, too');
};

subtest 'who is not invisible any more' => sub {
    $p->set('hidden', 'o');
    is($p->becomes('hidden', 'o'), 'o 0 ', 'is seen');
    $p->report($node, hidden => [0, 0]);
    $p->becomes('hidden', 'f');
    wait_until { !is_known('hidden') };
    ok(1, 'and is forgotten in the end');
};

done_testing;
