# What nodes may miss of what Redis publishes: their link was cut since they did
# not read, they stood still, they were late when Redis came back, news of a
# partition was lost.  Sessions do not notice.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Gaps;

my $chat = ChatTest->new(workers => 2, proxied => 1,
                         redis_options => 'timeout=1s',
                         http => 'chat_compare_interval 1h;');
$chat->start;
$chat->create('lobby');

my $proxy = $chat->proxy;
my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob', node_other_than => $alice);

$_->join('lobby') for $alice, $bob;


sub says ($content) {
    return $alice->insist('message.send', {
        conversationId  => 'lobby',
        clientMessageId => uuid(),
        content         => $content,
    });
}


# both hear all of it, in order and once

sub hear_ok (@contents) {
    for my $client ($alice, $bob) {
        my @heard = map { $client->hear('lobby')->{content} } @contents;

        is_deeply(\@heard, \@contents, 'all of it is heard');
        is_deeply([$client->unexpected], [], 'and nothing else');
    }

    return;
}


sub pid_of ($client) {
    my $node = $client->node;

    return $1 if $chat->logs->text('nginx')
        =~ /(\d+)#\d+: chat: node $node started/;
}


# the ids of their links, as Redis has them

sub subscribers () {
    return map { /^id=(\d+) .*:subscriber / ? $1 : () }
        split /\n/, $chat->redis_cli('CLIENT', 'LIST');
}


subtest 'the links are cut by their output buffer limit' => sub {
    my $gaps = ChatTest::Gaps->new($chat);
    my @texts = map { "$_ " . 'x' x 60_000 } 1 .. 12;
    my %old = map { $_ => 1 } subscribers();

    $chat->redis_cli('CONFIG', 'SET', 'client-output-buffer-limit',
                     'pubsub 100kb 100kb 0');
    $proxy->stall('redis', only => 'subscriber', existing => 1);
    says($_) for @texts;
    wait_until { !grep { $old{$_} } subscribers() };
    $proxy->heal('redis');

    hear_ok(@texts);
    $gaps->are(2, 'a gap on each node');
};

subtest 'a node stands still' => sub {
    wait_until { subscribers() == 2 };
    kill 'STOP', pid_of($bob);

    # longer than all of its deadlines; others do not wait for it
    my @texts = map { "while it stands $_" } 1 .. 50;

    for (@texts) {
        says($_);
        select undef, undef, undef, 0.1;
    }

    kill 'CONT', pid_of($bob);
    hear_ok(@texts);
};

subtest 'Redis comes back, and one link is late' => sub {
    my @texts = map { "at once $_" } 1 .. 10;

    my $gaps = ChatTest::Gaps->new($chat);

    $proxy->stall('redis', only => 'subscriber');
    $chat->restart('redis');
    says($_) for @texts;
    $proxy->heal('redis');

    hear_ok(@texts);
    $gaps->are(2, 'a gap on each node');
};

subtest 'nobody hears that a partition was opened' => sub {
    wait_until { subscribers() == 2 };
    $chat->wait_ready;
    $chat->wait_stored;
    $chat->kill('persist', 'TERM');
    says('lost');
    hear_ok('lost');

    $proxy->swallow('redis', message => '^chat:nodes$', times => -1);
    $chat->redis_cli('FLUSHALL');
    $chat->start_part('persist');

    for ($alice, $bob) {
        is($_->expect('conversation.reset')->{conversationId}, 'lobby',
           'who had seen what was lost is told');
    }

    ok($proxy->swallowed('redis') > 0, 'without the news');
    $proxy->heal('redis');

    says('goes on');
    hear_ok('goes on');
};

done_testing;
