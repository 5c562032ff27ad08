# Who has left a conversation stays out of it, also where the node would let
# those who started over join again by itself.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);

use ChatTest;

my $chat = ChatTest->new(
    workers  => 1,
    location => 'chat_ack stored; chat_request_timeout 30s;',
);
$chat->start;
$chat->create('lobby');

my ($alice, $bob) = map { $chat->connect(user => $_) } qw(alice bob);

$_->join('lobby') for $alice, $bob;


sub lose_redis () {
    $chat->kill('redis');
    remove_tree($chat->directory . '/appendonlydir');
    $chat->restart('redis');
    $chat->start_part('persist');

    return;
}


# Alice's message waits to be stored, and her leave for that; Redis comes back
# without the message.

subtest 'a leave that waits its turn while Redis is lost' => sub {
    $chat->wait_stored;
    $chat->kill('persist', 'TERM');

    my $sent = $alice->post('message.send', { conversationId => 'lobby',
                                              content => 'good-bye' });
    $_->hear('lobby') for $alice, $bob;
    my $left = $alice->post('conversation.leave',
                            { conversationId => 'lobby' });

    lose_redis();

    $_->expect('conversation.reset') for $alice, $bob;
    ok($alice->reply($sent)->{ok}, 'the message is stored');
    ok($alice->reply($left)->{ok}, 'the leave is answered after it');

    $alice->unexpected;
    $bob->join('lobby');
    $bob->request('message.send', { conversationId => 'lobby',
                                    content => 'she has gone' });
    is_deeply([map { $_->{type} } $alice->unexpected], [],
              'and nothing is heard from then on');
};

done_testing;
