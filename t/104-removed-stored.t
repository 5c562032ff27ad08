# Who is put out while its node hears nothing, and for so long that Redis has
# forgotten: the node is told by storage.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant MANY => 330;       # events: more than Redis keeps

my $chat = ChatTest->new(workers => 2);
$chat->start;

my $alice = $chat->connect(user => 'alice', claims => { roles => ['admin'] });
my $bob = $chat->connect(user => 'bob', node_other_than => $alice);
my $carol = $chat->connect(user => 'carol', node_of => $bob);
my $node = $bob->node;
my ($worker) = $chat->logs->text('nginx')
    =~ /(\d+)#\d+: chat: node \Q$node\E started/;


# a group that all have joined, and that bob and carol hear in vain from the
# first message on, until the block is through

sub unheard ($id, $block) {
    $alice->request('conversation.create', {
        type => 'group', conversationId => $id, members => ['bob', 'carol'],
    });
    $_->join($id) for $alice, $bob, $carol;

    kill 'STOP', $worker;
    $chat->redis_cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    $block->();
    kill 'CONT', $worker;

    return;
}


sub bob_is ($what, $id) {
    return $alice->request("member.$what", { conversationId => $id,
                                             userId => 'bob' });
}


# so many messages that Redis forgets all that is stored

sub say_many ($id) {
    $alice->say_all($id, map { "message $_" } 1 .. MANY);
    $chat->wait_stored;
    $alice->say_all($id, map { "message $_" } 1 .. MANY);

    return;
}


sub heard ($client, $id, $count) {
    return [map { $client->hear($id)->{sequenceNumber} } 1 .. $count];
}


subtest 'removed' => sub {
    unheard('den', sub {
        $alice->say('den', 'with bob');
        bob_is('remove', 'den');
        say_many('den');
    });

    is($bob->hear('den')->{content}, 'with bob', 'what came before');
    is($bob->expect('member.left')->{userId}, 'bob', 'then bob is out');
    is_deeply(heard($carol, 'den', 2 * MANY + 1), [1 .. 2 * MANY + 1],
              'who stayed hears everything');
    $carol->expect('member.left');
    is_deeply([$bob->unexpected], [], 'and bob nothing more');
};

subtest 'removed, and let in again' => sub {
    unheard('hall', sub {
        bob_is('remove', 'hall');
        bob_is('add', 'hall');
        say_many('hall');
    });

    is_deeply(heard($_, 'hall', 2 * MANY), [1 .. 2 * MANY],
              'who is in hears everything') for $bob, $carol;
    $alice->say('hall', 'still there?');
    is($bob->hear('hall')->{content}, 'still there?', 'and goes on');
};

subtest 'removed while storage is asked for old messages' => sub {
    my %old = (conversationId => 'hall', beforeSequence => 10);
    my $before = $bob->request('history.get', \%old);

    is(@{ $before->{messages} }, 9, 'they are in storage');

    $chat->freeze('persist');
    my $number = $bob->post('history.get', \%old);
    $bob->request('ping');
    bob_is('remove', 'hall');
    $chat->thaw('persist');

    is($bob->reply($number)->{error}{code}, 'not_found',
       'they are not told any more');
    $_->unexpected for $alice, $bob, $carol;
};

subtest 'deleted' => sub {
    unheard('attic', sub {
        say_many('attic');
        $alice->request('conversation.delete',
                        { conversationId => 'attic' });
    });

    $_->expect('conversation.deleted') for $bob, $carol;
    is_deeply([grep { !/^(?:member|message)\./ } $_->unexpected], [],
              'nothing after it') for $bob, $carol;
};

subtest 'deleted, and made again' => sub {
    unheard('shed', sub {
        $alice->request('conversation.delete', { conversationId => 'shed' });
        $alice->request('conversation.create', {
            type => 'group', conversationId => 'shed', members => ['bob'],
        });
        say_many('shed');
    });

    is($_->expect('conversation.deleted')->{conversationId}, 'shed',
       'the old one has ended') for $bob, $carol;
    is_deeply([$_->unexpected], [], 'nothing of the new one')
        for $bob, $carol;
    is($carol->refused('conversation.join', { conversationId => 'shed' })
           ->{code}, 'not_found', 'carol is not in the new one');
    is($bob->join('shed')->{sequenceNumber}, 2 * MANY, 'bob is');
};

done_testing;
