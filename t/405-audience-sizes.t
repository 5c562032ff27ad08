# A conversation gets larger and smaller while somebody listens who is there:
# all members, those who are there, how many are there, and back.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Compress::Zlib qw(crc32);

use ChatTest;
use ChatTest::Redis;
use ChatTest::Shown;

use constant {
    PARTITIONS => 16,
    EVERY      => 1000,         # ms until it is counted again
};

my $chat = ChatTest->new(workers => 1,
    http => 'chat_presence_members 3; chat_presence_batch 5;');
$chat->start;
$chat->create('team', type => 'group', by => 'ada', members => [qw(bob cy)]);

my $seen = ChatTest::Shown->new($chat);
my $redis = ChatTest::Redis->new($chat->{redis_socket});
my $ada = $chat->connect(user => 'ada');
my $prefix = sprintf 'chat:{p%02d}:', crc32('default/team') % PARTITIONS;
my $base = "${prefix}c:default/team";


sub get (%o) {
    return $ada->insist('presence.get', { conversationId => 'team', %o });
}


# "<size>: <user> <status>, ..." or "<size>: <online>"

sub told ($data) {
    return "$data->{size}: $data->{online}" if !$data->{members};

    return "$data->{size}: " . join ', ', sort map { "$_->{userId} $_->{status}" }
        @{ $data->{members} };
}


sub becomes ($text, $title) {
    my $told = '';

    eval { wait_until { ($told = told(get())) eq $text } };
    is($told, $text, $title);

    return;
}


sub change () {
    my $data = $ada->expect('presence.changed');

    return "$data->{userId} $data->{status}";
}


sub member ($verb, @users) {
    $ada->request("member.$verb", { conversationId => 'team', userId => $_ })
        for @users;

    return;
}


# What chat-presence would do: it has counted so many, until the node knows.  As
# long as nobody has asked for it, Redis does not keep the number.

sub counted ($online) {
    wait_until {
        $redis->call('FCALL', 'chat_v1_counted', 2, $prefix, $base,
                     $redis->call('HGET', "${prefix}part", 'identity'),
                     PARTITIONS, $online, EVERY);
        my $reply = $ada->reply($ada->post('presence.get',
                                           { conversationId => 'team' }));
        my $told = $reply->{data};
        $reply->{ok} && !$told->{members} && $told->{online} == $online;
    };

    return;
}


sub nothing_more ($title) {
    is_deeply([grep { /presence/ } $ada->unexpected], [], $title);

    return;
}


$seen->see($_, 'o') for qw(ada bob dan fay);
$seen->see('eve', 'b');
$ada->join('team');

subtest 'from few to more' => sub {
    is(told(get(subscribe => \1)), '3: ada online, bob online, cy offline',
       'all are listed');

    member('add', 'dan');
    is(change(), 'dan online', 'who comes is told of');
    is(told(get()), '4: ada online, bob online, dan online',
       'then those who are there');

    $seen->see('cy', 'b');
    is(change(), 'cy busy', 'changes are told');
    member('add', 'eve');
    is(change(), 'eve busy', 'and who comes');
};

subtest 'from more to many' => sub {
    $seen->see('bob', 'a');             # perhaps told, with the next second
    member('add', 'fay');
    counted(4);
    is($ada->expect('presence.count')->{online}, 4, 'how many there are is told');
    is(told(get()), '6: 4', 'to who asks, too');
    is($chat->metrics->{chat_presence_watched}, 0, 'nobody is watched');

    $ada->unexpected;
    $seen->see('bob', 'b');
    counted(5);
    is($ada->expect('presence.count')->{online}, 5, 'and when that changes');
    nothing_more('but not who it is');
};

subtest 'from many to more' => sub {
    member('remove', 'fay');

    is_deeply([sort map { change() } 1 .. 4],
              ['bob busy', 'cy busy', 'dan online', 'eve busy'],
              'who is there is told, as it is now');
    is(told(get()),
       '5: ada online, bob busy, cy busy, dan online, eve busy',
       'to who asks, too');

    $seen->see('cy', 'f');
    is(change(), 'cy offline', 'then what changes');
    nothing_more('and nothing else');
};

subtest 'from more to few' => sub {
    member('remove', qw(dan eve));
    becomes('3: ada online, bob busy, cy offline', 'all are listed');

    $seen->see('dan', 'b');
    $seen->see('cy', 'o');
    is(change(), 'cy online', 'changes are told');
    nothing_more('but not of who has gone');
};

done_testing;
