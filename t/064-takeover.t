# Several chat-persists: what one holds another takes over when it is killed or
# does not answer, and nothing is stored twice when it comes back to life.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers => 1);
$chat->start;
$chat->create('lobby');

my $alice = $chat->connect(user => 'alice');
my $second = $chat->command('persist-2', 'chat-persist');

$second->start;
$alice->join('lobby');


# how many partitions are held by whom

sub holders () {
    return split /\n/, $chat->psql(<<~'END');
        SELECT DISTINCT holder FROM chat.partition
        WHERE lease_until > now()
        END
}


sub stored () {
    return $chat->psql('SELECT count(*), max(sequence) FROM chat.message');
}


subtest 'a second one stands by, or takes its share' => sub {
    $alice->say_all('lobby', map { "one of two $_" } 1 .. 50);
    $chat->wait_stored;
    is(stored(), '50|50', 'everything is stored once');
};

subtest 'a PostgreSQL that is slow is not taken for a dead holder' => sub {
    $chat->psql(<<~'END');
        CREATE FUNCTION chat.slow() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_sleep(4.5); RETURN NULL; END';
        CREATE TRIGGER slow BEFORE INSERT ON chat.message
        FOR EACH STATEMENT EXECUTE FUNCTION chat.slow();
        END
    $alice->say('lobby', 'slowly');
    $chat->wait_stored;
    $chat->psql('DROP TRIGGER slow ON chat.message');
    is(stored(), '51|51', 'longer than a lease, and stored at once');
};

subtest 'when one is frozen, the other takes over' => sub {
    $chat->freeze('persist');
    $alice->say_all('lobby', map { "frozen $_" } 1 .. 50);
    $chat->wait_stored(20);
    is(stored(), '101|101', 'everything is stored once');
    ok(eval { wait_until { holders() == 1 } }, 'by one holder');
};

subtest 'and when it thaws, it does no harm' => sub {
    $chat->thaw('persist');
    $alice->say_all('lobby', map { "thawed $_" } 1 .. 50);
    $chat->wait_stored(20);
    is(stored(), '151|151', 'everything is stored once');
};

subtest 'when one is killed, the other takes over' => sub {
    $chat->kill('persist');
    $alice->say_all('lobby', map { "killed $_" } 1 .. 50);
    $chat->wait_stored(20);
    is(stored(), '201|201', 'everything is stored once');
};

subtest 'and when the other stops, the first one goes on' => sub {
    $chat->restart('persist');
    $second->end;
    is($second->{status}, 0, 'it stops cleanly');

    $alice->say_all('lobby', map { "stopped $_" } 1 .. 50);
    $chat->wait_stored(20);
    is(stored(), '251|251', 'everything is stored once');
};

subtest 'alice heard it all, and nothing was set aside' => sub {
    my @heard = map { $alice->hear('lobby')->{sequenceNumber} } 1 .. 251;

    is_deeply(\@heard, [1 .. 251], 'in order');
    is($chat->psql('SELECT count(*) FROM chat.dead_letter'), 0,
       'no dead letter');
    is($chat->psql('SELECT count(*) FROM chat.partition
                    WHERE stopped IS NOT NULL'), 0, 'no partition stopped');
};

done_testing;
