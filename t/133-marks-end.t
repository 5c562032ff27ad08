# Marks that wait to be stored end with the membership, or with the conversation,
# that they are of, and no others do.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers => 1);
$chat->start;
$chat->create($_) for qw(lobby hall);

my %client = map { $_ => $chat->connect(user => $_) } qw(ada bob eve);
my $root = $chat->connect(user => 'admin');


# whose marks wait: "<conversation> <user>"

sub waiting () {
    return [sort map { s{\Adefault/}{}r }
                map { split /\n/, $chat->redis_cli('--raw', 'HKEYS', $_) }
                    map { sprintf 'chat:{p%02d}:marks', $_ } 0 .. 15];
}


sub mark ($user, $conversation) {
    return $client{$user}->request('read.mark', {
        conversationId => $conversation, sequenceNumber => 1,
    });
}


$client{eve}->say($_, 'first') for qw(lobby hall);
$chat->wait_stored;
wait_until { !@{ waiting() } };
$chat->kill('persist', 'TERM');

for my $conversation (qw(lobby hall)) {
    mark($_, $conversation) for qw(ada bob);
}

is_deeply(waiting(), ['hall ada', 'hall bob', 'lobby ada', 'lobby bob'],
          'marks wait while nobody stores them');

$client{bob}->request('member.remove', {
    conversationId => 'lobby', userId => 'bob',
});
is_deeply(waiting(), ['hall ada', 'hall bob', 'lobby ada'],
          'who leaves has none any more');

$root->request('conversation.delete', { conversationId => 'lobby' });
is_deeply(waiting(), ['hall ada', 'hall bob'],
          'nor has anybody where the conversation is deleted');

$chat->start_part('persist');
wait_until { !@{ waiting() } };
is($chat->psql(<<~'END'), "ada|1\nbob|1", 'the others are stored');
    SELECT m.user_id, m.last_read
      FROM chat.member m JOIN chat.conversation c USING (conversation_key)
     WHERE c.conversation_id = 'hall' AND m.user_id IN ('ada', 'bob')
     ORDER BY 1
    END

done_testing;
