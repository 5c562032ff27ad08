# The canary notices what nobody complains about: changes that are accepted and
# stored, but that a node does not hear of.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Metrics qw(parse_metrics);

my $chat = ChatTest->new(canary => '1s', partitions => 1, proxied => 1,
                         http => 'chat_partitions 1;');
$chat->start;


sub metrics () {
    return (parse_metrics($chat->http(path => '/metrics')->body))[0];
}


sub grows ($name, $by = 1) {
    my $before = metrics()->{$name};
    my $ok = eval { wait_until { metrics()->{$name} >= $before + $by } 20 };

    ok($ok, "$name grows") or diag(explain(metrics()));

    return;
}


my $heard = 'chat_canary_delivery_seconds_count';

subtest 'a change that is not published to the node is lost' => sub {
    grows($heard, 2);

    my $before = metrics();

    $chat->proxy->swallow('redis', message => ':c:~/canary-');
    grows('chat_canary_lost_total');

    my $now = metrics();
    is($now->{$_}, $before->{$_}, "$_ does not grow")
        for qw(chat_canary_failed_total chat_canary_unstored_total);
    cmp_ok($now->{chat_canary_stored_seconds_count}, '>',
           $before->{chat_canary_stored_seconds_count}, 'it was stored');
};

subtest 'the next one is heard again' => sub {
    grows($heard, 2);
    is(metrics()->{chat_canary_lost_total}, 1, 'one was lost in all');
};

subtest 'a subscription that is not there is noticed at once' => sub {
    $chat->proxy->swallow('redis', subscribe => ':c:~/canary-');
    $chat->proxy->cut('redis', only => ':subscriber$');
    grows('chat_canary_lost_total');
};

done_testing;
