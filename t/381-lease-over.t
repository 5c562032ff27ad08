# A node that was cut off from Redis, and whose last user of a partition has left
# meanwhile, says so as soon as it is back: nobody waits for the end of the lease.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Seen;

my $chat = ChatTest->new(
    workers => 1, proxied => 1, presence => { grace => 0 },
    with    => [qw(redis postgres persist presence)],
);
$chat->start;

my $seen = ChatTest::Seen->new($chat);
my $ada = $chat->connect(user => 'ada');


sub leases () {
    return @{ $seen->redis->call('ZRANGE', $seen->prefix('ada') . 'nodes',
                                 0, -1) };
}


sub lost () {
    return $chat->metrics->{'chat_redis_link_lost_total{link="command"}'};
}


$seen->becomes('ada', 'o');

my ($old) = leases();
my $before = lost();

$chat->proxy->refuse('redis');
$chat->proxy->cut('redis', only => ':command$');
wait_until { lost() > $before };
$ada->disconnect;
wait_until { $chat->metrics->{chat_users} == 0 };

$chat->freeze('presence');              # which takes what is over
$chat->proxy->heal('redis');
wait_until { grep { $_ ne $old } leases() };
ok(eval { wait_until { !grep { $_ eq $old } leases() } },
   'the node itself has ended what was before');

$chat->thaw('presence');
$seen->becomes('ada', 'f');

done_testing;
