# chat-persist finds what is idle among all that Redis holds, wherever it is,
# and sooner where memory is short.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Redis;

use constant ROOMS => 60;

my $chat = ChatTest->new(workers => 1);
$chat->start;

my @rooms = map { sprintf 'room-%02d', $_ } 1 .. ROOMS;

$chat->create($_) for @rooms;

my $redis = ChatTest::Redis->new($chat->directory . '/redis.sock');
my $ada = $chat->connect(user => 'ada');
my $second = $chat->command('persist-2', 'chat-persist')->start;

$ada->say($_, "hello in $_") for @rooms;
$chat->wait_stored;
wait_until { !@{ $redis->call('KEYS', '*:marks') } };

my %metas = map { /(room-\d+)/ => $_ } @{ $redis->call('KEYS', '*:meta') };


# the rooms that Redis holds

sub held () {
    my @held = map { /(room-\d+):meta$/ } @{ $redis->call('KEYS', '*:meta') };

    return [sort @held];
}


# as if nobody had used them for so many seconds, those that were used since

sub make_idle ($seconds, @rooms) {
    my $script = <<~'END';
        for _, key in ipairs(KEYS) do
            local idle = redis.call('OBJECT', 'IDLETIME', key)

            if idle and idle < tonumber(ARGV[1]) then
                redis.call('RESTORE', key, 0, redis.call('DUMP', key),
                           'REPLACE', 'IDLETIME', ARGV[1])
            end
        end
        END

    $redis->call('EVAL', $script, scalar @rooms,
                 @metas{@rooms}, $seconds);

    return;
}


# A chat-persist that takes a partition over answers needs again, which is use:
# so they are made idle again and again.

sub left_ok ($seconds, $idle, $rooms, $title) {
    eval {
        wait_until {
            make_idle($seconds, @$idle);
            @{ held() } == @$rooms;
        } 20;
    };
    is_deeply(held(), $rooms, $title);

    return;
}


my @long = @rooms[0 .. 19];
my @short = @rooms[20 .. 39];
my @used = @rooms[40 .. 59];

subtest 'what is idle goes, whoever holds the partition' => sub {
    is(scalar @{ held() }, ROOMS, 'all are held');
    wait_until { $chat->psql('SELECT count(DISTINCT holder)
                              FROM chat.partition') == 2 };

    make_idle(300, @short);
    left_ok(700, \@long, [@short, @used],
            'those that are idle for longer than 10 minutes');
};

subtest 'memory that is nearly full makes others idle' => sub {
    my ($used) = $redis->call('INFO', 'memory') =~ /^used_memory:(\d+)/m;

    $redis->call('CONFIG', 'SET', 'maxmemory', int $used * 1.02);
    left_ok(300, \@short, \@used, 'those that are idle for some minutes');
    $redis->call('CONFIG', 'SET', 'maxmemory', 0);
};

subtest 'all of them come back as they were' => sub {
    for my $room (@rooms) {
        is($ada->history($room, limit => 1)->{messages}[0]{content},
           "hello in $room", $room);
    }

    is(scalar @{ held() }, ROOMS, 'all are held');
};

subtest 'without idle times in Redis nothing goes, and it is said' => sub {
    my $old = $redis->call('CONFIG', 'GET', 'maxmemory-policy')->[1];

    $redis->call('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lfu');
    wait_until { $chat->logs->since({}) =~ /does not tell what is idle/ } 20;
    is(scalar @{ held() }, ROOMS, 'all are held');
    $redis->call('CONFIG', 'SET', 'maxmemory-policy', $old);
};

$second->end;

done_testing;
