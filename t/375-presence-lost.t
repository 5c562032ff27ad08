# Redis starts anew, is emptied, comes back as an older copy, or stands still:
# nobody is told to be offline who is there, nor seen who is invisible.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);

use ChatTest;
use ChatTest::Command qw(must_run);
use ChatTest::Presence qw(presence_stack);

my $chat = ChatTest->new(presence_stack(presence => { grace => 1,
                                                      settle => 2 }));
$chat->start;

my $p = ChatTest::Presence->new($chat);
my $node = $p->node('n.1');


# Redis is stopped, something is done to its files, and it starts

sub restart ($change) {
    my $epoch = $p->part('epoch');

    $chat->part('redis')->stop;
    $change->();
    $chat->start_part('redis');
    $p->reconnect;
    wait_until { ($p->part('epoch') // $epoch) ne $epoch };

    return;
}


sub stored ($user, $choice) {
    wait_until {
        $chat->psql("SELECT choice FROM chat.presence WHERE user_id = '$user'")
            eq $choice;
    };

    return;
}


# Redis' clock, ms

sub now () {
    my ($s, $us) = @{ $p->redis->call('TIME') };

    return $s * 1000 + int $us / 1000;
}


sub settled () {
    return wait_until { $p->seen('nobody') ne 'closed' };
}


subtest 'a start with all that was there' => sub {
    $p->report($node, amy => [1, 1], bob => [1, 1], cat => [1, 1]);
    $p->set('bob', 'b', 'deep work');
    $p->set('cat', 'i', 'away from all');
    $p->becomes('amy', 'o');
    $p->becomes('bob', 'b');

    restart(sub { });
    my $amy = $p->seen('amy');
    ok($amy eq 'closed' || now() >= $p->part('opens'),
       'nothing is read at first');
    $p->node('n.2');
    $p->listen;
    $p->report('n.2', amy => [1, 1], bob => [1, 0], cat => [1, 1]);
    $p->ask('end', 'n.1', 1000);
    settled();
    is($p->becomes('amy', 'o'), 'o 0 ', 'as it was');
    is($p->becomes('bob', 'b'), 'b 0 deep work', 'with the choice');
    $p->pass;
    like($p->becomes('cat', 'f'), qr/^f/, 'invisible still');
    my @messages = $p->heard;
    is_deeply([grep { /^f/ } $p->lines_about($_, @messages)], [],
              "$_ was not told to be offline") for qw(amy bob);
    is_deeply([grep { /^[oab]/ } $p->lines_about('cat', @messages)], [],
              'nor the invisible one to be there');
};

subtest 'who does not come back goes, after it has settled' => sub {
    restart(sub { });
    $p->node('n.3');
    $p->report('n.3', amy => [1, 1]);
    $p->redis->call('ZADD', $p->key('nodes'), 1, 'n.2');
    my $settles = $p->part('settles');
    $p->becomes('bob', 'f');
    my ($s) = @{ $p->redis->call('TIME') };
    cmp_ok($s * 1000 + 999, '>=', $settles, 'not before');
    is($p->becomes('amy', 'o'), 'o 0 ', 'who did is there');
};

subtest 'it is emptied' => sub {
    stored('bob', 'busy');
    stored('cat', 'invisible');
    my $epoch = $p->part('epoch');
    restart(sub { remove_tree("$chat->{directory}/appendonlydir") });
    cmp_ok($p->part('epoch'), '>', $epoch, 'a new epoch');

    $p->node('n.4');
    $p->listen('cat');
    $p->report('n.4', map { $_ => [1, 1] } qw(amy bob cat));
    settled();
    is($p->becomes('amy', 'o'), 'o 0 ', 'online again');
    is($p->becomes('bob', 'b'), 'b 0 deep work', 'with the choice, loaded');
    $p->becomes('cat', 'f');
    $p->pass;
    my @messages = $p->heard;
    my %own = map { $_->[1] => 1 } grep { $_->[0] =~ /user/ } @messages;
    is_deeply([keys %own], ['self i away from all'],
              'the user is told what was loaded');
    is_deeply([grep { /^[oab]/ } $p->lines_about('cat', @messages)], [],
              'and is not seen');
};

subtest 'an older copy' => sub {
    $p->set('cat', 'o', 'no more hiding');
    $p->set('bob', 'o', 'open');
    stored($_, 'online') for qw(bob cat);
    must_run('cp', '-a', "$chat->{directory}/appendonlydir",
             "$chat->{directory}/copy");
    $p->set('cat', 'i', 'hiding again');
    $p->set('bob', 'b', 'shut');
    stored('bob', 'busy');
    stored('cat', 'invisible');

    restart(sub {
        remove_tree("$chat->{directory}/appendonlydir");
        must_run('mv', "$chat->{directory}/copy",
                 "$chat->{directory}/appendonlydir");
    });
    $p->node('n.5');
    $p->listen;
    $p->report('n.5', map { $_ => [1, 1] } qw(amy bob cat));
    settled();
    is($p->becomes('bob', 'b'), 'b 0 shut', 'the choice that was stored');
    $p->pass;
    like($p->becomes('cat', 'f'), qr/^f/, 'invisible');
    is_deeply([grep { /^[oab]/ } $p->lines_about('cat', $p->heard)], [],
              'nor was seen at any moment');
};

subtest 'it stands still for longer than leases' => sub {
    $p->listen;
    my ($s) = @{ $p->redis->call('TIME') };
    $p->ask('renew', 'n.5', 4000, 0);
    $chat->part('redis')->signal('STOP');
    wait_until { time > $s + 5 };
    $chat->part('redis')->signal('CONT');
    wait_until { $p->part('settles') > $s * 1000 + 5000 };
    my $standstill = $p->try('renew', 'n.5', 60_000, 0);
    is($standstill->[0], 'ok', 'its node is still there');
    $p->pass;
    is_deeply([grep { /^f/ } $p->lines_about('amy', $p->heard)], [],
              'and nobody went offline');
};

subtest 'until it has settled nobody goes offline who left before' => sub {
    my $settles = now() + 2500;

    $p->report('n.5', dot => [1, 1]);
    $p->becomes('dot', 'o');
    $p->redis->call('HSET', $p->key('part'), 'settles', $settles);
    $p->report('n.5', dot => [0, 0]);
    $p->becomes('dot', 'f');
    cmp_ok(now(), '>=', $settles, 'though the grace time was over');
};

done_testing;
