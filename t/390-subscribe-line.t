# Many who subscribe to users at once: storage is asked about some at a time, and
# those who do not wait any more are not asked about.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Redis;

use constant { PARALLEL => 64, MORE => 8, PARTITIONS => 16 };

my $chat = ChatTest->new(workers => 1, location => 'chat_request_timeout 60s;',
                         with => [qw(redis postgres persist presence)]);
$chat->start;

my $redis = ChatTest::Redis->new($chat->{redis_socket});
my $ada = $chat->connect(user => 'ada');
my @early = map { $chat->connect(user => "early$_") } 1 .. PARALLEL;
my @late = map { $chat->connect(user => "late$_") } 1 .. MORE;

sub asked () {
    my $n = 0;

    $n += $redis->call('XLEN', sprintf 'chat:{p%02d}:need', $_)
        for 0 .. PARTITIONS - 1;

    return $n;
}

sub waiting () { return $chat->metrics->{chat_joins_waiting} }

$ada->insist('conversation.create', { type => 'dm', members => ['early1'] });
wait_until {
    my $answer = $early[0]->insist('presence.subscribe',
                                   { userIds => ['ada'] });

    $answer->{states}[0]{status} eq 'online';
};

my $before = asked();
my %id;

$chat->freeze('persist');


sub subscribe (@clients) {
    $id{$_} = $_->post('presence.subscribe', { userIds => [qw(ada nobody)] })
        for @clients;

    return;
}


subtest 'so many are asked about' => sub {
    subscribe(@early);
    wait_until { asked() == $before + PARALLEL };

    subscribe(@late);
    wait_until { waiting() == MORE };
    is(asked() - $before, PARALLEL, 'the others are not');
};

subtest 'who goes' => sub {
    pop(@late)->disconnect;
    wait_until { waiting() == MORE - 1 };
    is(asked() - $before, PARALLEL, 'without having been asked about');

    pop(@early)->disconnect;
    wait_until { waiting() == MORE - 2 };
    wait_until { asked() == $before + PARALLEL + 1 };
    pass('or leaves its place to another one');
};

subtest 'all are answered' => sub {
    $chat->thaw('persist');

    my @states = map { $_->reply($id{$_})->{data}{states} } @early, @late;

    is(scalar @states, PARALLEL + MORE - 2, 'one answer for each');
    is_deeply([map { $_->{status} } @{ $states[0] }], [qw(online offline)],
              'who shares something is told');
    is_deeply([map { $_->{status} } map { @$_ } @states[1 .. $#states]],
              [('offline') x (2 * $#states)], 'nobody else');
    wait_until { waiting() == 0 };
    is(asked() - $before, PARALLEL + MORE - 1, 'each was asked about once');
};

done_testing;
