# Conversations that nobody uses leave Redis, and come back as they were: the
# rules, with "idle" called as chat-persist does, for those used just now too.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Compress::Zlib qw(crc32);
use Time::Local qw(timegm);

use ChatTest;

use constant PARTITIONS => 16;

my $chat = ChatTest->new(workers => 2);
$chat->start;
$chat->create('lobby', type => 'group', members => [qw(ada bob cy)]);

my $ada = $chat->connect(user => 'ada');
my $bob = $chat->connect(user => 'bob', node_other_than => $ada);

my $prefix = sprintf 'chat:{p%02d}:', crc32('default/lobby') % PARTITIONS;
my $base = "${prefix}c:default/lobby";

my $first = $ada->join('lobby')->{revision};
$bob->join('lobby');


# "ok <how many>", or why not

sub idle (%o) {
    my ($fence, $identity, $generation) = split /\n/,
        $chat->redis_cli('--raw', 'HMGET', "${prefix}part",
                         qw(fence identity generation));

    return join ' ', split /\n/,
        $chat->redis_cli('--raw', 'FCALL', 'chat_v1_idle', 2, $prefix, $base,
                         $o{fence} // $fence, $identity,
                         $o{generation} // $generation, $o{seconds} // 0);
}


sub keys_left () {
    return [split /\n/, $chat->redis_cli('--raw', 'KEYS', "$base:*")];
}


# marks included

sub wait_all_stored () {
    $chat->wait_stored;

    return wait_until {
        $chat->redis_cli('HLEN', "${prefix}marks") == 0;
    };
}


# the time of Redis, and one that it has told

sub redis_ms () {
    my ($s, $us) = split /\n/, $chat->redis_cli('--raw', 'TIME');

    return 1000 * $s + int $us / 1000;
}


sub ms ($time) {
    my ($y, $mon, $d, $h, $min, $s, $ms) = $time
        =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)\.(\d+)Z$/;

    return 1000 * timegm($s, $min, $h, $d, $mon - 1, $y) + $ms;
}


sub dropped_ok ($title) {
    wait_all_stored();
    is(idle(), 'ok 1', $title);
    is_deeply(keys_left(), [], 'nothing is left of it');

    return;
}


sub kept_ok ($title, %o) {
    is(idle(%o), 'ok 0', $title);
    ok(@{ keys_left() } > 0, 'it is still there');

    return;
}


my %sent = map {
    $_ => $ada->say('lobby', "message $_", uuid())
} 1 .. 3;
my $client = uuid();

$sent{4} = $ada->say('lobby', 'message 4', $client);
$bob->hear('lobby') for 1 .. 4;
$ada->hear('lobby') for 1 .. 4;

subtest 'all keys go at once' => sub {
    wait_all_stored();
    kept_ok('not before the time is over', seconds => 100);
    dropped_ok('then it goes');
    is(idle(), 'ok 0', 'what is not there cannot go');
};

subtest 'sessions in the room notice nothing' => sub {
    my $sent = $ada->say('lobby', 'message 5');

    is($sent->{sequenceNumber}, 5, 'the next message is the next one');
    is($bob->hear('lobby')->{revision}, $sent->{revision}, 'and is heard');
    $ada->hear('lobby');

    dropped_ok('it goes again');
    is($ada->request('message.send', {
        conversationId => 'lobby', content => 'message 4',
        clientMessageId => $client,
    })->{duplicate}, 1, 'a duplicate is one');

    dropped_ok('and again');
    $bob->request('reaction.add', {
        conversationId => 'lobby', messageId => $sent{2}{id}, emoji => 'x',
    });

    dropped_ok('and again');
    $ada->request('message.edit', {
        conversationId => 'lobby', messageId => $sent{2}{id},
        content => 'edited',
    });
    is($bob->expect('message.updated')->{content}, 'edited',
       'an edit of an old message is heard');

    dropped_ok('and again');
    my $history = $bob->history('lobby', limit => 10);
    is_deeply([map { $_->{content} } @{ $history->{messages} }],
              ['message 1', 'edited', map { "message $_" } 3 .. 5], 'history');

    dropped_ok('and again');
    my @events = $chat->connect(user => 'cy')->resume('lobby', $first);
    is($events[-1]{data}{content} // '', 'edited', 'an old revision is resumed')
        or diag explain \@events;
};

subtest 'what is not stored stays' => sub {
    $chat->freeze('persist');
    $ada->say('lobby', 'message 6');
    kept_ok('a message');
    $chat->thaw('persist');
    dropped_ok('when it is stored');
    $bob->hear('lobby');
    $bob->join('lobby');

    $chat->freeze('persist');
    $bob->request('read.mark', {
        conversationId => 'lobby', sequenceNumber => 3,
    });
    kept_ok('a mark');
    $chat->redis_cli('HSET', "${prefix}marks",
                     map { ("01a2022d-852b-73b1-8efe-8341b7bbdca0 u$_", '1 1') }
                     1 .. 100);
    kept_ok('a mark among many');
    $chat->thaw('persist');
    dropped_ok('when it is stored');
    is($bob->join('lobby')->{lastReadSequence}, 3, 'the mark is there');
};

subtest 'who waits in slow mode goes on waiting' => sub {
    $chat->chatctl_must(qw(conversation update lobby --slow-mode 30));
    $chat->connect(user => 'cy')->say('lobby', 'message 7');
    wait_all_stored();
    kept_ok('it stays');
    $chat->chatctl_must(qw(conversation update lobby --slow-mode 0));
    dropped_ok('it goes when slow mode is off');

    $chat->chatctl_must(qw(conversation update lobby --slow-mode 2));
    my $sent = $chat->connect(user => 'cy')->say('lobby', 'message 8');
    wait_until { idle() eq 'ok 1' };
    cmp_ok(redis_ms() - ms($sent->{timestamp}), '>=', 2000,
           'it goes when nobody has to wait, however often that is asked');
    $chat->chatctl_must(qw(conversation update lobby --slow-mode 3600));
    wait_all_stored();
    $chat->redis_cli('DEL', @{ keys_left() });
    $ada->join('lobby');
    dropped_ok('and at once when nobody has sent anything');
    $chat->chatctl_must(qw(conversation update lobby --slow-mode 0));
};

subtest 'a call that comes late is refused' => sub {
    $ada->join('lobby');
    wait_all_stored();
    like(idle(fence => 0), qr/^refused/, 'that of a former holder');
    is(idle(generation => 0), 'closed', 'that of a former generation');
    ok(@{ keys_left() } > 0, 'it is still there');
};

subtest 'what was deleted expires by itself' => sub {
    $chat->chatctl_must(qw(conversation delete lobby));
    wait_all_stored();
    kept_ok('it stays for a minute');
    cmp_ok($chat->redis_cli('PTTL', "$base:meta"), '>', 0, 'no longer');
};

done_testing;
