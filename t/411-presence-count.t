# How many are there in conversations of many: counted by chat-presence while
# somebody wants to know, told when it changes.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Compress::Zlib qw(crc32);

use ChatTest;
use ChatTest::Redis;

use constant {
    PARTITIONS => 16,
    LEASE      => 600_000,
    PAGES      => 2500,         # members: more than two pages
};

my $chat = ChatTest->new(
    with     => [qw(redis postgres persist presence)],
    presence => { grace => 0 },
    settings => { CHAT_PRESENCE_COUNT_INTERVAL => 1 },
    workers  => 1,
    http     => 'chat_presence_members 2; chat_presence_batch 3;',
);
$chat->start;

my $redis = ChatTest::Redis->new($chat->{redis_socket});
my @channel = map { "reader$_" } 1 .. 100;

$chat->create('crowd', type => 'group', by => 'ada',
              members => [qw(bob cy dan eve)]);
$chat->create('pages', type => 'group', by => 'ada',
              members => [qw(bob cy dan)]);
$chat->create('news', by => 'ada', members => \@channel);
$chat->create('few', by => 'ada', members => ['bob']);

my $ada = $chat->connect(user => 'ada');
my $bob = $chat->connect(user => 'bob');


sub prefix ($id) {
    return sprintf 'chat:{p%02d}:', crc32("default/$id") % PARTITIONS;
}


# These users have so many sessions, at a node that there is not.

sub report ($sessions, @users) {
    my %at;

    push @{ $at{ prefix($_) } }, ("default/$_", $sessions, $sessions)
        for @users;

    for my $prefix (sort keys %at) {
        my @head = ('FCALL', 'chat_presence_v1_report', 1,
                    "${prefix}presence:", PARTITIONS, 'none.1', LEASE);
        my @groups = @{ $at{$prefix} };

        while (my @some = splice @groups, 0, 300) {
            my $answer = $redis->call(@head, @some);
            die "@$answer" if $answer->[0] ne 'ok';
        }
    }

    return;
}


# it is there, and outlives the test

sub begin () {
    $redis->call('FCALL', 'chat_presence_v1_renew', 1,
                 sprintf('chat:{p%02d}:presence:', $_), PARTITIONS, 'none.1',
                 LEASE, 1)
        for 0 .. PARTITIONS - 1;

    return;
}


sub get ($client, $id, %o) {
    return $client->insist('presence.get', { conversationId => $id, %o });
}


# it is counted again until that is so

sub counted_ok ($id, $online, $title) {
    my $told;

    ok(eval { wait_until {
        $told = get($ada, $id);
        ($told->{online} // -1) == $online;
    } }, $title) or diag($told->{online});

    return;
}


begin();

subtest 'of many it is told how many are there' => sub {
    report(1, qw(cy eve));
    counted_ok('crowd', 4, 'four of them');

    my $told = get($bob, 'crowd');
    is($told->{size}, 5, 'of five');
    is($told->{members}, undef, 'and not who');

    report(1, qw(gus dan));
    $redis->call('FCALL', 'chat_presence_v1_set', 1,
                 prefix('dan') . 'presence:', PARTITIONS, 'default/dan', 'i',
                 '');
    $ada->request('member.update', { conversationId => 'crowd',
                                     userId => 'cy', role => 'blocked' });
    counted_ok('crowd', 3, 'not a stranger, nor who is invisible or blocked');
};

subtest 'who listens is told when it changes' => sub {
    $_->join('crowd') for $ada, $bob;
    is(get($ada, 'crowd', subscribe => \1)->{online}, 3, 'it begins with this');

    report(0, 'eve');
    wait_until { $ada->expect('presence.count')->{online} == 2 };
    report(1, 'eve');
    wait_until { $ada->expect('presence.count')->{online} == 3 };

    is_deeply([grep { /presence/ } $ada->unexpected, $bob->unexpected], [],
              'that, and to nobody else');
    $ada->leave('crowd');
};

subtest 'of a channel roughly, where many read it' => sub {
    report(1, @channel);
    counted_ok('news', 100, 'by the hundred');
    is(get($bob, 'news')->{members}, undef, 'and not who');

    my $told = get($bob, 'few');
    is_deeply([@$told{qw(size online members)}], [2, undef, undef],
              'of one that few read nothing is');
};

subtest 'however many they are' => sub {
    my $base = prefix('pages') . 'c:default/pages';
    my @many = map { "many$_" } 1 .. PAGES;

    $redis->call('HSET', "$base:members", map { ($_, 'member 0 0') } @many);
    report(1, @many);
    get($ada, 'pages');
    counted_ok('pages', PAGES + 3, 'all are counted');
    is(get($ada, 'pages')->{size}, PAGES + 4, 'of all');
};

subtest 'without chat-presence' => sub {
    $chat->create('late', type => 'group', by => 'ada',
                  members => [qw(bob cy dan)]);
    $chat->part('presence')->stop;

    my $error = $ada->refused('presence.get', { conversationId => 'late' });
    is("$error->{code} $error->{retryAfter}", 'unavailable 2',
       'it is not known');

    $chat->start_part('presence');
    counted_ok('late', 3, 'until it is back');
};

done_testing;
