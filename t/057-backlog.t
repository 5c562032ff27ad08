# While chat-persist is away all that is said stays in Redis.  However much that
# is, a request costs Redis no more than usual, and nothing is missing later.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant {
    FEW     => 20,              # of which the mean is taken
    FULL    => 40,              # are more than Redis keeps without a need
    BACKLOG => 400,
    SIZE    => 30_000,
};

my $chat = ChatTest->new(workers => 1,
                         location => 'chat_request_timeout 1m;');
$chat->start;
$chat->create('lobby');

my $alice = $chat->connect(user => 'alice');
my $said = 0;


sub say_more ($n, $size = SIZE) {
    my @replies = $alice->say_all('lobby', map {
        "$_ " . 'x' x $size
    } $said + 1 .. $said + $n);

    $said += $n;

    return $replies[-1]{revision};
}


sub say_little () { return say_more(FEW, 1) }


sub look_back () {
    $alice->history('lobby', limit => 1) for 1 .. FEW;

    return;
}


# The milliseconds that Redis computes for one of FEW requests: how long they
# take depends on what else the machine does.

sub cost_of ($block) {
    my $before = computed();

    $block->();

    return (computed() - $before) / FEW;
}


sub computed () {
    my $info = $chat->redis_cli('INFO', 'cpu');
    my ($user) = $info =~ /^used_cpu_user_main_thread:([\d.]+)/m;
    my ($system) = $info =~ /^used_cpu_sys_main_thread:([\d.]+)/m;

    return 1000 * ($user + $system);
}


# that the messages are those with these numbers

sub messages_ok ($messages, $numbers, $what) {
    is_deeply([map { [$_->{sequenceNumber}, $_->{content} =~ /^(\d+) x/] }
                   @$messages],
              [map { [$_, $_] } @$numbers], $what);

    return;
}


# the events that Redis holds of the conversation

sub held () {
    my ($key) = split /\n/, $chat->redis_cli('KEYS', '*/lobby:hot');

    return $chat->redis_cli('XLEN', $key);
}


my %usual = (send => cost_of(\&say_little));

say_more(FULL);
$chat->wait_stored;
$usual{history} = cost_of(\&look_back);
$chat->kill('persist', 'TERM');

my $seen = say_more(BACKLOG - 6);

say_more(6);

subtest 'with a backlog a request costs what it costs otherwise' => sub {
    cmp_ok(held(), '>=', BACKLOG, 'Redis holds all of it');

    # what walks over more of it costs many times as much
    cmp_ok(cost_of(\&look_back), '<', 5 * $usual{history} + 1,
           'history.get of the last message');
    cmp_ok(cost_of(\&say_little), '<', 2.5 * $usual{send} + 0.4,
           'message.send');
};

subtest 'with a backlog the answers are right' => sub {
    my $last = $alice->history('lobby', limit => 3);

    messages_ok($last->{messages}, [$said - 2 .. $said], 'the last three');
    ok(!$last->{complete}, 'which are not all');

    my $middle = $said - BACKLOG / 2;
    messages_ok($alice->history('lobby', limit => 4,
                                beforeSequence => $middle)->{messages},
                [$middle - 4 .. $middle - 1], 'four of the middle');
    messages_ok($alice->history('lobby', limit => 4,
                                afterSequence => $middle)->{messages},
                [$middle + 1 .. $middle + 4], 'and the four after it');

    my $bob = $chat->connect(user => 'bob');
    messages_ok([map { $_->{data} } $bob->resume('lobby', $seen)],
                [$said - FEW - 5 .. $said], 'a client that was away resumes');
};

subtest 'when chat-persist is back everything is stored' => sub {
    $chat->start_part('persist');
    $chat->wait_stored(20);
    is($chat->psql(<<~'END'), "$said|$said|1|$said|0", 'every number once');
        SELECT count(*), count(DISTINCT sequence), min(sequence),
               max(sequence), sum((content #>> '{}' NOT LIKE
                                   sequence || ' x%')::int)
        FROM chat.message
        END
};

subtest 'then Redis lets go of it, and the answers are the same' => sub {
    say_more(FEW);
    cmp_ok(held(), '<', 2 * FULL, 'Redis holds the last ones');
    $chat->wait_stored;

    my $bob = $chat->connect(user => 'bob');
    messages_ok([map { $_->{data} } $bob->resume('lobby', $seen)],
                [$said - 2 * FEW - 5 .. $said], 'a resume');

    for my $first (1, 30, $said - 60, $said - 40, $said - 30) {
        messages_ok($alice->history('lobby', limit => 5,
                                    afterSequence => $first - 1)->{messages},
                    [$first .. $first + 4], "history from $first");
    }
};

done_testing;
