# Reactions that come and go leave a trace for those who are away: how many may
# ever be added to a message has a bound, wherever they are counted.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);

use ChatTest;

my $chat = ChatTest->new(location => 'chat_max_reactions 1;');
$chat->start;
$chat->create('lobby');

my $ada = $chat->connect(user => 'ada');
my $message = $ada->request('message.send', {
    conversationId => 'lobby', content => 'like this',
});


sub about ($emoji) {
    return { conversationId => 'lobby', messageId => $message->{id},
             emoji => $emoji };
}


# 50 times chat_max_reactions; the last one stays

subtest 'so many and no more' => sub {
    for my $i (1 .. 50) {
        $ada->request('reaction.remove', about('e' . ($i - 1))) if $i > 1;
        $ada->request('reaction.add', about("e$i"));
    }

    $ada->request('reaction.remove', about('e50'));
    is($ada->refused('reaction.add', about('e51'))->{code}, 'too_large',
       'the next one is refused');
};

subtest 'PostgreSQL remembers them too' => sub {
    $chat->wait_stored;
    $chat->kill('redis');
    remove_tree($chat->directory . '/appendonlydir');
    $chat->restart('redis');
    $chat->wait_ready;

    $ada->insist('reaction.remove', about('e50'));
    is($ada->refused('reaction.add', about('e52'))->{code}, 'too_large',
       'Redis has counted on from there');
    is($chat->psql('SELECT count(*) FROM chat.reaction'), 50,
       'a row for each');
};

done_testing;
