# A conversation: who is in it hears everything, in order, on every node.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers => 2);
$chat->start;
$chat->create('lobby');

my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob', node_other_than => $alice);
my $phone = $chat->connect(user => 'alice', node_of => $bob);


subtest 'a join tells where the conversation stands' => sub {
    my $join = $alice->join('lobby');

    is($join->{conversationId}, 'lobby', 'conversationId');
    is($join->{sequenceNumber}, 0, 'no message yet');
    cmp_ok($join->{revision}, '>', 0, 'but a revision: it was created');
    is($join->{lastReadSequence}, 0, 'nothing read');
    is_deeply($join->{events}, [], 'no events: none were asked for');
    ok($join->{complete}, 'complete');
    ok(!$join->{reset}, 'no reset');
};

subtest 'what one says, all hear' => sub {
    $_->join('lobby') for $bob, $phone;

    my $sent = $alice->say('lobby', 'Good morning', 'first');

    like($sent->{id}, qr/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}$/, 'UUIDv7');
    is($sent->{sequenceNumber}, 1, 'the first message');
    like($sent->{timestamp}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
         'the time');
    ok(!$sent->{duplicate}, 'no duplicate');

    my @heard = map { $_->hear('lobby') } $alice, $bob, $phone;

    is_deeply($heard[0], {
        conversationId  => 'lobby',
        senderId        => 'alice',
        clientMessageId => 'first',
        content         => 'Good morning',
        map { $_ => $sent->{$_} } qw(id sequenceNumber revision timestamp),
    }, 'her own session hears it');
    is_deeply($heard[$_], $heard[0], 'all hear the same') for 1, 2;
};

subtest 'there may be no clientMessageId' => sub {
    $bob->say('lobby', { type => 'text', text => 'Hello' });

    my @heard = map { $_->hear('lobby') } $alice, $bob, $phone;

    ok(!exists $_->{clientMessageId}, 'then there is none') for @heard;
    is_deeply($_->{content}, { type => 'text', text => 'Hello' }, 'content')
        for @heard;
};

subtest 'all hear the same order, whoever speaks' => sub {
    my @clients = ($alice, $bob, $phone);
    my @open;

    for my $i (1 .. 100) {
        push @open, map {
            [$_, $_->post('message.send',
                          { conversationId => 'lobby', content => "$i" })]
        } @clients;

        # not more than 20 of each unanswered at a time
        next if $i % 20 != 0;
        $_->[0]->reply($_->[1]) for splice @open;
    }

    my @orders = map {
        my $client = $_;
        [map { $client->hear('lobby') } 1 .. 300];
    } @clients;

    is_deeply([map { $_->{sequenceNumber} } @{ $orders[0] }], [3 .. 302],
              'without gap or double');
    is_deeply($orders[$_], $orders[0], 'the same for all') for 1, 2;

    my @mine = grep { $_->{senderId} eq 'bob' } @{ $orders[0] };
    is_deeply([map { $_->{content} } @mine], [1 .. 100],
              'each speaker in the order sent');

    my $before = 0;
    my @falling = grep {
        my $fell = $_->{revision} <= $before;
        $before = $_->{revision};
        $fell;
    } @{ $orders[0] };
    is(@falling, 0, 'revisions grow');
};

subtest 'replies come in the order of the requests' => sub {
    my $carol = $chat->connect(user => 'carol');
    my $join = $carol->post('conversation.join',
                            { conversationId => 'lobby' });
    my @sends = map {
        $carol->post('message.send',
                     { conversationId => 'lobby', content => "$_" })
    } 1 .. 20;

    $carol->reply($join);
    my @numbers = map { $carol->reply($_)->{data}{sequenceNumber} } @sends;
    is_deeply(\@numbers, [303 .. 322], 'as they were sent');
    is($carol->hear('lobby')->{sequenceNumber}, $_, "and heard: $_")
        for 303 .. 322;
    $_->hear('lobby') for ($alice, $bob, $phone) x 20;
};

subtest 'who has left hears nothing more' => sub {
    $bob->leave('lobby');
    $alice->say('lobby', 'Is bob gone?');
    is($phone->hear('lobby')->{content}, 'Is bob gone?', 'others do');
    is_deeply([$bob->unexpected], [], 'he does not');

    ok($bob->say('lobby', 'I can still talk'), 'but may speak');
    is($alice->hear('lobby')->{content}, $_, "alice hears: $_")
        for 'Is bob gone?', 'I can still talk';

    $bob->join('lobby');
    $alice->say('lobby', 'Welcome back');
    is($bob->hear('lobby')->{content}, 'Welcome back', 'and come back');
};

subtest 'one may join twice, and still hears once' => sub {
    $bob->join('lobby');
    $alice->say('lobby', 'Once');
    is($bob->hear('lobby')->{content}, 'Once', 'once');
    is_deeply([$bob->unexpected], [], 'not twice');
};

subtest 'who has not joined may leave all the same' => sub {
    my $carol = $chat->connect(user => 'carol');

    ok($carol->leave('lobby'), 'without an error');
};

subtest 'users of another tenant have a lobby of their own' => sub {
    my $eve = $chat->connect(user => 'eve', claims => { tid => 'other' });

    is($eve->refused('conversation.join', { conversationId => 'lobby' })
           ->{code}, 'not_found', 'this one does not exist for them');
    is($eve->refused('message.send', { conversationId => 'lobby',
                                       content => 'x' })->{code},
       'not_found', 'nor to speak in');
};

done_testing;
