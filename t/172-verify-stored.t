# chatctl verify: each thing that is spoilt in PostgreSQL is found and told.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Verify qw(lived kinds);

use constant { DONE => 0, FAILED => 1 };

my $chat = ChatTest->new(workers => 1);
$chat->start;

my (undef, $said) = lived($chat);


sub verify (@line) { return ChatTest::Verify::verify($chat, @line) }


$chat->wait_stored;

my ($p, $key) = split /\|/, $chat->psql("SELECT p, conversation_key
    FROM chat.conversation WHERE conversation_id = 'lobby'");
my $generation = 4294967296;


# what a statement spoils is found, and all is well when it is undone

sub spoilt ($what, $kinds, $spoil, $undo) {
    subtest "PostgreSQL: $what" => sub {
        my $done = $chat->psql($spoil);
        my ($code, $told) = verify('lobby');

        is($code, FAILED, 'exit code');
        is(kinds($told), $kinds, 'what is told') or diag(explain($told));
        $chat->psql($undo);
        is((verify('lobby'))[0], DONE, 'undone');
    };

    return;
}


sub updated ($what, $kinds, $where, $to, $back) {
    return spoilt($what, $kinds, map { "UPDATE chat.$where"
        =~ s/ SET /" SET $_ "/er } $to, $back);
}


my $of = "conversation_key = '$key'";

spoilt('a message is gone', 'client_id event message_missing',
    "CREATE TABLE public.kept AS SELECT * FROM chat.message
      WHERE $of AND sequence = 10;
     DELETE FROM chat.message WHERE $of AND sequence = 10",
    'INSERT INTO chat.message SELECT * FROM public.kept;
     DROP TABLE public.kept');
spoilt('what is answered is gone', 'client_id event message_missing reply',
    "CREATE TABLE public.kept AS SELECT * FROM chat.message
      WHERE $of AND sequence = 1;
     DELETE FROM chat.message WHERE $of AND sequence = 1",
    'INSERT INTO chat.message SELECT * FROM public.kept;
     DROP TABLE public.kept');
updated('the last sequence is too high', 'message_missing sequence',
    "conversation SET WHERE $of", 'last_sequence = last_sequence + 2',
    'last_sequence = last_sequence - 2');
updated('the last sequence is too low', 'member message_beyond sequence',
    "conversation SET WHERE $of", 'last_sequence = last_sequence - 2',
    'last_sequence = last_sequence + 2');
updated('other words', 'event', "message SET WHERE $of AND sequence = 7",
    q(content = '"Number 8"'), q(content = '"Number 7"'));
updated('another size', 'message_content',
    "message SET WHERE $of AND sequence = 7", 'size = size + 1',
    'size = size - 1');
updated('half deleted', 'message_content',
    "message SET WHERE $of AND sequence = 2", q(attachments = '[]'),
    'attachments = NULL');
updated('a revision of the future', 'event message_order revision_beyond',
    "message SET WHERE $of AND sequence = 7", 'revision = revision + 500',
    'revision = revision - 500');
updated('a revision of a lost generation',
    'event message_order revision_lost',
    "message SET WHERE $of AND sequence = 7",
    "revision = revision - $generation", "revision = revision + $generation");
spoilt('a reaction is lost', 'event',
    "CREATE TABLE public.kept AS SELECT * FROM chat.reaction
      WHERE $of AND user_id = 'ada';
     DELETE FROM chat.reaction WHERE $of AND user_id = 'ada'",
    'INSERT INTO chat.reaction SELECT * FROM public.kept;
     DROP TABLE public.kept');
updated('a reaction to nothing', 'event reaction',
    "reaction SET WHERE $of AND user_id = 'ada'",
    q(message_id = '01a2019a-571f-7203-a7e5-9201f63a5856'),
    "message_id = '$said->[4]{id}'");
spoilt('nobody is mentioned', 'mention',
    'CREATE TABLE public.kept AS SELECT * FROM chat.mention;
     DELETE FROM chat.mention',
    'INSERT INTO chat.mention SELECT * FROM public.kept;
     DROP TABLE public.kept');
updated('another role', 'member_role state',
    "member SET WHERE $of AND user_id = 'carol'", "role = 'admin'",
    "role = 'moderator'");
updated('another mark', 'member_mark',
    "member SET WHERE $of AND user_id = 'carol'",
    'last_read = last_read - 1', 'last_read = last_read + 1');
updated('a mark beyond all', 'member member_mark',
    "member SET WHERE $of AND user_id = 'carol'",
    'last_delivered = last_delivered + 90',
    'last_delivered = last_delivered - 90');
spoilt('a member too many', 'member_missing',
    "INSERT INTO chat.member (conversation_key, user_id, tenant_id, role,
         joined_at, joined_revision)
     VALUES ('$key', 'eve', 'default', 'member', now(), 0)",
    "DELETE FROM chat.member WHERE user_id = 'eve'");
updated('other settings', 'setting', "conversation SET WHERE $of",
    "name = 'Attic', slow_mode = 5", "name = 'Lobby', slow_mode = 0");
updated('the revision went back', 'revision_behind revision_beyond',
    "conversation SET WHERE $of", 'revision = revision - 3',
    'revision = revision + 3');
updated('the revision is ahead', 'revision_ahead',
    "conversation SET WHERE $of", 'revision = revision + 3',
    'revision = revision - 3');
updated('client ids forgotten', 'client_id_floor',
    "conversation SET WHERE $of", 'client_other = NOT client_other,
     client_time = -client_time',
    'client_other = NOT client_other, client_time = -client_time');
spoilt('a generation that never was', 'generation setting',
    "INSERT INTO chat.conversation_generation VALUES ('$key', 7, 12)",
    'DELETE FROM chat.conversation_generation');
spoilt('a dead letter', 'dead_letter',
    "INSERT INTO chat.dead_letter (p, log_id, fields, reason,
         conversation_key)
     VALUES ($p, '1-1', '{\"k\":\"message\"}', 'because', '$key')",
    'DELETE FROM chat.dead_letter');

done_testing;
