# conversation.list is the truth when it is answered, and from then on hints tell
# what changes: whatever has kept the subscription to the user's channel, or the
# answer of storage.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);

use ChatTest;

my $chat = ChatTest->new(
    workers => 1,
    proxied => 1,
    location => 'chat_request_timeout 30s;',
);
$chat->start;

my $bob = $chat->connect(user => 'bob');


sub listed ($client, $id) {
    my $reply = $client->reply($id);

    return $reply if !$reply->{ok};

    return [map { $_->{conversation}{conversationId} }
            @{ $reply->{data}{items} }];
}


subtest 'a subscription that takes its time' => sub {
    my $proxy = $chat->proxy;

    $proxy->stall('redis', only => ':subscriber$');

    my $alice = $chat->connect(user => 'alice');
    my $id = $alice->post('conversation.list');
    my $made = $bob->request('conversation.create', {
        type => 'group', members => ['alice'],
    })->{conversationId};

    $chat->wait_stored;
    $proxy->heal('redis');

    is_deeply(listed($alice, $id), [$made], 'what was made meanwhile is there');
};


# what is asked of storage before a partition is open is left for those who open
# it, also if all else is dropped then

subtest 'a Redis whose data is lost' => sub {
    $chat->kill($_) for qw(persist redis);
    remove_tree($chat->directory . '/appendonlydir');
    $chat->restart('redis');
    $chat->redis_cli(qw(XADD chat:{p00}:need * k list n x i 1
                        c default/bob u bob a), '', qw(m 1 l 1000));
    $chat->restart('persist');

    wait_until {
        $chat->redis_cli(qw(HGET chat:{p00}:part generation)) eq 2;
    };
    is($chat->redis_cli(qw(XLEN chat:{p00}:need)), 1, 'it is there');
};


done_testing;
