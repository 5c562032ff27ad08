# conversation.join of several at once: each is answered as if it were alone.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers => 2,
                         location => 'chat_max_conversations 300;');
$chat->start;

my @rooms = map { sprintf 'room-%03d', $_ } 1 .. 200;

my $admin = $chat->connect(user => 'admin', claims => { roles => ['admin'] });
my @open;

for my $room (@rooms) {
    push @open, $admin->post('conversation.create', {
        conversationId => $room, type => 'channel',
    });
    $admin->reply(shift @open) if @open > 32;
}

$admin->reply($_) for @open;

my $alice = $chat->connect(user => 'alice');
$alice->join_all(@rooms[0 .. 9]);


sub resumed ($client, @conversations) {
    return { map { $_->{conversationId} => $_ }
             $client->join_all(@conversations) };
}


subtest 'each is answered as if it were joined alone' => sub {
    my $bob = $chat->connect(user => 'bob', node_other_than => $alice);
    my %seen = map { $_->{conversationId} => $_->{revision} }
               $bob->join_all(@rooms[0 .. 9]);
    $bob->disconnect;

    for my $room (@rooms[0 .. 4]) {
        $alice->say($room, "$room $_") for 1 .. 3;
    }

    my $one = $chat->connect(user => 'bob', node_other_than => $alice);
    my $all = $chat->connect(user => 'bob', node_other_than => $alice);
    my @one = map { $one->join($_, $seen{$_}) } @rooms[0 .. 9];

    is_deeply([$all->join_all(map { [$_ => $seen{$_}] } @rooms[0 .. 9])],
              \@one, 'in the order asked, with what was missed');
    is_deeply([map { scalar @{ $_->{events} } } @one],
              [(3) x 5, (0) x 5], 'three events, or none');

    $alice->say($_, 'live') for @rooms[0 .. 9];
    is($all->hear($_)->{content}, 'live', "$_ goes on") for @rooms[0 .. 9];
    is_deeply([$all->unexpected], [], 'with nothing twice');
};

subtest 'two hundred, the last one too' => sub {
    my $bob = $chat->connect(user => 'bob', node_other_than => $alice);
    my @joined = $bob->join_all(@rooms);

    is_deeply([map { $_->{conversationId} } @joined], \@rooms,
              'all, in the order asked');
    is((grep { $_->{complete} && !$_->{reset} } @joined), 200, 'complete');

    $alice->say($rooms[199], 'hello');
    is($bob->hear($rooms[199])->{content}, 'hello', 'and live');
    is_deeply([$bob->unexpected], [], 'that alone');
};

subtest 'what fails is said of each, the others are joined' => sub {
    $chat->create('closed', type => 'group');

    my $bob = $chat->connect(user => 'bob');
    my @joined = $bob->join_all($rooms[0], 'nowhere', $rooms[1], 'closed');

    is_deeply([map { [@$_{qw(conversationId)}, $_->{error}{code}] } @joined],
              [[$rooms[0], undef], ['nowhere', 'not_found'],
               [$rooms[1], undef], ['closed', 'not_found']], 'not_found');
    is_deeply([sort keys %{ $joined[1] }], [qw(conversationId error)],
              'with nothing else');

    $alice->say($rooms[1], 'still');
    is($bob->hear($rooms[1])->{content}, 'still', 'it hears the others');
};

subtest 'one too many is refused by itself' => sub {
    my $bob = $chat->connect(user => 'bob');

    $bob->join_all(@rooms);
    $chat->create("more-$_") for 1 .. 101;

    my @joined = $bob->join_all($rooms[0], map { "more-$_" } 1 .. 101);

    is_deeply([map { $_->{error}{code} // 'ok' } @joined],
              [('ok') x 101, 'too_large'], 'the last one is too_large');
};

subtest 'what is no batch is a bad request' => sub {
    my $bob = $chat->connect(user => 'bob');
    my %bad = (
        'none'            => [],
        'too many'        => [map { { conversationId => "r$_" } } 1 .. 201],
        'one twice'       => [map { { conversationId => $_ } } qw(a b a)],
        'a wrong id'      => [{ conversationId => 'a b' }],
        'a wrong revision' =>
            [{ conversationId => 'a', afterRevision => -1 }],
    );

    is($bob->refused('conversation.join', { conversations => $bad{$_} })
           ->{code}, 'bad_request', $_) for sort keys %bad;

    $bob->join_all($rooms[0]);
    $alice->say($rooms[0], 'x');
    ok($bob->hear($rooms[0]), 'and harms nobody');
};

subtest 'without an id it is done, and not answered' => sub {
    my $bob = $chat->connect(user => 'bob');

    $bob->send_text(encode({
        type => 'conversation.join',
        data => ChatTest::Client::join_list($rooms[0], 'nowhere'),
    }));
    $bob->history($rooms[0]);       # after it, for the same conversation
    is_deeply([$bob->unexpected], [], 'no reply');

    $alice->say($rooms[0], 'heard');
    is($bob->hear($rooms[0])->{content}, 'heard', 'but joined');
};

subtest 'a reset is said of each' => sub {
    my $bob = $chat->connect(user => 'bob');
    my @joined = $bob->join_all([$rooms[0] => 9007199254740991],
                                [$rooms[1] => 0]);

    is_deeply([map { $_->{reset} ? 1 : 0 } @joined], [1, 0],
              'one is to start over');
    is_deeply($joined[0]{events}, [], 'without events');
    ok(@{ $joined[1]{events} }, 'the other has some');
};

done_testing;
