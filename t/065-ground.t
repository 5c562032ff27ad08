# chat-persist when the ground moves under it: links break, calls come late, a
# predecessor was killed half way, PostgreSQL goes back in time.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new;
$chat->start;
$chat->create('lobby');

my $alice = $chat->connect(user => 'alice');
$alice->join('lobby');

my ($meta) = $chat->redis_cli('KEYS', '*/lobby:meta');
my ($prefix, $p) = $meta =~ /^(chat:\{p0*(\d+)\}:)/;


# a field of what Redis, or PostgreSQL, has of lobby's partition

sub part ($field) {
    return $chat->redis_cli('HGET', "${prefix}part", $field);
}


sub row ($field) {
    return $chat->psql("SELECT $field FROM chat.partition WHERE p = $p");
}


sub fcall ($name, @arguments) {
    return $chat->redis_cli('FCALL', "chat_v1_$name", @arguments);
}


# what is stored, and Redis knows it

sub settle () {
    $chat->wait_stored;
    wait_until { part('stored') eq row('stored_id') } 10;

    return;
}


sub stored () {
    return $chat->psql('SELECT count(*), max(sequence) FROM chat.message');
}


subtest 'a call that comes late, over a link that is gone, is refused' => sub {
    my $fence = part('fence');

    $chat->redis_cli('CLIENT', 'KILL', 'TYPE', 'normal');
    wait_until { part('fence') > $fence } 10;
    like(fcall('hold', 1, $prefix, $fence), qr/^refused/, 'refused');

    $alice->insist('message.send', {
        conversationId => 'lobby', content => 'goes on',
    });
    $chat->wait_stored;
    is(stored(), '1|1', 'the holder goes on');
};

subtest 'a holder killed after a rewind, before its commit' => sub {
    settle();
    $chat->kill($_) for qw(persist redis);
    $chat->restart('redis');

    my ($ms, $n) = split /-/, row('stored_id');

    $chat->redis_cli('DEL', split /\n/, $chat->redis_cli('KEYS',
                                                         "${prefix}c:*"));
    is(fcall('rewind', 1, $prefix, part('fence'), 'another',
             "$ms-" . ($n + 1)), 'ok', 'an empty log that is ahead');

    $chat->restart('persist');
    $chat->wait_ready;
    is($chat->connect(user => 'bob')->join('lobby')->{sequenceNumber}, 1,
       'what is needed is loaded');
    is(row('stored_id'), "$ms-" . ($n + 1), 'the position is at its end');
};

subtest "PostgreSQL's clock goes back an hour" => sub {
    $chat->kill('persist');
    $chat->psql("UPDATE chat.partition
                 SET lease_until = lease_until + interval '1 hour'");
    $chat->restart('persist');

    $alice->insist('message.send', {
        conversationId => 'lobby', content => 'an hour ago',
    });
    $chat->wait_stored;
    is(stored(), '2|2', 'the dead holder is not waited for');
};

subtest 'an event that cannot be stored still counts' => sub {
    $chat->logs->allow(qr/an event went to the dead letters/);

    my $answer = fcall('append', 2, $prefix, "${prefix}c:default/lobby",
                       part('identity'), part('partitions'), 'message.send',
                       'alice', time() . '000', '', '', 'no-uuid',
                       '{"content":', '"x"', ',', '', '', '');

    like($answer, qr/^ok\n(\d+)\n3\n/, 'it was accepted');
    $chat->wait_stored;

    my ($revision) = $answer =~ /^ok\n(\d+)/;
    is($chat->psql("SELECT last_sequence, revision FROM chat.conversation
                    WHERE conversation_id = 'lobby'"), "3|$revision",
       'sequence and revision go on after it');
    is($chat->psql('SELECT count(*) FROM chat.dead_letter'), 1,
       'and it is kept');
};

subtest 'PostgreSQL goes back while chat-persist runs' => sub {
    my $old = row('stored_id');

    $chat->logs->allow(qr/Redis is ahead of PostgreSQL/);
    $alice->say('lobby', "forgotten $_") for 1 .. 3;
    settle();

    # a standby that missed the last transactions takes over
    $chat->psql(<<~"END");
        DELETE FROM chat.message WHERE sequence > 3;
        UPDATE chat.conversation SET last_sequence = 3,
            revision = revision - 3;
        UPDATE chat.partition SET stored_id = '$old' WHERE p = $p;
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name IN (SELECT holder FROM chat.partition);
        END

    wait_until { row('stopped') =~ /went back/ } 10;
    $alice->say('lobby', 'stays in the log');
    is(row('stored_id'), $old, 'the position does not jump over the hole');
    is($chat->redis_cli('XLEN', "${prefix}log"), 1, 'what comes is kept');
};

done_testing;
