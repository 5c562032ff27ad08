# chat.circle, by which it is known who shares a dm or a group with whom: it says
# what conversations and their members say, whatever becomes of these.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX ();

use ChatTest;

my $chat = ChatTest->new(with => [qw(postgres)], partitions => 4);

my $KEY = "md5(%s)::uuid";
my $MIGRATIONS = "$FindBin::Bin/../sql";


# a conversation's row, as chat-persist writes it

sub conversation ($id, $type) {
    return $chat->psql(sprintf "INSERT INTO chat.conversation
            (conversation_key, tenant_id, conversation_id, name, p, type,
             created_by, created_at, last_sequence, revision, created_revision)
        VALUES ($KEY, 'a', '%s', '', 0, '%s', 'x', now(), 0, 1, 1)",
        "'$id'", $id, $type);
}


# how chat-persist writes members: who is there already is changed

sub members ($id, %role) {
    my $rows = join ', ', map {
        sprintf "($KEY, '%s', 'a', %s, now(), 0)", "'$id'", $_,
            defined $role{$_} ? "'$role{$_}'" : 'NULL';
    } sort keys %role;

    return $chat->psql("INSERT INTO chat.member (conversation_key, user_id,
            tenant_id, role, joined_at, joined_revision) VALUES $rows
        ON CONFLICT (conversation_key, user_id) DO UPDATE SET
            role = excluded.role");
}


sub circle ($id) {
    return $chat->psql(sprintf "SELECT coalesce(string_agg(user_id, ' '
            ORDER BY user_id), '') FROM chat.circle
        WHERE tenant_id = 'a' AND conversation_key = $KEY", "'$id'");
}


sub migration ($file) {
    local (@ARGV, $/) = $file;

    return <>;
}


# a transaction like those of chat-persist, which goes on once somebody waits for
# it; whether it and the migration come to their ends

sub stored_meanwhile (@changes) {
    my $sql = migration("$MIGRATIONS/0007_circle.sql");
    my $pid = fork // die "fork() failed: $!";

    if ($pid == 0) {
        my $stored = eval { $chat->psql(sprintf <<~'END', @changes) ; 1 };
            DO $$ BEGIN
                UPDATE chat.partition SET fence = fence;
                %s;
                PERFORM pg_advisory_lock(1);
                FOR i IN 1 .. 6000 LOOP
                    EXIT WHEN EXISTS (SELECT FROM pg_locks WHERE NOT granted);
                    PERFORM pg_sleep(0.01);
                END LOOP;
                %s;
            END $$
            END

        POSIX::_exit($stored ? 0 : 1);
    }

    wait_until {
        $chat->psql("SELECT count(*) FROM pg_locks
                      WHERE locktype = 'advisory'");
    };

    my $migrated = eval { $chat->psql($sql =~ s/^COMMIT;/ROLLBACK;/mr); 1 };

    waitpid $pid, 0;

    return $migrated && $? == 0;
}


$chat->start_part('postgres');

subtest 'what is there when the table is made' => sub {
    $chat->psql('SET chat.partitions = 4; ' . migration($_)) for grep { $_ lt "$MIGRATIONS/0007" } sort glob "$MIGRATIONS/*.sql";

    conversation(@$_) for [dm => 'dm'], [old => 'group'], [open => 'channel'],
        [gone => 'group'];
    members(dm => ada => 'member', bob => 'member');
    members(old => ada => 'owner', bob => 'blocked', cy => undef,
            dan => 'admin');
    members($_ => ada => 'owner', bob => 'member') for qw(open gone);
    $chat->psql("UPDATE chat.conversation SET deleted_at = now()
                  WHERE conversation_id = 'gone'");

    my @changes = ('UPDATE chat.conversation SET revision = revision',
                   'UPDATE chat.member SET role = role');

    ok(stored_meanwhile(@changes), 'it waits for who stores a conversation');
    ok(stored_meanwhile(reverse @changes), 'and for who stores members');

    my ($code, $text) = $chat->chatctl('migrate');
    is($code, 0, 'the database is brought up to date') or diag $text;

    is(circle('dm'), 'ada bob', 'a dm');
    is(circle('old'), 'ada dan', 'a group: neither blocked nor left');
    is(circle('open'), '', 'a channel');
    is(circle('gone'), '', 'a deleted one');
};

subtest 'members come and go' => sub {
    conversation('new', 'group');
    members(new => ada => 'owner', bob => 'member', cy => 'blocked');
    is(circle('new'), 'ada bob', 'made');

    members(new => bob => 'admin', cy => 'member', dan => 'member');
    is(circle('new'), 'ada bob cy dan', 'another role, let in, new');

    members(new => ada => undef, bob => 'blocked');
    is(circle('new'), 'cy dan', 'left, blocked');

    $chat->psql("UPDATE chat.member SET last_read = 7");
    is(circle('new'), 'cy dan', 'marks change nothing');

    members(new => ada => 'member', bob => 'member');
    is(circle('new'), 'ada bob cy dan', 'back');

    $chat->psql("DELETE FROM chat.member WHERE user_id = 'ada'");
    is(circle('new'), 'bob cy dan', 'erased');

    conversation('channel', 'channel');
    members(channel => ada => 'owner', bob => 'member');
    members(channel => bob => 'admin');
    is(circle('channel'), '', 'a channel is nothing to share');
};

subtest 'conversations come and go' => sub {
    $chat->psql("UPDATE chat.conversation SET deleted_at = now()
                  WHERE conversation_id = 'new'");
    is(circle('new'), '', 'deleted');

    members(new => cy => 'admin', eve => 'member');
    is(circle('new'), '', 'whatever is said of its members then');

    $chat->psql(sprintf "UPDATE chat.conversation SET deleted_at = NULL,
            conversation_key = $KEY WHERE conversation_id = 'new'", "'again'");
    is(circle('new') . circle('again'), '', 'made again: nobody is in it');
    members(again => ada => 'owner', bob => 'member');
    is(circle('again'), 'ada bob', 'but who comes');

    members(early => ada => 'owner', bob => 'member', cy => 'blocked');
    is(circle('early'), '', 'members of what is not there');
    conversation('early', 'group');
    is(circle('early'), 'ada bob', 'until it is');

    $chat->psql("DELETE FROM chat.conversation
                  WHERE conversation_id = 'early'");
    is(circle('early'), '', 'erased');
};

done_testing;
