# A chat-persist that is stopped (SIGSTOP) in the middle of a transaction, for
# longer than its lease, and goes on: others have its share meanwhile, and it
# does no harm, neither in PostgreSQL nor in Redis.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Compress::Zlib qw(crc32);

use ChatTest;

use constant {
    PARTITIONS => 16,
    FEW        => 16,           # entries of a batch on a new link
    BIG        => 60_000,       # bytes: so many fill the buffers of a socket
};

# it reads nothing while a holder is stopped
my $chat = ChatTest->new(workers => 1, location => 'chat_send_queue 8m;');
$chat->start;
$chat->create('lobby');

my $partition = crc32('default/lobby') % PARTITIONS;
my $alice = $chat->connect(user => 'alice');
my @holders = ($chat->part('persist'),
               $chat->command('persist-2', 'chat-persist')->start);
my $said = 0;

$alice->join('lobby');

# While there is a row in chat.hold, whatever moves a position waits for it to
# go, in the middle of its transaction.

$chat->psql(<<~'END');
    CREATE TABLE chat.hold (n integer);
    CREATE FUNCTION chat.hold() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        WHILE EXISTS (SELECT FROM chat.hold) LOOP
            PERFORM pg_sleep(0.02);
        END LOOP;
        RETURN NEW;
    END $$;
    CREATE TRIGGER hold BEFORE UPDATE ON chat.partition FOR EACH ROW
    WHEN (OLD.stored_id <> NEW.stored_id) EXECUTE FUNCTION chat.hold();
    END

sub hold ()  { return $chat->psql('INSERT INTO chat.hold VALUES (1)') }
sub go_on () { return $chat->psql('DELETE FROM chat.hold') }


# the process that waits there

sub waiting () {
    return by_name($chat->psql("SELECT application_name FROM pg_stat_activity
                                WHERE wait_event = 'PgSleep'"));
}


sub holder_of ($p) {
    return $chat->psql("SELECT holder FROM chat.partition WHERE p = $p");
}


# the process that holds the partition

sub holder () { return by_name(holder_of($partition)) }


sub by_name ($name) {
    my (undef, $pid) = split /:/, $name;

    return (grep { $_->{pid} == ($pid // 0) } @holders)[0];
}


sub say_some ($n, $size) {
    $alice->say_all('lobby', map { 'x' x $size } 1 .. $n);
    $said += $n;

    return;
}


sub stored () {
    return $chat->psql('SELECT count(*), count(DISTINCT sequence),
                               coalesce(max(sequence), 0) FROM chat.message');
}


sub all_stored_ok ($title) {
    $chat->wait_stored(20);
    is(stored(), join('|', ($said) x 3), $title);

    return;
}


# Sent while nobody reads, so that it is one batch.  Who holds the partition then
# may be the other one, if it took longer than a lease.

sub stop_in_the_middle ($n, $size) {
    my $holder = holder();

    $holder->signal('STOP');
    hold();
    say_some($n, $size);
    $holder->signal('CONT');
    $holder = wait_until { waiting() };
    wait_until { asleep($holder->{pid}) };
    $holder->signal('STOP');

    return $holder;
}


# whether it is blocked, at five looks in a row

sub asleep ($pid) {
    for (1 .. 5) {
        open my $file, '<', "/proc/$pid/stat" or return 0;
        return 0 if <$file> !~ /\) S /;
        select my $none = undef, my $no_one = undef, undef, 0.01;
    }

    return 1;
}


wait_until { $chat->psql('SELECT count(DISTINCT holder)
                          FROM chat.partition') == 2 } 15;

subtest 'stopped when half of a transaction was sent' => sub {
    my $before = stored();
    my $stopped = stop_in_the_middle(FEW, BIG);

    go_on();
    wait_until { (holder() // $stopped) != $stopped } 15;
    all_stored_ok('another has stored everything');

    $stopped->signal('CONT');
    say_some(5, 10);
    all_stored_ok('and nothing twice when it goes on');
};

subtest 'stopped when all of a transaction was sent' => sub {
    wait_until { $chat->psql('SELECT count(DISTINCT holder)
                              FROM chat.partition') == 2 } 15;
    my $stopped = stop_in_the_middle(3, 10);
    my $name = holder_of($partition);

    wait_until { $chat->psql("SELECT count(*) FROM chat.partition
                              WHERE holder = '$name'") == 1 } 15;
    is(holder_of($partition), $name, 'what PostgreSQL works at stays');

    go_on();
    wait_until { (holder() // $stopped) != $stopped } 15;
    all_stored_ok('it was stored, and another goes on behind it');
    say_some(5, 10);
    all_stored_ok('at once');

    my $fence = $chat->redis_cli('HGET', sprintf('chat:{p%02d}:part',
                                                 $partition), 'fence');

    $stopped->signal('CONT');
    say_some(5, 10);
    all_stored_ok('and nothing twice when it goes on');
    wait_until { $chat->psql('SELECT count(DISTINCT holder)
                              FROM chat.partition') == 2 } 15;
    say_some(5, 10);
    all_stored_ok('and when it has its share again');
    cmp_ok($chat->redis_cli('HGET', sprintf('chat:{p%02d}:part', $partition),
                            'fence'), '>=', $fence,
           'the fence in Redis did not go back');
};

subtest 'alice heard everything once, in order' => sub {
    is_deeply([map { $alice->hear('lobby')->{sequenceNumber} } 1 .. $said],
              [1 .. $said], 'in order');
    is($chat->psql('SELECT count(*) FROM chat.dead_letter'), 0,
       'no dead letter');
    is($chat->psql('SELECT count(*) FROM chat.partition
                    WHERE stopped IS NOT NULL'), 0, 'no partition stopped');
};

$_->end for grep { $_ != $chat->part('persist') } @holders;

done_testing;
