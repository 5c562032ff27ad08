# Links to Redis that are half open: silent in one direction or both, never
# closed.  Two users on two nodes talk on meanwhile; both hear everything, once
# and in order, on the connections that they have.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(all sum);

use ChatTest;
use ChatTest::Talker;

use constant COUNT => 300;

my $chat = ChatTest->new(workers => 2, proxied => 1,
                         redis_options => 'timeout=1s');
$chat->start;
$chat->create('lobby');

my $proxy = $chat->proxy;
my @talkers = map {
    ChatTest::Talker->new(chat => $chat, conversation => 'lobby',
                          user => $_, count => COUNT)
} qw(alice bob);

$talkers[0]->turn;
$talkers[1]->elsewhere_than($talkers[0]);


sub talk_until ($condition) {
    wait_until {
        $_->turn for @talkers;
        $condition->();
    } 30;

    return;
}


sub said ($n) {
    return sub { $n <= sum map { $_->said } @talkers };
}


# the ids of the connections of a kind that are alive

sub links ($kind) {
    return map { $_->{id} } grep { $_->{name} =~ /:$kind$/ && !$_->{dead} }
        $proxy->connections('redis');
}


# each node gets a new link of a kind in place of one that is held up, and
# what is said meanwhile is heard

my $mark = 0;

sub survives ($kind, $fault, %o) {
    my %old = map { $_ => 1 } links($kind);

    talk_until(said($mark + 10));
    $proxy->$fault('redis', only => ":$kind\$", existing => 1, %o);

    talk_until(sub { 2 == grep { !$old{$_} } links($kind) });
    $mark += 60;
    talk_until(said($mark));
    $proxy->heal('redis');
    pass('new links, and they talk on');

    return;
}


for my $kind (qw(command subscriber)) {
    subtest "the $kind links are silent upwards" => sub {
        survives($kind, 'stall', way => 'up');
    };

    subtest "the $kind links are silent downwards" => sub {
        survives($kind, 'stall', way => 'down');
    };

    subtest "the $kind links are silent both ways, for ever" => sub {
        survives($kind, 'blackhole');
    };
}


subtest 'both have said and heard everything' => sub {
    talk_until(sub {
        all { $_->done && $_->heard == 2 * COUNT } @talkers;
    });

    for (@talkers) {
        is_deeply([map { $_->{sequenceNumber} } $_->heard],
                  [1 .. 2 * COUNT], 'in order, without gap or double');
        is($_->lost, 0, 'on the connection that it had');
        is($_->resets, 0, 'and never had to start over');
    }

    my %ids = map { $_->{clientMessageId} => 1 } $talkers[0]->heard;
    is(keys %ids, 2 * COUNT, 'every message once');
};

done_testing;
