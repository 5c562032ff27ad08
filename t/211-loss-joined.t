# Redis has lost something that one session of a node had seen.  Another one
# joins, something is said, and then the node compares what its sessions have
# got, before it knows that the other one has joined: that one misses nothing.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);

use ChatTest;
use ChatTest::Monitor;

my $chat = ChatTest->new(workers => 1, proxied => 1);
$chat->start;
$chat->create('lobby');

my $proxy = $chat->proxy;
my $files = $chat->directory . '/appendonlydir';
my $alice = $chat->connect(user => 'alice');
my $carol = $chat->connect(user => 'carol');


sub generation () {
    return $chat->redis_cli('HGET', 'chat:{p08}:part', 'generation') || 0;
}


sub lose () {
    $alice->join('lobby');
    $alice->say('lobby', 'stored');
    $alice->hear('lobby');
    $chat->wait_stored;
    system('cp', '-a', $files, "$files.older") == 0 or die 'cp failed';

    $chat->kill('persist', 'TERM');
    $alice->say('lobby', 'lost');
    $alice->hear('lobby');

    $chat->kill('redis');
    remove_tree($files);
    rename "$files.older", $files or die "rename failed: $!";
    $chat->restart('redis');

    return;
}


subtest 'who joins meanwhile misses nothing' => sub {
    $proxy->swallow('redis', message => '^chat:nodes$', times => -1);
    my $former = generation();
    lose();
    my $monitor = ChatTest::Monitor->new($chat->{redis_socket});

    # it has tried so often that it will not again for some seconds

    $monitor->await('compare', 'lobby', 4);

    # what it asks is answered, but it does not get the answers

    $proxy->stall('redis', only => ':command$', way => 'down');
    $chat->start_part('persist');
    wait_until { generation() > $former };

    my $join = $carol->post('conversation.join',
                            { conversationId => 'lobby' });
    $monitor->await('open', 'lobby');

    $chat->chatctl_must(qw(conversation update lobby --name new));

    $proxy->heal('redis', 'swallow');
    $chat->redis_cli('PUBLISH', 'chat:nodes',
                     'open chat:{p08}: ' . generation());
    $monitor->await('compare', 'lobby', 5);
    $proxy->heal('redis');

    ok(!$carol->reply($join)->{data}{reset}, 'carol has nothing to forget');
    is($carol->expect('conversation.updated')->{name}, 'new',
       'and hears what was said');
    is($alice->expect('conversation.reset')->{conversationId}, 'lobby',
       'alice starts over');
    is_deeply([$carol->unexpected], [], 'carol does not');
};

done_testing;
