# Redis has answered a join, then loses what it told, and the news of that
# overtakes the answer: the comparison of the room, which is sent at once, does
# not ask about the session that has just joined.  It is told all the same.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Monitor;

my $chat = ChatTest->new(workers => 2, proxied => 1,
                         redis_options => 'timeout=30s',
                         location => 'chat_request_timeout 30s;');
$chat->start;
$chat->create('lobby');

my $proxy = $chat->proxy;
my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob', node_of => $alice);
my $carol = $chat->connect(user => 'carol', node_other_than => $alice);
my $command = $alice->node . ':command$';
my $subscriber = $alice->node . ':subscriber$';


$_->join('lobby') for $alice, $carol;
$carol->say('lobby', 'stored');
$alice->hear('lobby');
$chat->wait_stored;
$chat->kill('persist', 'TERM');

# the session that joins is ahead of what its room has heard

$proxy->swallow('redis', message => 'lobby$', only => $subscriber);
$carol->say('lobby', 'not heard');
$proxy->stall('redis', way => 'down', only => $command);

my $monitor = ChatTest::Monitor->new($chat->{redis_socket});
my $join = $bob->post('conversation.join',
                      { conversationId => 'lobby', afterRevision => 0 });
$monitor->await('open', 'lobby');

# and the news is there before the answer, while Redis is not asked before it
# has loaded the conversation again

$proxy->stall('redis', way => 'up', only => $command);
$chat->redis_cli('FLUSHALL');
$chat->start_part('persist');

sub reset_ok ($client) {
    my $told = eval { $client->expect('conversation.reset') };

    is($told && $told->{conversationId}, 'lobby',
       'who had seen what was lost is told to start over');

    return;
}


reset_ok($carol);
$proxy->heal('redis');

my $answer = $bob->reply($join)->{data};
is($answer->{reset}, JSON::PP::false, 'the join was answered before');
is(scalar(grep { ($_->{data}{content} // '') eq 'not heard' } @{ $answer->{events} }),
   1, 'with what was lost');

reset_ok($bob);
is_deeply([$alice->unexpected], [], 'who had not is not');

done_testing;
