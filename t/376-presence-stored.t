# What PostgreSQL keeps of users, and what is seen of them while it is away.

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
my $amy;                                # as she was last seen


sub row ($user) {
    return $chat->psql('SELECT choice, text, version > 0, last_seen IS NOT NULL'
                       . " FROM chat.presence WHERE user_id = '$user'");
}


sub stored ($user, $row, $name) {
    my $ok = eval { wait_until { row($user) eq $row } };

    return ok($ok, $name) || diag(row($user));
}


sub forgotten (@users) {
    return wait_until {
        !grep { $_ } map { $p->redis->call('HEXISTS', $p->key('users'), "t/$_") }
            @users;
    };
}


subtest 'choices and last seen are stored' => sub {
    $p->report($node, map { $_ => [1, 1] } qw(amy bob));
    $p->set('bob', 'b', 'in a \"meeting\"');
    stored('bob', 'busy|in a \"meeting\"|t|f', 'a choice');
    $p->becomes('amy', 'o');
    is(row('amy'), '', 'who is seen needs no row');

    $p->report($node, map { $_ => [0, 0] } qw(amy bob));
    $amy = $p->becomes('amy', 'f');
    stored('amy', 'online||f|t', 'when last seen');
    stored('bob', 'busy|in a \"meeting\"|t|t', 'of both');
    my ($last) = $amy =~ /(\d+)/;
    is($chat->psql('SELECT (extract(epoch FROM last_seen) * 1000)::bigint'
                   . " FROM chat.presence WHERE user_id = 'amy'"), $last,
       'to the millisecond');
};

subtest 'who is gone is forgotten, and loaded again' => sub {
    ok(forgotten(qw(amy bob)), 'forgotten');
    is($p->seen('amy'), '', 'not known at first');
    my $again;
    wait_until { $again = $p->seen('amy') };
    is($again, $amy, 'then the same as before');
    $p->report($node, bob => [1, 1]);
    is($p->becomes('bob', 'b'), 'b 0 in a \"meeting\"', 'and the choice');
    $p->report($node, bob => [0, 0]);
    forgotten('amy');
};

subtest 'who was invisible, and left before that was known' => sub {
    my $last = sub {
        $chat->psql('SELECT last_seen FROM chat.presence WHERE user_id = $$hal$$');
    };

    $p->report($node, hal => [1, 1]);
    $p->becomes('hal', 'o');
    $p->set('hal', 'i', '');
    $p->becomes('hal', 'f');
    stored('hal', 'invisible||t|t', 'last seen when it became so');
    $p->report($node, hal => [0, 0]);
    ok(forgotten('hal'), 'forgotten');

    my $before = $last->();

    $chat->freeze('presence');
    $p->report($node, hal => [1, 1]);
    $p->report($node, hal => [0, 0]);
    $chat->thaw('presence');
    ok(wait_until { !$p->redis->call('HEXISTS', $p->key('users'), 't/hal') },
       'loaded, and forgotten again');
    is($last->(), $before, 'nobody learns that it was there');
};

subtest 'PostgreSQL is away' => sub {
    $p->set('cat', 'i', 'hidden');
    stored('cat', 'invisible|hidden|t|f', 'one is invisible');
    forgotten(qw(cat bob));
    $chat->part('postgres')->stop;
    $p->listen;

    $p->report($node, map { $_ => [1, 1] } qw(amy cat dan));
    $p->set('dan', 'a', 'chosen now');
    is($p->becomes('dan', 'a'), 'a 0 chosen now',
       'whose choice is known can be seen');
    is($p->seen($_), '', "not $_, who could be invisible") for qw(amy cat);
    is($p->report($node, cat => [1, 1], amy => [1, 1]), '??', 'says so');
    $p->report($node, dan => [0, 0]);
    like($p->becomes('dan', 'f'), qr/^f \d+ $/, 'and goes offline');

    $p->listen('cat');
    $chat->start_part('postgres');
    is($p->becomes('amy', 'o'), 'o 0 ', 'the others when it is back');
    is($p->becomes('cat', 'f'), 'f 0 ', 'but not who is invisible');
    my @messages = $p->heard;
    is_deeply([grep { /^[oab]/ } $p->lines_about('cat', @messages)], [],
              'who was never seen');
    my %own = map { $_->[1] => 1 } grep { $_->[0] =~ /user/ } @messages;
    is_deeply([keys %own], ['self i hidden'], 'and is told its own choice');
    stored('dan', 'away|chosen now|t|t', 'what happened meanwhile is stored');
};

subtest 'PostgreSQL stands still' => sub {
    $p->report($node, eve => [1, 1]);
    $p->becomes('eve', 'o');
    $chat->part('postgres')->signal('STOP');
    $p->set('eve', 'b', 'while it sleeps');
    is($p->becomes('eve', 'b'), 'b 0 while it sleeps', 'changes are told');
    $p->report($node, eve => [0, 0]);
    like($p->becomes('eve', 'f'), qr/^f \d+ $/, 'to the end');
    $chat->part('postgres')->signal('CONT');
    stored('eve', 'busy|while it sleeps|t|t', 'and stored afterwards');
};

subtest 'killed before it has stored' => sub {
    $p->report($node, fay => [1, 1]);
    $p->becomes('fay', 'o');
    $chat->part('presence')->signal('KILL');
    $chat->part('presence')->wait_end;
    $p->set('fay', 'i', 'quick');
    $p->report($node, fay => [0, 0]);
    is(row('fay'), '', 'nothing is stored');
    $chat->start_part('presence');
    $p->becomes('fay', 'f');
    stored('fay', 'invisible|quick|t|t', 'the next one does');
};

subtest 'the newest choice wins' => sub {
    my $store = sub ($choice, $version, $seen) {
        $chat->psql("SELECT chat.presence_store('{t}', '{gus}', '{$choice}',"
                    . " '{$choice}', '{$version}', '{$seen}')");
        return $chat->psql('SELECT choice, text, version,'
            . ' (extract(epoch FROM last_seen) * 1000)::bigint'
            . " FROM chat.presence WHERE user_id = 'gus'");
    };

    is($store->('b', 10, 0), 'busy|b|10|', 'the first');
    is($store->('a', 9, 500), 'busy|b|10|500', 'an older one, seen later');
    is($store->('i', 11, 400), 'invisible|i|11|500', 'a newer one');
    is($store->('i', 11, 400), 'invisible|i|11|500', 'once more');
};

done_testing;
