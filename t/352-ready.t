# Requests that a session sends at once: those for one conversation run one after
# the other, and none is forgotten, whatever becomes of the one before it.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant {
    ROUNDS => 15,
    ROOMS  => 3,
};

my $chat = ChatTest->new(workers => 1);
$chat->start;

my @rooms = map { "room-$_" } 1 .. ROOMS;

$chat->create($_) for @rooms;


# the ids of messages, one to each room

sub post_to_all ($client, $text) {
    return map {
        $client->post('message.send', { conversationId => $_,
                                        content => $text });
    } @rooms;
}


sub numbers_of ($client, @ids) {
    return map { $client->reply($_)->{data}{sequenceNumber} } @ids;
}


subtest 'each room has its messages in order' => sub {
    my $alice = $chat->connect(user => 'alice');
    my @ids = map { post_to_all($alice, "round $_") } 1 .. ROUNDS;

    is_deeply([numbers_of($alice, @ids)],
              [map { ($_) x ROOMS } 1 .. ROUNDS],
              'numbered as they were sent');
};

subtest 'a batch waits for what came before it, and others for the batch' => sub {
    my $alice = $chat->connect(user => 'alice');
    my @before = post_to_all($alice, 'before');
    my $batch = $alice->post('conversation.join', {
        conversations => [map { { conversationId => $_ } } @rooms],
    });
    my @after = post_to_all($alice, 'after');

    is_deeply([numbers_of($alice, @before)], [(ROUNDS + 1) x ROOMS], 'before');

    my $joined = $alice->reply($batch);

    ok($joined->{ok}, 'joined');
    is_deeply([numbers_of($alice, @after)], [(ROUNDS + 2) x ROOMS], 'after');

    for my $room (@rooms) {
        is($alice->hear($room)->{content}, 'after',
           "$room: heard since the join");
    }
};

subtest 'what is refused at once lets the next one run' => sub {
    my $alice = $chat->connect(user => 'alice');
    my (@refused, @good);

    for my $round (1 .. ROUNDS) {
        push @refused, $alice->post('message.delete', {
            conversationId => $rooms[0],
            messageId      => 'ffffffff-ffff-7fff-bfff-ffffffffffff',
        });
        push @good, $alice->post('message.send', {
            conversationId => $rooms[0], content => "between $round",
        });
    }

    ok(!$alice->reply($_)->{ok}, 'refused') for @refused;
    is_deeply([numbers_of($alice, @good)],
              [map { ROUNDS + 2 + $_ } 1 .. ROUNDS], 'the others are not');
};

subtest 'who leaves with requests under way harms nobody' => sub {
    my $alice = $chat->connect(user => 'alice');

    post_to_all($alice, 'last words') for 1 .. ROUNDS;
    $alice->disconnect;

    my $bob = $chat->connect(user => 'bob');

    ok($bob->say($_, 'still here'), "$_ is served") for @rooms;
};

done_testing;
