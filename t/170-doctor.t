# chatctl doctor, where Redis, PostgreSQL and chat-persist are concerned: each
# fault is produced, seen, and told with what to do.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant { DONE => 0, FAILED => 1, USAGE => 2, UNAVAILABLE => 4 };

my $chat = ChatTest->new(workers => 1);
$chat->start;
$chat->logs->allow(qr/partition is stopped|an event went to the dead letters/);
$chat->create($_) for qw(lobby square);
$chat->connect(user => 'bob')->say('lobby', 'Hello');
$chat->wait_stored;


# The exit code, and the checks that are not ok, as "level check: text"; but
# for what is always so here: PostgreSQL is made fast.

sub doctor (@line) {
    my ($code, $text) = $chat->chatctl('doctor', '--json', @line);
    my @bad = grep { $_->{level} ne 'ok' && $_->{text} !~ /^fsync, / }
        @{ decode($text)->{checks} };

    return ($code, map { "$_->{level} $_->{check}: $_->{text}" } @bad);
}


# what is spoilt is told, alone, and is not when it is mended

sub told ($what, $pattern, $spoil, $mend, %o) {
    subtest $what => sub {
        $spoil->();
        my ($code, @bad) = doctor();

        is(scalar @bad, 1, 'one thing is told') or diag("@bad");
        like($bad[0] // '', $pattern, 'what it is');
        is($code, $o{code} // ($bad[0] =~ /^fault/ ? FAILED : DONE),
           'exit code');
        $mend->();
        $chat->wait_ready if $o{wait};

        my @left;
        wait_until { @left = doctor(); @left == 1 } 20;
        is_deeply(\@left, [DONE], 'it is mended');
    };

    return;
}


sub setting ($name, $bad, $good, $pattern) {
    return told("$name is $bad", $pattern,
                sub { $chat->redis_cli('CONFIG', 'SET', $name, $bad) },
                sub { $chat->redis_cli('CONFIG', 'SET', $name, $good) });
}


# of a statement and one that undoes it

sub stored ($what, $pattern, $spoil, $mend) {
    return told($what, $pattern, sub { $chat->psql($spoil) },
                sub { $chat->psql($mend) });
}


subtest 'all is well' => sub {
    is_deeply([doctor()], [DONE], 'nothing is told');

    my $text = $chat->chatctl_must('doctor');
    like($text, qr/^ok       $_ /m, $_) for qw(redis disk memory library
        postgresql schema clocks partition chat-persist node room
        conversation);
    like($text, qr/16 of 16 partitions are held, open and stored/,
         'partitions');
    like($text, qr/1 nodes with \d+ sessions/, 'nodes');
    like($text, qr/^warning  postgresql   fsync, .* is off\n +What it says/m,
         'a warning, with what it means');
    like($text, qr/2 conversations of 2 are without gaps/, 'the sample');
    like($text, qr/^no faults$/m, 'the end');
    is((doctor('--sample', 0))[0], DONE, '--sample 0');
    is(($chat->chatctl('doctor', 'x'))[0], USAGE, 'usage');
};

setting('appendfsync', 'everysec', 'always',
        qr/^warning redis: appendfsync is everysec, not always$/);
setting('appendonly', 'no', 'yes', qr/^fault redis: appendonly is no/);
setting('maxmemory-policy', 'allkeys-lru', 'noeviction',
        qr/^fault redis: maxmemory-policy is allkeys-lru/);
setting('no-appendfsync-on-rewrite', 'yes', 'no', qr/^warning redis: no-app/);
setting('maxmemory', $chat->redis_cli('INFO', 'memory') =~ /^used_memory:(\d+)/m
        ? int 1.02 * $1 : 0, 0, qr/^fault memory: Redis uses \d+ MB of \d+$/);

told('no function library', qr/^fault library: Redis has no function library/,
     sub { $chat->redis_cli('FUNCTION', 'DELETE', 'chat_v1') },
     sub { $chat->restart('persist') }, wait => 1);

told('another function library', qr/^warning library: .* not the one of this/,
     sub {
         my ($code) = $chat->redis_cli('FUNCTION', 'LIST', 'LIBRARYNAME',
             'chat_v1', 'WITHCODE') =~ /^(#!lua.*)\z/ms;
         $chat->redis_cli('FUNCTION', 'LOAD', 'REPLACE', "$code\n-- other\n");
     },
     sub { $chat->restart('persist') }, wait => 1);

stored('a schema that is too new', qr/^warning schema: /,
       'INSERT INTO chat.schema_version VALUES (99)',
       'DELETE FROM chat.schema_version WHERE version = 99');
stored('dead letters', qr/^fault dead letters: .* to store 1 events/,
       q(INSERT INTO chat.dead_letter (p, log_id, fields, reason)
         VALUES (0, '1-1', '{"k":"message"}', 'because')),
       'DELETE FROM chat.dead_letter');
stored('a stopped partition', qr/^fault partition: partition 3: .*stopped it/,
       "UPDATE chat.partition SET stopped = 'because' WHERE p = 3",
       'UPDATE chat.partition SET stopped = NULL');

told('a partition of another number',
     qr/^fault partition: partition 3: .*another number of partitions/,
     sub { $chat->redis_cli('HSET', 'chat:{p03}:part', 'partitions', 8) },
     sub { $chat->redis_cli('HSET', 'chat:{p03}:part', 'partitions', 16) });

subtest 'a message is gone' => sub {
    $chat->psql('CREATE TABLE public.kept AS SELECT * FROM chat.message;
                 DELETE FROM chat.message');
    my ($code, @bad) = doctor();
    is($code, FAILED, 'exit code');
    ok((grep { $_ eq
         'fault conversation: default/lobby: message 1 is missing' } @bad),
       'the sample finds it');
    $chat->psql('INSERT INTO chat.message SELECT * FROM public.kept');
};

subtest 'chat-persist is stopped, and events wait' => sub {
    $chat->kill('persist');
    $chat->connect(user => 'bob')->say('lobby', 'Wait');

    my ($code, @bad);
    wait_until {
        ($code, @bad) = doctor('--sample', 0);
        grep { /partitions .*: nobody holds it/ } @bad
            and grep { /^fault chat-persist: none runs/ } @bad
    } 20;
    is($code, FAILED, 'that none runs, and what follows, is told');
    unlike(($chat->chatctl('doctor'))[1], qr/^ok\s+partition/m, 'no partition is well');

    $chat->start_part('persist');
    wait_until { @bad = doctor(); @bad == 1 } 20;
    is_deeply(\@bad, [DONE], 'it is back');
};

subtest 'events wait too long' => sub {
    my @bad;

    # an entry of long ago, which a stopped partition keeps
    $chat->freeze('persist');
    my $p = $chat->psql("SELECT p FROM chat.conversation
                         WHERE conversation_id = 'lobby'");
    $chat->connect(user => 'bob')->say('lobby', 'Old');
    $chat->psql("UPDATE chat.partition SET lease_until = now() + '90s'");
    wait_until {
        (undef, @bad) = doctor('--sample', 0);
        @bad = grep { /partition $p: events wait too long/ } @bad;
        @bad == 1
    } 25;
    is(scalar @bad, 1, 'that is told');
    $chat->thaw('persist');
};

subtest 'what does not answer is told, and the rest looked at' => sub {
    $chat->kill('postgres', 'INT');
    my ($code, @bad) = doctor();
    is($code, UNAVAILABLE, 'exit code');
    like($bad[0], qr/^fault postgresql: PostgreSQL does not answer/,
         'PostgreSQL');

    $chat->kill('redis', 'TERM');
    ($code, @bad) = doctor();
    is($code, UNAVAILABLE, 'exit code');
    is(scalar @bad, 2, 'both are told') or diag("@bad");
    like($bad[0], qr/^fault redis: Redis does not answer/, 'Redis');
    $chat->restart('postgres');
};

done_testing;
