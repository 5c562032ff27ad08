# Redis loses what had let a user in, or a user is put out just after a loss:
# its sessions hear that they have to start over, and nothing of what they may
# not see any more.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);

use ChatTest;

my $chat = ChatTest->new(workers => 2);
$chat->start;

my $files = $chat->directory . '/appendonlydir';
my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob', node_other_than => $alice);
my $phone = $chat->connect(user => 'bob', node_of => $alice);


sub begin () {
    my $id = $alice->request('conversation.create', {
        type => 'group', members => ['bob'],
    })->{conversationId};

    $_->join($id) for $alice, $bob, $phone;

    return $id;
}


sub bob_is ($what, $id) {
    return $alice->insist("member.$what",
                          { conversationId => $id, userId => 'bob' });
}


# what has happened since chat-persist was killed is lost

sub lose_redis () {
    $chat->kill('redis');
    remove_tree($files);
    $chat->restart('redis');
    $chat->start_part('persist');
    $chat->wait_ready;

    return;
}


sub insist_on ($id, $content) {
    return $alice->insist('message.send', {
        conversationId => $id, content => $content,
        clientMessageId => uuid(),
    });
}


subtest 'what let one in is lost' => sub {
    my $id = begin();

    bob_is('remove', $id);
    $_->expect('member.left') for $alice, $bob, $phone;
    $chat->wait_stored;
    $chat->kill('persist', 'TERM');
    bob_is('add', $id);
    $_->join($id) for $bob, $phone;
    $alice->say($id, 'lost');
    $_->hear($id) for $alice, $bob, $phone;

    lose_redis();
    $_->expect('conversation.reset') for $alice, $bob, $phone;
    insist_on($id, 'without bob');
    $alice->expect('message.created', sub { $_->{content} eq 'without bob' });

    is_deeply([$_->unexpected], [], 'who is out hears nothing')
        for $bob, $phone;
    is($bob->refused('conversation.join', { conversationId => $id })->{code},
       'not_found', 'and cannot join');
};

subtest 'what was said is lost, and one stays in' => sub {
    my $id = begin();

    $chat->wait_stored;
    $chat->kill('persist', 'TERM');
    $alice->say($id, 'lost');
    $_->hear($id) for $alice, $bob, $phone;

    lose_redis();
    $_->expect('conversation.reset') for $alice, $bob, $phone;

    # without joining again themselves; what they ask comes after what the
    # server does for them
    $_->history($id) for $bob, $phone;
    insist_on($id, 'with bob');
    is($_->hear($id)->{content}, 'with bob', 'heard') for $bob, $phone;
    is_deeply([$_->unexpected], [], 'once') for $bob, $phone;
};

# The workers stand still until that has happened, so that they find both at
# once.

subtest 'what was said is lost, and then one is put out' => sub {
    my $id = begin();
    my @workers = $chat->workers;

    $chat->wait_stored;
    $chat->kill('persist', 'TERM');
    $alice->say($id, 'lost');
    $_->hear($id) for $alice, $bob, $phone;

    $chat->kill('redis');
    remove_tree($files);
    $chat->restart('redis');
    kill 'STOP', @workers;
    $chat->start_part('persist');
    wait_until {
        ($chat->chatctl('member', 'remove', $id, 'bob'))[0] == 0;
    };
    kill 'CONT', @workers;

    $_->expect('conversation.reset') for $alice, $bob, $phone;
    insist_on($id, 'without bob');
    $alice->expect('message.created', sub { $_->{content} eq 'without bob' });

    is_deeply([$_->unexpected], [], 'who is out hears nothing')
        for $bob, $phone;
};

done_testing;
