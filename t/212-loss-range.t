# A node has to ask storage for what one of its sessions has missed, after Redis
# was emptied.  Another one joins meanwhile: it gets once what happens then.

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
my $alice = $chat->connect(user => 'alice');
my $carol = $chat->connect(user => 'carol');


sub rename_lobby ($name) {
    return $chat->chatctl_must(qw(conversation update lobby --name), $name);
}


subtest 'who joins meanwhile gets nothing twice' => sub {
    $proxy->swallow('redis', message => '^chat:nodes$', times => -1);
    $proxy->swallow('redis', message => 'lobby$');
    $alice->join('lobby');
    $alice->say('lobby', 'missed');
    $chat->wait_stored;

    $chat->kill('persist', 'TERM');
    $chat->kill('redis');
    remove_tree($chat->directory . '/appendonlydir');
    $chat->restart('redis');
    my $monitor = ChatTest::Monitor->new($chat->{redis_socket});

    # nginx' next attempt is held up until storage can be asked, not answer

    $monitor->await('compare', 'lobby');
    $proxy->stall('redis', only => ':command$');
    $chat->start_part('persist');
    rename_lobby('loaded');
    $chat->freeze('persist');

    # now it compares, and what alice has missed is in storage alone

    my $compared = $monitor->count('compare', 'lobby');
    $proxy->heal('redis', 'stall');
    $monitor->await('compare', 'lobby', $compared + 1);
    # (what is revoked has to be known again before she is served)

    $carol->insist('conversation.join', { conversationId => 'lobby' });
    rename_lobby('new');
    $chat->thaw('persist');

    is($alice->hear('lobby')->{content}, 'missed',
       'alice hears what she has missed');
    is($alice->expect('conversation.updated')->{name}, 'new', 'alice: new');
    is($carol->expect('conversation.updated')->{name}, 'new', 'carol: new');
    is_deeply([$carol->unexpected], [], 'once');
};

done_testing;
