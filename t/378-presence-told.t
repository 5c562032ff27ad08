# What chat-presence tells of itself over HTTP, and what chatctl tells of it and
# of users.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Metrics qw(parse_metrics);
use ChatTest::Port qw(take_port);
use ChatTest::Presence;

use constant { OK => 0, FAILED => 1, USAGE => 2, UNAVAILABLE => 4 };

my ($port, $lock) = take_port;
my $chat = ChatTest->new(
    with       => [qw(redis postgres persist presence)],
    partitions => 1,
    http       => 'chat_partitions 1;',
    presence   => { grace => 1 },
    settings   => { CHAT_PRESENCE_STATUS_LISTEN => "127.0.0.1:$port" },
);

$chat->start;

my $p = ChatTest::Presence->new($chat);
my $node = $p->node('n.1');


sub ask ($path) { return $chat->http(port => $port, path => $path) }
sub metrics ()  { return (parse_metrics(ask('/metrics')->body))[0] }


sub metric_becomes ($name, $test) {
    my $value;

    eval { wait_until { $test->(local $_ = $value = metrics()->{$name} // -1) } }
        or return fail("$name is $value");

    return pass("$name");
}


# as users of the tenant "default", whom chatctl means

sub report ($user, $n, $active) {
    return $p->ask('report', $node, 600_000, "default/$user", $n, $active);
}


sub told ($user) {
    my ($code, $text) = $chat->chatctl('presence', $user, '--json');

    return $code == OK ? decode($text) : $code;
}


subtest 'metrics' => sub {
    is(ask('/healthz')->status, 200, 'alive');
    is(ask('/readyz')->status, 200, 'ready');
    is_deeply(decode(ask('/readyz')->body)->{partitions},
              { share => 1, held => 1, all => 1 }, 'why');

    my ($before, $type) = parse_metrics(ask('/metrics')->body);
    is($type->{chat_presence_tick_seconds}, 'histogram', 'a histogram');

    open my $file, '<', "$FindBin::Bin/../docs/operations.md" or die $!;
    my $docs = do { local $/; <$file> };
    like($docs, qr/`\Q$_\E[`{]/, "$_ is documented")
        for sort grep { /^chat_/ } keys %$type;

    report(amy => 1, 1);
    metric_becomes('chat_presence_users_seen',
                   sub { $_ > $before->{chat_presence_users_seen} });
    metric_becomes('chat_presence_changes_total{to="online"}', sub { $_ >= 1 });
    metric_becomes('chat_presence_loaded_total', sub { $_ >= 1 });
    report(amy => 0, 0);
    metric_becomes('chat_presence_changes_total{to="offline"}', sub { $_ >= 1 });
    metric_becomes('chat_presence_stored_total', sub { $_ >= 1 });
    metric_becomes('chat_presence_users_unstored', sub { $_ == 0 });
    is(metrics()->{chat_presence_holders}, 1, 'alone');
    is(metrics()->{'chat_presence_link_up{link="redis"}'}, 1, 'a link');
};

subtest 'chatctl presence of a user' => sub {
    report(bob => 2, 1);
    $p->ask('set', 'default/bob', 'b', 'a \"talk\"');
    wait_until { told('bob')->{status} eq 'busy' };
    is_deeply(told('bob'), {
        userId => 'bob', status => 'busy', lastSeen => undef,
        text => 'a "talk"', choice => 'busy', choiceText => 'a "talk"',
        nodes => [{ node => $node, sessions => 2, active => 1 }],
    }, 'as an object');
    is($chat->chatctl_must('presence', 'bob') =~ s/ +/ /gr, <<~'END', 'for people');
        seen as busy
        last seen -
        choice busy
        text a "talk"
        nodes n.1: 2 sessions, 1 active
        END

    # a client's cannot hold these, but a terminal is no place to rely on it

    $p->ask('set', 'default/bob', 'b',
            '\u0041\/\u00e9 \u001b[2J\n\u009bx\u202ey\u2066z\u007f.');
    wait_until { told('bob')->{text} =~ /^A/ };
    my ($line) = $chat->chatctl_must('presence', 'bob') =~ /^text +(.*)$/m;
    is($line, "A/\xc3\xa9  [2J  x y z .", 'escapes as what they mean, and '
       . 'nothing that steers a terminal');

    $p->ask('set', 'default/bob', 'i', 'hidden');
    wait_until { told('bob')->{status} eq 'offline' };
    my $bob = told('bob');
    is($bob->{choice}, 'invisible', 'what others do not see');
    like($bob->{lastSeen}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'time');
    ok(!exists $bob->{text}, 'and no text');

    is_deeply(told('nobody'), { userId => 'nobody', status => 'offline',
                                lastSeen => undef, choice => 'online',
                                nodes => [] }, 'one who never was there');
    is(told('no/body'), USAGE, 'no id');
    is(($chat->chatctl('presence'))[0], USAGE, 'nobody');
};

subtest 'chatctl presence of a conversation' => sub {
    $chat->chatctl_must('conversation', 'create', '--type', 'group',
                        '--id', 'team', '--owner', 'amy',
                        '--member', 'bob', '--member', 'cat');
    report(cat => 1, 0);
    wait_until {
        my $told = told('team');
        ($told->{size} // 0) == 3 && $told->{online} == 1;
    };
    my $told = told('team');
    is_deeply([map { "$_->{userId} $_->{status}" } @{ $told->{members} }],
              ['amy offline', 'bob offline', 'cat away'], 'members');
    like($chat->chatctl_must('presence', 'team'),
         qr/\A1 of 3 members are there\namy +offline .*Z *\n.*^cat +away/ms,
         'for people');
};

subtest 'chat-presence is away' => sub {
    like($chat->chatctl_must('status'),
         qr/^Presence    ok, 1 chat-presence, 1 of 1 partitions held$/m, 'status');
    like($chat->chatctl_must('doctor'),
         qr/^ok       chat-presence 1 runs, and holds all partitions$/m, 'doctor');

    is($chat->part('presence')->stop, 0, 'it ends');
    my ($code, $text) = $chat->chatctl('status');
    is($code, FAILED, 'status');
    like($text, qr/^Presence    nobody tells it, 0 chat-presence, 0 of 1 /m,
         'and why');
    ($code, $text) = $chat->chatctl('doctor');
    is($code, FAILED, 'doctor');
    like($text, qr/^fault    chat-presence none runs that reaches Redis$/m,
         'and why');
    is(told('bob')->{status}, 'offline', 'what is known is told');
    is(($chat->chatctl('presence', 'new', '--wait', 1))[0], UNAVAILABLE,
       'what is not, is not');
    $chat->start_part('presence');
};

done_testing;
