# A canary that was put out of its conversation, which is there all the same, is
# in it again soon.  What nobody has said puts it out here.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Metrics qw(parse_metrics);

use constant BASE => 'chat:{p00}:c:~/canary-0';

my $chat = ChatTest->new(canary => '1s', partitions => 1,
                         http => 'chat_partitions 1;');
$chat->start;


sub metric ($name) {
    my ($values) = parse_metrics($chat->http(path => '/metrics')->body);

    return $values->{"chat_canary_$name"};
}


sub hearing () {
    return $chat->redis_cli('PUBSUB', 'NUMSUB', BASE) =~ /^1$/m;
}


my $stored = 'stored_seconds_count';

wait_until { metric($stored) >= 1 } 20;

wait_until {
    my $next = $chat->redis_cli('HGET', BASE . ':meta', 'rev') + 1;

    $chat->redis_cli('PUBLISH', BASE, "$next 0 ! {}");
    !hearing();
} 20;

wait_until { metric('lost_total') == 1 } 20;
pass('it does not hear of its change');

my $before = metric($stored);

wait_until { metric($stored) >= $before + 3 } 40;
is(metric('lost_total'), 1, 'but of all that follow');

done_testing;
