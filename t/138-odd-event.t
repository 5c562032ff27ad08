# An event that Redis publishes and knows nothing of, as it may be after its
# data was dropped under a link that stayed: the node asks once more, and goes
# on.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Monitor;

use constant PINGS => 200;

my $chat = ChatTest->new(workers => 1, partitions => 1,
                         http => 'chat_partitions 1;');
$chat->start;
$chat->create('lobby');

my ($alice, $bob) = map { $chat->connect(user => $_) } qw(alice bob);
my $revision = $alice->join('lobby')->{revision};

$bob->join('lobby');


# how often Redis has been asked where the conversation is

my $monitor = ChatTest::Monitor->new($chat->{redis_socket});

sub calls () { return $monitor->count('compare', 'lobby') }


sub publish_odd ($above) {
    my $before = calls();

    $chat->redis_cli('PUBLISH', 'chat:{p00}:c:default/lobby',
                     ($revision + $above) . ' 0 . {"type":"odd","data":{}}');
    wait_until { calls() > $before };

    return;
}


sub say_heard ($content) {
    $alice->say('lobby', $content);
    is($_->hear('lobby')->{content}, $content, "\"$content\" is heard")
        for $alice, $bob;

    return;
}


subtest 'what does not go on from the last one' => sub {
    publish_odd(5);

    my $before = calls();

    $alice->request('ping') for 1 .. PINGS;
    cmp_ok(calls() - $before, '<', PINGS / 4, 'Redis is not asked on and on');
    is_deeply([$_->unexpected], [], 'nobody gets it') for $alice, $bob;
};

subtest 'what really happens is heard at once' => sub {
    say_heard("message $_") for 1 .. 3;
    publish_odd(2**33);
    say_heard("message $_") for 4 .. 6;
    is_deeply([$_->unexpected], [], 'and once') for $alice, $bob;
};

done_testing;
