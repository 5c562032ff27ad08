# A retry under the same clientMessageId makes no second message: it gets the
# first one's answer, at once, later, and after everything was restarted.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers => 2);
$chat->start;
$chat->create('lobby');

my $alice = $chat->connect(user => 'alice');


sub send_as ($client, $client_id, $content = 'once', $where = 'lobby') {
    return $client->say($where, $content, $client_id);
}


# that an answer is that of an earlier message

sub duplicate_ok ($answer, $first, $what) {
    ok($answer->{duplicate}, "$what: a duplicate");
    is($answer->{$_}, $first->{$_}, "the same $_")
        for qw(id sequenceNumber revision timestamp);

    return;
}


my %first = map { $_ => send_as($alice, $_) } 'a', uuid();

subtest 'a retry gets the first answer' => sub {
    duplicate_ok(send_as($alice, $_), $first{$_}, $_) for sort keys %first;
};

subtest 'what a retry says does not matter' => sub {
    duplicate_ok(send_as($alice, 'a', 'twice'), $first{a}, 'other content');
};

subtest 'on another connection to another node it is the same' => sub {
    my $again = $chat->connect(user => 'alice', node_other_than => $alice);

    duplicate_ok(send_as($again, 'a'), $first{a}, 'another node');
};

subtest 'nobody hears a duplicate' => sub {
    my $bob = $chat->connect(user => 'bob');

    $bob->join('lobby');
    send_as($alice, 'a');
    is_deeply([$bob->unexpected], [], 'bob does not');
    is($bob->join('lobby')->{sequenceNumber}, 2, 'there are two messages');
};

subtest 'retries that overtake each other make one message' => sub {
    my @ids = map {
        $alice->post('message.send', {
            conversationId => 'lobby', clientMessageId => 'b',
            content => "try $_",
        })
    } 1 .. 10;
    my @answers = map { $alice->reply($_)->{data} } @ids;

    is((grep { !$_->{duplicate} } @answers), 1, 'one is new');
    is($_->{id}, $answers[0]{id}, 'all have its id') for @answers;
};

subtest 'the id belongs to sender and conversation' => sub {
    $chat->create('hall');

    my $bob = $chat->connect(user => 'bob');

    ok(!send_as($bob, 'a')->{duplicate}, 'another sender');
    ok(!send_as($alice, 'a', 'x', 'hall')->{duplicate},
       'another conversation');
};

subtest 'an id that Redis has forgotten is found in PostgreSQL' => sub {
    # 1024 client ids are kept in Redis
    for my $i (1 .. 80) {
        my @open = map {
            $alice->post('message.send', {
                conversationId => 'lobby', clientMessageId => "m$i-$_",
                content => 'x',
            })
        } 1 .. 16;

        $alice->reply($_) for @open;
    }

    duplicate_ok(send_as($alice, $_), $first{$_}, $_) for sort keys %first;
    ok(!send_as($alice, 'new')->{duplicate}, 'a new one is new');
    ok(!send_as($alice, uuid())->{duplicate}, 'a new UUIDv7 too');
    ok(!send_as($alice, uuid(1_600_000_000_000))->{duplicate},
       'one of an old time too');
};

subtest 'after a restart of everything it is the same' => sub {
    $chat->wait_stored;
    $alice->disconnect;
    $chat->restart($_) for qw(redis postgres persist nginx);
    $alice = $chat->connect(user => 'alice');

    for my $id (sort keys %first) {
        duplicate_ok(send_as($alice, $id), $first{$id}, $id);
    }

    ok(!send_as($alice, 'newer')->{duplicate}, 'a new one is new');
};

done_testing;
