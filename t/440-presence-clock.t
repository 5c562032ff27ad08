# The clock of Redis is set back by an hour.  All that Redis holds is moved by an
# hour instead, which looks the same: leases, who is due, when users go offline.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Presence qw(presence_stack);

use constant { HOUR => 3_600_000, LEASE => 3000 };

my $chat = ChatTest->new(presence_stack(
    presence => { grace => 6, settle => 1 },
));
$chat->start;

my $p = ChatTest::Presence->new($chat);

my $set_back = <<'END';
    local prefix, ms = KEYS[1], ARGV[1]
    local users = redis.call('HGETALL', prefix .. 'users')

    for _, name in ipairs({ 'taken', 'settles', 'opens', 'until' }) do
        redis.call('HINCRBY', prefix .. 'part', name, ms)
    end

    for _, name in ipairs({ 'nodes', 'due' }) do
        for _, member in ipairs(redis.call('ZRANGE', prefix .. name, 0, -1)) do
            redis.call('ZINCRBY', prefix .. name, ms, member)
        end
    end

    for i = 1, #users, 2 do
        local head, ends, rest = string.match(users[i + 1],
                                              '^(.... %d+ %d+) (%d+)(.*)$')

        if ends ~= '0' then
            redis.call('HSET', prefix .. 'users', users[i],
                       head .. string.format(' %d', ends + ms) .. rest)
        end
    end
END


$p->node($_) for qw(alive dead);
$p->report('alive', amy => [1, 1], bob => [1, 1]);
$p->report('dead', cat => [1, 1]);
$p->becomes($_, 'o') for qw(amy bob cat);

# bob is gone, and others are not to know yet; a node is heard of for the last
# time; then the clock is set back, and the other one goes on

$p->ask('renew', 'dead', LEASE, 0);
$p->report('alive', bob => [0, 0]);
$p->redis->call('EVAL', $set_back, 1, $p->key(''), HOUR);
$p->report('alive', amy => [1, 1]);

$p->becomes('bob', 'f');
pass('who was gone goes offline');
$p->becomes('cat', 'f');
pass('so does who was at a node that is dead');
is($p->seen('amy'), 'o 0 ', 'not who is there');
$p->pass;
pass('who comes then is seen');

done_testing;
