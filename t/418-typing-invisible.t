# Nobody is told that somebody types who is invisible, or may be.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(
    workers => 2,
    with    => [qw(redis postgres persist presence)],
);

$chat->start;
$chat->create('team', by => 'alice', type => 'group', members => [qw(bob)]);

my $alice = $chat->connect(user => 'alice');
my $phone = $chat->connect(user => 'alice', node_other_than => $alice);
my $bob = $chat->connect(user => 'bob');

$_->join('team') for $alice, $phone, $bob;


sub start () {
    return $alice->request('typing.start', { conversationId => 'team' });
}


# what bob is told until something comes that was published later

sub told () {
    $alice->say('team', 'anything') for 1 .. 2;
    $bob->hear('team') for 1 .. 2;

    return join ' ', grep { /typing/ } $bob->unexpected;
}


sub is_told () {
    $bob->unexpected;
    start();

    return told();
}


subtest 'as soon as it is known that somebody is not' => sub {
    wait_until { is_told() eq 'typing.started typing.stopped' };
    pass('told');
};

subtest 'who becomes invisible' => sub {
    ok(wait_until {
        $phone->request('presence.set', { status => 'online' });
        wait_until { is_told() eq 'typing.started typing.stopped' };
        start();

        my $begun = $bob->expect('typing.started')->{expiresAt};

        $phone->request('presence.set', { status => 'invisible' });
        $bob->expect('typing.stopped')->{expiresAt} lt $begun;
    }, 'stops at once, on every node');
    $alice->expect('presence.changed', sub ($data) {
        $data->{status} eq 'invisible'
    });

    my $reply = start();
    is_deeply($reply, {}, 'the reply is the same');
    is_deeply($alice->request('typing.stop', { conversationId => 'team' }),
              {}, 'to a stop, too');
    is(is_told(), '', 'and nobody is told');

    $alice->disconnect;
    $alice = $chat->connect(user => 'alice');
    $alice->join('team');
    is(is_told(), '', 'nor of the next session');
};

subtest 'who is not any more' => sub {
    $alice->request('presence.set', { status => 'busy' });
    wait_until { is_told() eq 'typing.started typing.stopped' };
    pass('told');
};

done_testing;
