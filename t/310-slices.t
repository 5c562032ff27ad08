# What many are told is cut into turns of the event loop: others are served in
# between, nothing is lost or out of order, whoever comes and goes meanwhile.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Redis;

use constant {
    CROWD    => 260,        # sessions: more than a room that is hurried
    RECEIPTS => 150,        # in one read of the link; to all, too many
};

my $chat = ChatTest->new(workers => 1);
$chat->start;
$chat->create('lobby', type => 'channel');

my $redis = ChatTest::Redis->new($chat->{redis_socket});
my @crowd = map { $chat->connect(user => 'ada') } 1 .. CROWD;
$_->post('conversation.join', { conversationId => 'lobby' }) for @crowd;
$_->reply(1) for @crowd;

my $zoe = $chat->connect(user => 'zoe');
$zoe->join('lobby');

my ($lobby) = split /\n/, $chat->redis_cli('PUBSUB', 'CHANNELS', 'chat:{*');


sub cut ($what) {
    return $chat->metrics->{qq(chat_turns_cut_total{what="$what"})};
}


# receipts that Redis publishes at once, whose numbers go on

my $last = 0;

sub publish ($n) {
    $redis->call_all(['MULTI'],
        (map { ['PUBLISH', $lobby, '0 0 . ' . receipt(++$last)] } 1 .. $n),
        ['EXEC']);

    return;
}


sub receipt ($n) {
    return qq({"type":"receipt.read","data":{"conversationId":"lobby",)
        . qq("userId":"ada","sequenceNumber":$n}});
}


# what of it a client is told

sub heard ($client, $n) {
    return [map { $client->expect('receipt.read')->{sequenceNumber} } 1 .. $n];
}


# large messages, whose revisions all must get in order

sub broadcast ($n) {
    return [map { $_->{revision} }
        $zoe->say_all('lobby', map { 'x' x 6000 } 1 .. $n)];
}


sub revisions ($client, $n) {
    return [map { $client->hear('lobby')->{revision} } 1 .. $n];
}


subtest 'a broadcast' => sub {
    my $sent = broadcast(4);

    is_deeply(revisions($_, 4), $sent, 'comes whole, in order')
        for @crowd[0, -1], $zoe;
};

subtest 'many events of one read' => sub {
    my $before = cut('publish');

    publish(RECEIPTS);

    is_deeply(heard($_, RECEIPTS), [1 .. RECEIPTS], 'come in order')
        for @crowd[0, -1], $zoe;
    ok(cut('publish') > $before, 'in several turns');
    is_deeply([$crowd[0]->unexpected], [], 'and nothing else does');
};

subtest 'who comes and goes meanwhile' => sub {
    my @gone = splice @crowd, 10, 100;
    my $bob = $chat->connect(user => 'bob');
    my $id = $bob->post('conversation.join', { conversationId => 'lobby' });

    publish(RECEIPTS);
    $_->disconnect(1) for @gone[0 .. 49];
    $_->post('conversation.leave', { conversationId => 'lobby' })
        for @gone[50 .. 99];
    my $sent = broadcast(4);

    my $position = $bob->reply($id)->{data};
    my @heard = grep { $_ > $position->{revision} } @$sent;
    is_deeply(revisions($bob, scalar @heard), \@heard,
              'who came has all since then');

    for my $client (@crowd[0, -1]) {
        is_deeply(heard($client, RECEIPTS),
                  [RECEIPTS + 1 .. 2 * RECEIPTS], 'who stays has all receipts');
        is_deeply(revisions($client, 4), $sent, 'and all messages');
    }

    is($zoe->request('ping')->{serverTime} ? 1 : 0, 1, 'it goes on');
};

subtest 'who is put out meanwhile' => sub {
    $chat->create('club', by => 'zoe', members => ['bob']);

    my @bob = map { $chat->connect(user => 'bob') } 1 .. 2;
    $_->join('club') for @bob, $zoe;

    publish(RECEIPTS);
    $zoe->say('club', 'good bye');
    $zoe->request('member.remove', { conversationId => 'club',
                                     userId => 'bob' });
    $zoe->say('club', 'he is gone');

    for my $client (@bob) {
        is($client->hear('club')->{content}, 'good bye', 'hears what was said');
        is($client->expect('member.left')->{userId}, 'bob', 'and that he left');
        $client->request('ping');
        is_deeply([$client->unexpected], [], 'and nothing after it');
    }
};

subtest 'the link is lost meanwhile' => sub {
    my $sent = broadcast(1);

    publish(RECEIPTS);
    $redis->call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    push @$sent, @{ broadcast(4) };

    is_deeply(revisions($crowd[0], 5), $sent, 'no message is missing');
    ok(cut('flush') > 0, 'many of all these were cut');
};

subtest 'a reload' => sub {
    my @old = @crowd[0 .. 3];

    broadcast(4);
    $chat->reload;
    $_->expect_close(1012, 30) for @old;
    pass('ends all');
};

done_testing;
