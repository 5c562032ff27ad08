# With whom a user shares a conversation: what chat-persist answers, what it costs
# PostgreSQL for users of thousands of conversations, and others who wait.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Compress::Zlib qw(crc32);

use ChatTest;
use ChatTest::Redis;

use constant { MANY => 3000, OTHERS => 200 };

my $chat = ChatTest->new(workers => 1);
$chat->start;

my %user = map { $_ => $chat->connect(user => $_) } qw(ada bob cy);
my $stranger = $chat->connect(user => 'ada', claims => { tid => 'other' });
my $redis = ChatTest::Redis->new($chat->{redis_socket});
my $hearing = ChatTest::Redis->new($chat->{redis_socket});
my $asked = 0;

$hearing->call('SUBSCRIBE', 'chat:node:test');


sub need_of ($partition) { return sprintf 'chat:{p%02d}:need', $partition }


# the answer: a digit for each; reads of others' answers are none of ours

sub shared ($user, $others, $tenant = 'default') {
    my $name = "$tenant/$user";

    $redis->call('XADD', need_of(crc32($name) % 16), '*', k => 'shared',
                 n => 'test', i => ++$asked, c => $name, u => $user,
                 v => join ',', @$others);

    my $payload = $hearing->hear->[2];

    return $payload =~ /^range $asked ok 1 0\n0 0 \. \d+\n([01]*)\n\z/
        ? $1 : $payload;
}


sub create ($type, @members) {
    return $user{ada}->insist('conversation.create', {
        type => $type, members => \@members,
        $type eq 'dm' ? () : (clientId => uuid()),
    })->{conversationId};
}


subtest 'who shares what' => sub {
    is(shared('ada', [qw(bob cy)]), '00', 'nobody shares anything yet');

    my $channel = create('channel', qw(bob cy));
    is(shared('ada', [qw(bob cy)]), '00', 'a channel is nothing to share');

    my $dm = create('dm', 'bob');
    is(shared('ada', [qw(cy bob cy nobody NULL)]), '01000',
       'a dm is; the answer is in the order asked');
    is(shared('bob', ['ada']), '1', 'from both sides');
    is(shared('ada', ['bob'], 'other'), '0', 'another tenant is another world');

    my $group = create('group', 'cy');
    is(shared('ada', [qw(bob cy)]), '11', 'so is a group');
    is(shared('bob', [qw(ada cy)]), '10', 'with its members alone');

    $user{ada}->insist('member.update', { conversationId => $group,
        userId => 'cy', role => 'blocked' });
    is(shared('ada', ['cy']) . shared('cy', ['ada']), '00',
       'one who is blocked shares nothing');

    $user{ada}->insist('member.update', { conversationId => $group,
        userId => 'cy', role => 'member' });
    is(shared('ada', ['cy']), '1', 'until that is lifted');

    $user{ada}->insist('member.remove', { conversationId => $group,
        userId => 'cy' });
    is(shared('ada', ['cy']), '0', 'nor does one who is out');

    $user{ada}->insist('member.add', { conversationId => $group,
        userId => 'cy' });
    $user{ada}->insist('conversation.delete', { conversationId => $group });
    is(shared('ada', [qw(cy bob)]), '01', 'nor who was in what is deleted');
};


subtest 'many ask' => sub {
    my @ask = (n => 'test', c => 'default/ada', u => 'ada');
    my ($answered, $listed) = (0);

    # in each partition, as few as are read at a time
    $chat->freeze('persist');
    $redis->call('XADD', need_of(int $_ / 7), '*', @ask, k => 'shared',
                 i => ++$asked, v => join ',', ('bob') x 200) for 0 .. 111;
    $redis->call('XADD', need_of(15), '*', @ask, k => 'list', i => 'list',
                 a => '', m => 10, l => 10_000);
    $chat->thaw('persist');

    for (0 .. 112) {
        my ($number) = $hearing->hear->[2] =~ /^range (\w+) ok/;

        if ($number eq 'list') {
            $listed = $answered;
        } else {
            $answered++;
        }
    }

    cmp_ok($listed, '<', 40, 'a list does not wait for all of them');
    is($answered, 112, 'nor is any of them left out');
};


# the statement that chat-persist prepares

sub statement () {
    open my $source, '<', "$FindBin::Bin/../workers/persist/shared.c"
        or die "cannot read shared.c: $!";
    my ($literals) = do { local $/; <$source> }
        =~ /sql_shared\[\] =\n(.*?);\n/s;

    return join '', map { s/\\\\/\\/gr } $literals =~ /"((?:[^"\\]|\\.)*)"/g;
}


# the plan that is made without a look at the parameters, and what it reads

sub plan_of ($user, @others) {
    my $others = join ',', @others;

    return $chat->psql('PREPARE s (text, text, text) AS ' . statement()
        . '; SET plan_cache_mode = force_generic_plan;'
        . ' EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF)'
        . " EXECUTE s ('default', '$user', '$others')");
}


sub pages_of ($plan) {
    my ($pages) = $plan =~ /Buffers: ([^\n]*)/;
    my $sum = 0;

    $sum += $1 while $pages =~ /(?:hit|read)=(\d+)/g;

    return $sum;
}


subtest 'users of many conversations' => sub {
    my $rooms = 10 * MANY;

    $chat->psql("INSERT INTO chat.conversation (conversation_key, tenant_id,
            conversation_id, name, p, type, created_by, created_at,
            last_sequence, revision, created_revision)
        SELECT md5('k' || i)::uuid, 'default', 'c' || i, '', i % 16, 'group',
            'x', now(), 0, 1, 1 FROM generate_series(1, $rooms) i");

    # the big ones have the same many, small ones a few of those, others
    # neither
    for my $kind ([big => 1, MANY, 20], [small => 1, 10, OTHERS],
                  [apart => MANY + 1, MANY + 10, OTHERS],
                  [far => MANY + 11, 2 * MANY, 20])
    {
        my ($name, $from, $to, $users) = @$kind;

        $chat->psql("INSERT INTO chat.member (conversation_key, user_id,
                tenant_id, role, joined_at, joined_revision)
            SELECT md5('k' || i)::uuid, '$name' || u, 'default', 'member',
                now(), 0 FROM generate_series($from, $to) i,
                generate_series(1, $users) u");
    }

    $chat->psql('VACUUM ANALYZE chat.circle');

    my @small = map { "small$_" } 1 .. OTHERS;
    my @apart = map { "apart$_" } 1 .. OTHERS;
    my @far = map { "far$_" } 1 .. 20;

    is(shared('big1', \@small), '1' x OTHERS, 'a big one and small ones');
    is(shared('big1', \@apart), '0' x OTHERS, 'and small ones apart');
    is(shared('big1', \@far), '0' x 20, 'and big ones');
    is(shared('small1', [qw(big1 far1 apart1 small2)]), '1001', 'a small one');

    for my $case (['big1', 6 * MANY, @small], ['big1', 6 * MANY, @apart],
                  ['big1', 12 * MANY, @far], ['small1', 40 * OTHERS, @apart],
                  ['small1', 80 * 20, @far])
    {
        my ($user, $most, @others) = @$case;
        my $plan = plan_of($user, @others);

        unlike($plan, qr/Seq Scan on (?:circle|member|conversation)/,
               "$user and $others[0]: no table is read through") or note $plan;
        cmp_ok(pages_of($plan), '<', $most, "fewer than $most pages");
    }
};

done_testing;
