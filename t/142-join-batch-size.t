# How much a join of several brings at once, and that all of it comes.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant REPLY => 1_048_576;

my $chat = ChatTest->new(
    listen   => 'sndbuf=128k',      # less than a reply
    location => 'chat_send_queue 64k;',
);
$chat->start;

my @rooms = map { sprintf 'room-%02d', $_ } 0 .. 19;
my $alice = $chat->connect(user => 'alice');

$chat->create($_) for @rooms;


sub revisions (@rooms) {
    my $client = $chat->connect(user => 'eve');

    return map { $_->{conversationId} => $_->{revision} }
           $client->join_all(@rooms);
}


sub ids (@events) { return [map { $_->{id} // $_->{data}{id} } @events] }


# the revision that a join brings one to

sub reach ($join, %seen) {
    my @events = @{ $join->{events} };

    return @events ? $events[-1]{data}{revision}
                   : $seen{ $join->{conversationId} };
}


# all that was said, by conversation, has come, in order

sub came_ok ($got, $said, $what) {
    is_deeply({ map { $_ => ids(@{ $got->{$_} }) } keys %$got },
              { map { $_ => ids(@{ $said->{$_} }) } keys %$said }, $what);

    return;
}


subtest 'what is too much for one reply comes in several' => sub {
    my %seen = revisions(@rooms);
    my %said = map {
        $_ => [$alice->say_all($_, map { "$_ " . 'x' x 30_000 } 1 .. 4)]
    } @rooms;

    my $bob = $chat->connect(user => 'bob');
    my @joined = $bob->join_all(map { [$_ => $seen{$_}] } @rooms);

    cmp_ok(length $bob->raw, '<=', REPLY, 'the reply has a megabyte at most');
    cmp_ok(length $bob->raw, '>', REPLY - 60_000, 'and is used');
    cmp_ok((grep { $_->{complete} } @joined), '<', 20, 'not all is complete');
    is((grep { $_->{revision} != reach($_, %seen) } @joined), 0,
       'each reaches to its last event, or stays where it was');

    $bob = $chat->connect(user => 'bob');
    came_ok($bob->resume_all(%seen), \%said, 'joined again, it all comes');
    $alice->say($_, 'live') for @rooms;
    is($bob->hear($_)->{content}, 'live', "$_ is live") for @rooms;
    is_deeply([$bob->unexpected], [], 'nothing twice');
};

# neither is answered before both have all that they get: each waits for one
# that has to be loaded, until it is told that this takes too long

subtest 'several of one session have no more room together' => sub {
    my $bob = $chat->connect(user => 'bob');
    my @halves = ([@rooms[0 .. 9], 'cold-1'], [@rooms[10 .. 19], 'cold-2']);

    $chat->freeze('persist');

    my @asked = map {
        $bob->post('conversation.join', { conversations => [
            map { { conversationId => $_, afterRevision => 0 } } @$_
        ] })
    } @halves;
    my @replies = map { $bob->reply($_) } @asked;
    my $size = 0;

    $size += length $_->{raw} for @replies;
    $chat->thaw('persist');

    is((grep { $_->{data}{conversations}[10]{error} } @replies), 2,
       'both have waited');
    cmp_ok($size, '>', REPLY - 100_000, 'they have filled the room');
    cmp_ok($size, '<=', REPLY, 'and not more');
};

subtest 'of one conversation comes a quarter of that' => sub {
    my %seen = revisions(@rooms[0 .. 1]);
    my %said = map {
        $_ => [$alice->say_all($_, map { 'y' x 60_000 } 1 .. 6)]
    } @rooms[0 .. 1];

    my $bob = $chat->connect(user => 'bob');
    my @joined = $bob->join_all(map { [$_ => $seen{$_}] } @rooms[0 .. 1]);

    is_deeply([map { scalar @{ $_->{events} } } @joined], [4, 4],
              'as many as fit into 256 kB');
    came_ok($chat->connect(user => 'bob')->resume_all(%seen), \%said,
            'then the rest');
};

subtest 'what Redis has let go comes from PostgreSQL, in the same way' => sub {
    my %seen = revisions(@rooms[0 .. 5]);
    my %said = map {
        $_ => [$alice->say_all($_, map { "$_ " . 'z' x 400 } 1 .. 320)]
    } @rooms[0 .. 4];

    $chat->wait_stored;
    push @{ $said{$_} }, $alice->say_all($_, map { 'later' } 1 .. 40)
        for @rooms[0 .. 4];
    $said{ $rooms[5] } = [$alice->say_all($rooms[5], 'just one')];

    my $bob = $chat->connect(user => 'bob');
    my @joined = $bob->join_all(map { [$_ => $seen{$_}] } @rooms[0 .. 5]);

    cmp_ok(length $bob->raw, '<=', REPLY, 'the reply has a megabyte at most');
    came_ok($chat->connect(user => 'bob')->resume_all(%seen), \%said,
            'all of it');
};

subtest 'a slow line is given time for a large reply' => sub {
    my %seen = revisions(@rooms[0 .. 9]);

    $alice->say_all($_, map { 'w' x 60_000 } 1 .. 2) for @rooms[0 .. 9];
    $alice->join($rooms[0]);

    my $bob = $chat->connect(user => 'bob');
    my $id = $bob->post('conversation.join', ChatTest::Client::join_list(
        map { [$_ => $seen{$_}] } @rooms[0 .. 9]));

    # the reply is under way, and nothing of it is read
    wait_until { $bob->readable };

    for my $n (1 .. 20) {
        $alice->say($rooms[0], "$n " . 'v' x 2000);
        $alice->hear($rooms[0]);
    }

    is(@{ $bob->reply($id)->{data}{conversations} }, 10, 'it comes');
    is_deeply([map { $bob->hear($rooms[0])->{content} =~ s/ v+//r } 1 .. 20],
              [1 .. 20], 'and all that was said meanwhile');
};

done_testing;
