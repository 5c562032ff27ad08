# What nothing that is heard later would tell is found by comparing revisions:
# a lost publish that was the last one, a subscription that silently is not
# there, a conversation that has left Redis.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Gaps;
use ChatTest::Monitor;

my $chat = ChatTest->new(workers => 1, proxied => 1,
                         http => 'chat_compare_interval 1s;');
$chat->start;

my $proxy = $chat->proxy;
my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob');
my $gaps = ChatTest::Gaps->new($chat);


sub hears_ok (@contents) {
    for my $client ($alice, $bob) {
        is($client->hear('lobby')->{content}, $_, "$_ is heard")
            for @contents;
        is_deeply([$client->unexpected], [], 'and nothing else');
    }

    return;
}


# as a regular expression

sub lobby_channel () {
    my ($channel) = split /\n/, $chat->redis_cli('PUBSUB', 'CHANNELS',
                                                 'chat:{*lobby');
    return quotemeta $channel;
}


$chat->create('lobby');


subtest 'a subscription silently is not there' => sub {
    $proxy->swallow('redis', subscribe => 'lobby$');
    $_->join('lobby') for $alice, $bob;
    is($proxy->swallowed('redis'), 1, 'the one that was asked for');
    is($chat->redis_cli('PUBSUB', 'CHANNELS', 'chat:{*lobby'), '',
       'Redis knows of none');

    $alice->say('lobby', $_) for qw(one two);
    hears_ok(qw(one two));
    $gaps->are(1, 'a gap');

    my $channels = $chat->redis_cli('PUBSUB', 'CHANNELS', 'chat:{*lobby');
    isnt($channels, '', 'now it is there');

    $alice->say('lobby', 'three');
    hears_ok('three');
    $gaps->are(0, 'and nothing has to be repaired any more');
    $proxy->heal('redis');
};

subtest 'the last publish is lost' => sub {
    my $marks = $chat->logs->marks;

    $proxy->swallow('redis', message => lobby_channel());
    $alice->say('lobby', 'four');
    hears_ok('four');
    $gaps->are(1, 'a gap');
    like($chat->logs->since($marks),
         qr{\[notice\].*a gap in "chat:\{p\d+\}:c:default/lobby" was repaired},
         'the log says which');
    $proxy->heal('redis');
};

subtest 'a publish before others is lost' => sub {
    $proxy->swallow('redis', message => lobby_channel());
    $alice->say('lobby', $_) for qw(five six seven);
    hears_ok(qw(five six seven));
    $gaps->are(1, 'a gap');
    $proxy->heal('redis');
};

subtest 'what is on its way is no gap' => sub {
    $proxy->delay('redis', ms => 300, way => 'down', only => 'subscriber');

    for (1 .. 30) {
        $alice->say('lobby', "late $_");
        $chat->http(path => '/healthz') for 1 .. 20;
    }

    hears_ok(map { "late $_" } 1 .. 30);
    $gaps->are(0, 'none');
    $proxy->heal('redis');
};

subtest 'a conversation has left Redis' => sub {
    my $base = lobby_channel() =~ s/\\//gr;
    my $monitor = ChatTest::Monitor->new($chat->{redis_socket});

    $chat->wait_stored;
    $chat->redis_cli('DEL', map { "$base:$_" } qw(meta members hot ids));

    # after both: if "eight" were in what is compared, and not heard yet, it
    # would be taken for a gap

    $monitor->await_order('lobby', qw(load compare));
    pass('it is loaded again');

    $alice->say('lobby', 'eight');
    hears_ok('eight');
    $gaps->are(0, 'nothing was missed');

    # with the last publish lost, and only storage knows what it was

    $proxy->swallow('redis', message => quotemeta $base);
    $alice->say('lobby', 'nine');
    $chat->wait_stored;
    $chat->redis_cli('DEL', map { "$base:$_" } qw(meta members hot ids));
    hears_ok('nine');
    $gaps->are(1, 'a gap');
    $proxy->heal('redis');
};

subtest 'the subscription to the news is not there' => sub {
    $proxy->swallow('redis', subscribe => '^chat:nodes$');
    $proxy->cut('redis', only => 'subscriber');
    wait_until { $proxy->swallowed('redis') == 1 };
    wait_until { $chat->redis_cli('PUBSUB', 'NUMSUB', 'chat:nodes')
                     =~ /^1$/m };
    pass('it is made again');
    $proxy->heal('redis');
};

subtest 'a conversation that is looked at is in use' => sub {
    my $base = lobby_channel() =~ s/\\//gr;

    my $idle = sub { $chat->redis_cli('OBJECT', 'IDLETIME', "$base:meta") };

    wait_until { $idle->() >= 1 };
    wait_until { $idle->() == 0 };
    pass('its idle time is small again');
};

done_testing;
