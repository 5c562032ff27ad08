# chat-persist stores many events in one transaction, a statement for each kind
# of them.  What the tables hold in the end must be what the events would have
# left one by one, wherever the transactions begin and end.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Append;
use ChatTest::Log;
use ChatTest::Redis;

use constant { PARTITIONS => 3, ROUNDS => 4, OPERATIONS => 2000 };

my $chat = ChatTest->new(partitions => PARTITIONS);
$chat->start_part($_) for qw(redis postgres);
$chat->chatctl_must('migrate');
$chat->start_part('persist');

my $redis = ChatTest::Redis->new("$chat->{redis_socket}");

wait_until {
    !grep {
        !$redis->call('HEXISTS', sprintf('chat:{p%02d}:part', $_), 'identity')
    } 0 .. PARTITIONS - 1;
};
$chat->kill('persist', 'TERM');

my $seed = $ENV{SEED} // int rand 1e6;
my $log = ChatTest::Log->new;
my $append = ChatTest::Append->new(redis => $redis, partitions => PARTITIONS);

note "seed $seed";
srand $seed;


# one round: operations, and what they have left in the logs

sub run_round () {
    my %answers;

    for ($redis->call_all(map { $append->any_call } 1 .. OPERATIONS)) {
        BAIL_OUT("Redis said: $$_") if ref $_ eq 'SCALAR';
        $answers{ $_->[0] }++;
    }

    note join ', ', map { "$_ $answers{$_}" } sort keys %answers;

    return;
}


# everything in the logs, also into the model

sub read_logs () {
    my $n = 0;

    for my $p (0 .. PARTITIONS - 1) {
        my $key = sprintf 'chat:{p%02d}:log', $p;

        for (@{ $redis->call('XRANGE', $key, '-', '+') }) {
            $log->take(@{ $_->[1] });
            $n++;
        }
    }

    return $n;
}


# but for the marks, which have a time of their own

sub rows_ok ($table) {
    my @rows = sort split /\n/, $chat->psql($log->select($table));
    my @expected = $log->rows($table);

    if ($table eq 'member') {
        s/^((?:[^|]*\|){3})\d+\|\d+/$1/ for @rows, @expected;
    }

    is_deeply(\@rows, \@expected, sprintf '%d rows of %s', scalar @expected,
              $table);

    return;
}


$redis->call_all($append->create_calls);

for my $round (1 .. ROUNDS) {
    subtest "round $round" => sub {
        run_round();

        my $n = read_logs();
        cmp_ok($n, '>', OPERATIONS / 10, "$n events are in the logs");

        $chat->start_part('persist');

        # killed in the middle of it, every other time
        if ($round % 2) {
            wait_until { $chat->psql('SELECT count(*) FROM chat.message') };
            $chat->kill('persist');
            $chat->start_part('persist');
        }

        $chat->wait_stored(20);
        $chat->kill('persist', 'TERM');
        rows_ok($_) for $log->tables;
    };
}

subtest 'what is left of conversations that were deleted is erased' => sub {
    $chat->start_part('persist');
    wait_until { $chat->psql('SELECT count(*) FROM chat.erasure') eq '0' } 30;

    for my $table (qw(message member reaction mention)) {
        is($chat->psql(<<~"END"), 0, $table);
            SELECT count(*) FROM chat.$table t WHERE NOT EXISTS
            (SELECT FROM chat.conversation c WHERE deleted_at IS NULL
             AND c.conversation_key = t.conversation_key)
            END
    }

    is($chat->psql(<<~'END'), 0, 'versions');
        SELECT count(*) FROM chat.message_version v
        LEFT JOIN chat.message m ON m.p = v.p AND m.id = v.message_id
        WHERE m.id IS NULL OR m.deleted_at IS NOT NULL
        END
};

is($chat->psql('SELECT count(*) FROM chat.dead_letter'), 0, 'no dead letter');

done_testing;
