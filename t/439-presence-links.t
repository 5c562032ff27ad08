# What is under way over one link to Redis while the other one is lost, or tells
# something first: a user who has just left, one whom nobody watches any more,
# and somebody who is put out before it is known who is there.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Seen;

my $chat = ChatTest->new(
    workers => 1, proxied => 1, presence => { grace => 0 },
    redis_options => 'timeout=1m',
    with    => [qw(redis postgres persist presence)],
);
$chat->start;

my $seen = ChatTest::Seen->new($chat);
my $redis = $seen->redis;
my %user = map { $_ => $chat->connect(user => $_) } qw(ada bob cy dan);
my ($ada, $bob) = @user{qw(ada bob)};
my $group = $ada->insist('conversation.create', { type => 'group',
    clientId => uuid(), members => [qw(bob dan)] })->{conversationId};


sub metric ($name) { return $chat->metrics->{$name} }


sub listeners ($channel) {
    return $redis->call('PUBSUB', 'NUMSUB', $channel)->[1];
}


# Redis publishes, but does not answer

sub hold (%o) {
    return $chat->proxy->stall('redis', only => ':command$', %o);
}


# the link of subscriptions is lost, and up again: these channels are heard, and
# all that the node does then is done

sub lose_subscriber (@channels) {
    my $lost = 'chat_redis_link_lost_total{link="subscriber"}';
    my $before = metric($lost);

    $chat->proxy->cut('redis', only => ':subscriber$');
    wait_until { metric($lost) > $before };

    for my $channel (@channels, 'chat:user:default/ada') {
        wait_until { listeners($channel) == 1 };
    }

    $redis->call('PUBLISH', 'chat:user:default/ada',
                 'event - {"type":"marker","data":{}}');
    $ada->expect('marker');

    return;
}


sub states ($session, @users) {
    my $states = $session->insist('presence.subscribe',
                                  { userIds => \@users })->{states};

    return join ' ', map { $_->{status} } @$states;
}


$seen->becomes($_, 'o') for sort keys %user;

subtest 'a user leaves, then the other link is lost' => sub {
    hold(way => 'down');
    $user{cy}->disconnect;
    wait_until { metric('chat_users') == 3 };
    lose_subscriber();
    $chat->proxy->heal('redis');
    $seen->becomes('cy', 'f');
    wait_until { listeners('chat:user:default/cy') == 0 };
    is(states($ada, 'bob'), 'online', 'the node goes on');
};

subtest 'one whom nobody watches any more is read' => sub {
    my $part = $seen->prefix('dan');

    is(states($ada, 'dan'), 'online', 'dan is watched');

    # numbers of another epoch, as after Redis has been lost, of which a read
    # tells first

    hold();
    $redis->call('HINCRBY', "${part}part", 'epoch', 1);
    lose_subscriber(substr $part, 0, -1);
    $ada->insist('presence.unsubscribe', { userIds => ['dan'] });
    $chat->proxy->heal('redis');
    $seen->becomes('dan', 'o');
    is(states($ada, 'dan'), 'online', 'and once more');
};

subtest 'who asks is put out before the answer comes' => sub {
    is(states($bob, qw(ada dan)), 'online online', 'they are known');
    $bob->join($group);

    hold(way => 'down');
    my $get = $bob->post('presence.get', { conversationId => $group,
                                           subscribe => \1 });
    $bob->request('ping');
    my $remove = $ada->post('member.remove', { conversationId => $group,
                                               userId => 'bob' });
    $bob->expect('member.left', sub { $_->{userId} eq 'bob' });
    $chat->proxy->heal('redis');
    is($bob->reply($get)->{error}{code}, 'conflict', 'bob is told why');
    ok($ada->reply($remove)->{ok}, 'the node goes on');
};

done_testing;
