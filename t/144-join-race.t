# Joins, single and several at once, race with what is said: the links over
# which a node asks Redis and hears of events are delayed, each by itself and
# anew all the time, so that the answer comes before the events and after them,
# and from Redis and PostgreSQL.  Everybody hears everything once and in order.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Listener;

use constant { STEPS => 200, CONVERSATIONS => 6, OPEN => 64 };

my $seed = $ENV{CHAT_TEST_SEED} // time;
srand $seed;
diag "CHAT_TEST_SEED=$seed";

my $chat = ChatTest->new(workers => 2, proxied => 1,
                         location => 'chat_send_queue 64k;'
                                     . ' chat_request_timeout 1m;');
$chat->start;

my @rooms = map { "room-$_" } 1 .. CONVERSATIONS;
$chat->create($_) for @rooms;

my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob', node_other_than => $alice);
my (@open, %said);


sub one_of (@list) { return $list[rand @list] }


# says something; of what is not answered there is a bounded number

sub say_something ($room) {
    my $speaker = one_of($alice, $bob);

    push @open, [$speaker, $room, $speaker->post('message.send', {
        conversationId => $room, content => 'x' x rand 2000,
    })];

    answer() while @open > OPEN;

    return;
}


sub answer () {
    my ($speaker, $room, $id) = @{ shift @open };

    push @{ $said{$room} }, $speaker->reply($id)->{data}{revision};

    return;
}


# either link may be the slower one, or one of them breaks

sub disturb () {
    my $proxy = $chat->proxy;

    for my $link (qw(command subscriber)) {
        $proxy->delay('redis', only => $link, way => 'down',
                      ms => one_of(0, 0, 3, 10, 30));
    }

    $proxy->cut('redis', only => 'subscriber') if rand() < 0.15;

    return;
}


my @listeners = map {
    ChatTest::Listener->new(chat => $chat, user => "listener-$_",
                            conversations => \@rooms)
} 1 .. 6;


sub some_rooms () { return grep { rand() < 0.6 } @rooms }


my @happens = (
    (sub ($l) { say_something(one_of(@rooms)) for 1 .. rand 30 }) x 10,
    (sub ($l) { $l->join_each($l->missing) }) x 2,
    (sub ($l) { $l->join_all($l->missing) if $l->missing }) x 3,
    (sub ($l) { $l->join_each(one_of(@rooms)) }) x 2,
    (sub ($l) { my @r = some_rooms(); $l->join_all(@r) if @r }) x 2,
    (sub ($l) { $l->leave($_) for some_rooms() }) x 2,
    (sub ($l) { $l->connect }) x 1,
    (sub ($l) { disturb() }) x 2,
);


subtest 'all of it at once' => sub {
    for (1 .. STEPS) {
        one_of(@happens)->(one_of(@listeners));
        $_->turn for @listeners;
    }

    answer() while @open;
    $chat->proxy->heal('redis');

    # what was said while nobody had it asked for is in PostgreSQL alone
    push @listeners, map {
        ChatTest::Listener->new(chat => $chat, user => "late-$_",
                                conversations => \@rooms)
    } 1 .. 2;

    my %last = map {
        $_ => $alice->insist('conversation.join', { conversationId => $_ })
                  ->{revision}
    } @rooms;

    wait_until {
        for my $listener (@listeners) {
            $listener->turn;
            next if !$listener->idle;

            my @missing = $listener->missing;
            next if !@missing;

            rand() < 0.5 ? $listener->join_all(@missing)
                         : $listener->join_each(@missing);
        }

        !grep { !$_->has(%last) } @listeners;
    } 60;

    pass('everybody has come to the end');
};


my %log = map { $_ => [map { $_->{data}{revision} } $bob->resume($_, 0)] }
          @rooms;

for my $room (@rooms) {
    my %in = map { $_ => 1 } @{ $log{$room} };

    is((grep { !$in{$_} } @{ $said{$room} }), 0,
       "$room: all of " . @{ $said{$room} } . ' that were said are there');
}

for my $listener (@listeners) {
    subtest $listener->{user} => sub {
        is_deeply([$listener->faults], [], 'nothing out of turn');
        is_deeply($listener->heard($_), $log{$_}, "all of $_") for @rooms;
    };
}

done_testing;
