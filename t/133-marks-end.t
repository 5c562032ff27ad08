# Marks that wait to be stored end with the membership that they are of, and are
# of no other conversation that gets the same id.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers => 1);
$chat->start;
$chat->create($_) for qw(lobby hall);

my %client = map { $_ => $chat->connect(user => $_) } qw(ada bob eve);
my $root = $chat->connect(user => 'admin', claims => { roles => ['admin'] });


# whose marks wait

sub waiting () {
    return [sort map { s{.* }{}r }
                map { split /\n/, $chat->redis_cli('--raw', 'HKEYS', $_) }
                    map { sprintf 'chat:{p%02d}:marks', $_ } 0 .. 15];
}


sub mark ($user, $conversation) {
    return $client{$user}->request('read.mark', {
        conversationId => $conversation, sequenceNumber => 3,
    });
}


# how far the members of a conversation have read, as it is stored

sub stored ($conversation) {
    return $chat->psql(<<~"END");
        SELECT m.user_id, m.last_read
          FROM chat.member m JOIN chat.conversation c USING (conversation_key)
         WHERE c.conversation_id = '$conversation' AND m.role = 'member'
         ORDER BY 1
        END
}


for my $n (1 .. 3) {
    $client{eve}->say($_, "message $n") for qw(lobby hall);
}

$chat->wait_stored;
wait_until { !@{ waiting() } };
$chat->kill('persist', 'TERM');

for my $conversation (qw(lobby hall)) {
    mark($_, $conversation) for qw(ada bob);
}

is_deeply(waiting(), [qw(ada ada bob bob)],
          'marks wait while nobody stores them');

$client{bob}->request('member.remove', {
    conversationId => 'lobby', userId => 'bob',
});
is_deeply(waiting(), [qw(ada ada bob)], 'who leaves has none any more');

# ada's mark on message 3 is of the first lobby

$root->request('conversation.delete', { conversationId => 'lobby' });
$root->request('conversation.create', {
    conversationId => 'lobby', type => 'group', members => ['ada'],
});
$root->say('lobby', "anew $_") for 1 .. 5;

$chat->start_part('persist');
$chat->wait_stored;
wait_until { !@{ waiting() } };

is(stored('lobby'), 'ada|0', 'a conversation made again has none of them');
is(stored('hall'), "ada|3\nbob|3\neve|3", 'the others are stored');

done_testing;
