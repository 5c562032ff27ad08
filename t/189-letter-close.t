# The deletion of a conversation that PostgreSQL refused does not stop its
# partition when another is made under the name; what was deleted is erased when
# the dead letter is stored after all.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers => 1);
$chat->start;
$chat->logs->allow(qr/an event went to the dead letters/);

my %hall = (type => 'group', by => 'ada');

$chat->create('hall', %hall, members => ['bob']);

my $ada = $chat->connect(user => 'ada');
$ada->say('hall', 'of the former one');
$chat->wait_stored;
my $former = $chat->psql('SELECT conversation_key FROM chat.conversation');

$chat->psql('ALTER TABLE chat.conversation ADD CONSTRAINT never
             CHECK (deleted_at IS NULL) NOT VALID');
$chat->chatctl_must('conversation', 'delete', 'hall');
$chat->wait_stored;
$chat->psql('ALTER TABLE chat.conversation DROP CONSTRAINT never');
is($chat->psql('SELECT count(*) FROM chat.dead_letter'), 1, 'it is refused');

$chat->create('hall', %hall, members => ['carol']);
$ada->say('hall', 'of the new one');
$chat->wait_stored;
is($chat->psql('SELECT count(*) FROM chat.partition
                 WHERE stopped IS NOT NULL'), 0, 'nothing is stopped');

my ($code, $text) = $chat->chatctl(qw(deadletter retry --all));
is($code, 0, 'retry') or diag($text);
wait_until {
    $chat->psql("SELECT count(*) FROM chat.message
                  WHERE conversation_key = '$former'") == 0;
};
pass('what was deleted is erased');
is_deeply([map { $_->{content} } @{ $ada->history('hall')->{messages} }],
          ['of the new one'], 'the new one is there');
is(($chat->chatctl('verify', 'hall'))[0], 0, 'all is well');

done_testing;
