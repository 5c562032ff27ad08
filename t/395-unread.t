# What is unread is told by chat-presence: of conversations that a session has
# not joined, and once a second however much is said.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(time);

use ChatTest;
use ChatTest::Redis;

use constant MESSAGES => 100;

my $chat = ChatTest->new(workers => 2,
                         with => [qw(redis postgres persist presence)]);
$chat->start;

my $redis = ChatTest::Redis->new($chat->{redis_socket});
my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob', node_of => $alice);
my $phone = $chat->connect(user => 'bob', node_other_than => $alice);

wait_until {
    $redis->call('PUBSUB', 'NUMSUB', 'chat:user:default/bob')->[1] == 2;
};

# what nobody takes is not collected
wait_until {
    16 == grep { $redis->call('HEXISTS', sprintf('chat:{p%02d}:part', $_),
                              'unread') } 0 .. 15;
};


sub group () {
    my $id = $alice->request('conversation.create', {
        type => 'group', members => ['bob'],
    })->{conversationId};

    $_->expect_hint('conversation.created') for $bob, $phone;

    return $id;
}


# The numbers of a conversation that come, [sequence, unread] each, until these.

sub unread_until ($client, $id, @last) {
    my @told;

    while (!@told || "@{ $told[-1] }" ne "@last") {
        my $data = $client->expect_hint('unread.changed');

        push @told, map { [@$_{qw(sequenceNumber unread)}] }
            grep { $_->{conversationId} eq $id } @{ $data->{conversations} };
    }

    return @told;
}


subtest 'much that is said is told a few times' => sub {
    my $id = group();
    my $begun = time;

    $alice->say_all($id, map { "number $_" } 1 .. MESSAGES);

    for my $client ($bob, $phone) {
        my @told = unread_until($client, $id, MESSAGES, MESSAGES);
        my $seconds = time - $begun;

        cmp_ok(scalar @told, '<=', 2 + $seconds, scalar(@told) . ' times');
        is_deeply(\@told, [sort { $a->[0] <=> $b->[0] } @told],
                  'never less than before');
    }
};

subtest 'who has joined is told the messages, and not their number' => sub {
    my $id = group();

    $phone->join($id);
    $alice->say($id, 'hello');
    $phone->hear($id);
    unread_until($bob, $id, 1, 1);
    is_deeply([grep { $_->{type} eq 'unread.changed' } $phone->hints], [],
              'nothing');

    $phone->request('read.mark', { conversationId => $id,
                                   sequenceNumber => 1 });
    unread_until($bob, $id, 1, 0);
    pass('what one device has read the other one knows');
};

subtest 'what nobody has told is told by the next' => sub {
    my $id = group();

    $chat->kill('presence');
    $alice->say($id, 'hello');
    $chat->start_part('presence');

    unread_until($_, $id, 1, 1) for $bob, $phone;
    pass('after a kill');
};

subtest 'without what chat-persist brings all else goes on' => sub {
    my $other = ChatTest->new(with => [qw(redis postgres presence)]);

    $other->start;

    my $known = ChatTest::Redis->new($other->{redis_socket});

    # once in each partition, and once more
    wait_until {
        $known->call('INFO', 'commandstats')
            =~ /^cmdstat_fcall:.*failed_calls=(\d+)/m && $1 > 32;
    };
    unlike($other->logs->since({}), qr/"Redis failed"/, 'no link is lost');
    $other->stop;
};

done_testing;
