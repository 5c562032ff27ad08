# A dead letter is stored after all while Redis believes that there is no such
# client id: the message is not taken a second time.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant { DONE => 0, FAILED => 1 };

my $chat = ChatTest->new(workers => 1);
$chat->start;
$chat->create('lobby', type => 'group', by => 'ada', members => [qw(bob)]);
$chat->logs->allow(qr/an event went to the dead letters/);

my $ada = $chat->connect(user => 'ada');
my %lobby = (conversationId => 'lobby');
my %bad = (%lobby, content => 'bad', clientMessageId => 'bad-1');


sub retry ($id, @more) {
    return $chat->chatctl('deadletter', 'retry', $id, @more);
}


# Something that PostgreSQL does not take for now; returns its dead letter.

sub refused ($do) {
    $chat->wait_stored;
    $chat->psql("ALTER TABLE chat.message ADD CONSTRAINT never
                 CHECK (content::text <> '\"bad\"') NOT VALID");
    my $said = $do->();
    $chat->wait_stored;
    $chat->psql('ALTER TABLE chat.message DROP CONSTRAINT never');

    return $said, $chat->psql('SELECT max(id) FROM chat.dead_letter');
}


sub forget () {
    $chat->redis_cli('DEL', $_)
        for split /\n/, $chat->redis_cli('KEYS', '*/lobby:*');

    return;
}


subtest 'in slow mode, where a conversation does not leave Redis' => sub {
    $ada->request('conversation.update', { %lobby, slowMode => 3600 });
    my ($said, $letter) = refused(sub {
        $ada->request('message.send', \%bad) });
    forget();

    # what it asks for first is the client id: there is none

    my $nothing = '01a2019a-571f-7203-a7e5-9201f63a5856';
    is($ada->refused('message.send', { %bad, replyTo => $nothing })->{code},
       'not_found', 'it was refused for another reason');

    my ($code, $text) = retry($letter, '--wait', 60);
    is($code, DONE, 'retry') or diag($text);

    my $again = $ada->request('message.send', \%bad);
    is($again->{id}, $said->{id}, 'it is known when it is sent again');
    $ada->say('lobby', 'later');
    $chat->wait_stored;
    is($chat->psql("SELECT count(*) FROM chat.message
                     WHERE client_id = 'bad-1'"), 1, 'and there once');
    is(($chat->chatctl('verify', 'lobby'))[0], DONE, 'all is well');
};

done_testing;
