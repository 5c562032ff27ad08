# The creation of a conversation that PostgreSQL refused is not stored after
# what followed it: nobody comes back, and nothing that was deleted.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant { DONE => 0, FAILED => 1 };

my $chat = ChatTest->new(workers => 1);
$chat->start;
$chat->create('lobby');
$chat->logs->allow(qr/an event went to the dead letters/);


# a conversation that PostgreSQL does not take for now; its dead letter

sub refused ($room) {
    $chat->wait_stored;
    $chat->psql("ALTER TABLE chat.conversation ADD CONSTRAINT never
                 CHECK (name <> 'Bad') NOT VALID");
    $chat->create($room, type => 'group', by => 'ada', name => 'Bad',
                  members => [qw(bob carol)]);
    $chat->wait_stored;
    $chat->psql('ALTER TABLE chat.conversation DROP CONSTRAINT never');

    return $chat->psql('SELECT max(id) FROM chat.dead_letter');
}


sub retry ($id) {
    return $chat->chatctl('deadletter', 'retry', $id);
}


sub forget ($room) {
    $chat->redis_cli('DEL', $_)
        for split /\n/, $chat->redis_cli('KEYS', "*/$room:*");

    return;
}


subtest 'nothing has happened since' => sub {
    my $letter = refused('quiet');

    is((retry($letter))[0], DONE, 'retry');
    is(($chat->chatctl('verify', 'quiet'))[0], DONE, 'all is well');
    like($chat->chatctl_must('member', 'list', 'quiet'), qr/carol/,
         'with its members');
};

subtest 'somebody was removed since' => sub {
    my $letter = refused('club');

    $chat->chatctl_must('member', 'remove', 'club', 'bob');
    $chat->wait_stored;

    my ($code, $text) = retry($letter);
    is($code, FAILED, 'retry');
    like($text, qr/later events/, 'why');
    is($chat->psql("SELECT count(*) FROM chat.member
                     WHERE user_id = 'bob' AND role IS NOT NULL
                       AND conversation_key = (SELECT conversation_key
                           FROM chat.dead_letter WHERE id = $letter)"), 0,
       'who was removed is not back');
};

subtest 'another was made under its name, and deleted' => sub {
    my $letter = refused('hall');

    forget('hall');
    $chat->create('hall', type => 'group', by => 'ada');
    $chat->chatctl_must('conversation', 'delete', 'hall');
    $chat->wait_stored;
    is($chat->psql("SELECT count(*) FROM chat.conversation WHERE
                    conversation_id = 'hall' AND deleted_at IS NOT NULL"), 1,
       'it is deleted');

    my ($code, $text) = retry($letter);
    is($code, FAILED, 'retry');
    like($text, qr/another conversation/, 'why');
    is($chat->psql("SELECT count(*) FROM chat.conversation WHERE
                    conversation_id = 'hall' AND deleted_at IS NOT NULL"), 1,
       'and stays so');
};

done_testing;
