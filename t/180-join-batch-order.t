# Requests for one conversation are answered in the order sent, also if one of
# them is a join of several, which has less time.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(
    location => 'chat_ack stored; chat_request_timeout 3s;',
);
$chat->start;
$chat->create($_) for qw(lobby hall);
$chat->wait_stored;

my $alice = $chat->connect(user => 'alice');


# the ids of replies, as they come

sub answered ($n) {
    my (@messages, @ids);

    wait_until {
        $alice->poll(\@messages);
        @ids = map { $_->{id} } grep { $_->{type} eq 'reply' } @messages;
        @ids >= $n;
    };

    return @ids;
}


sub joins (@names) { return ChatTest::Client::join_list(@names) }


$chat->freeze('persist');

my $first = $alice->post('message.send', { conversationId => 'lobby',
                                           content => 'hello' });
my $second = $alice->post('conversation.join', joins(qw(lobby hall)));
my $third = $alice->post('conversation.join', joins(qw(hall lobby)));
my $last = $alice->post('conversation.leave', { conversationId => 'lobby' });

is_deeply([answered(4)], [$first, $second, $third, $last],
          'though what was sent is not stored in time');

$first = $alice->post('message.send', { conversationId => 'lobby',
                                        content => 'again' });
$second = $alice->post('conversation.join', joins(qw(lobby hall)));

$alice->post('ping');
answered(1);
$chat->thaw('persist');

is_deeply([answered(2)], [$first, $second], 'and if it is');

done_testing;
