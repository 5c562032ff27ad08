# A node that does not hear what its users choose tells nobody that they type:
# one may have become invisible.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(
    workers => 1, proxied => 1,
    with    => [qw(redis postgres persist presence)],
);
$chat->start;
$chat->create('team', by => 'alice', type => 'group', members => [qw(bob)]);

my $alice = $chat->connect(user => 'alice');
$alice->join('team');


sub published () {
    return $chat->metrics->{'chat_typing_published_total{event="started"}'};
}


# whether others are told

sub is_told () {
    my $before = published();

    $alice->request('typing.stop', { conversationId => 'team' });
    $alice->request('typing.start', { conversationId => 'team' });

    return published() > $before;
}


wait_until { is_told() };
pass('told at first');

subtest 'while the link of subscriptions is down' => sub {
    $chat->proxy->refuse('redis');
    $chat->proxy->cut('redis', only => ':subscriber$');
    wait_until { !$chat->metrics->{'chat_redis_links_up{link="subscriber"}'} };

    $alice->request('presence.set', { status => 'invisible' });
    ok(!is_told(), 'nobody is told');
};

subtest 'when it is up again' => sub {
    $chat->proxy->heal('redis');
    $alice->expect('presence.changed', sub { $_->{status} eq 'invisible' });
    ok(!is_told(), 'nobody is told, now that it is known');

    $alice->request('presence.set', { status => 'online' });
    wait_until { is_told() };
    pass('until it is not invisible any more');
};

done_testing;
