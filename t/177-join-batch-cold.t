# A join of several whose events are in PostgreSQL alone, and do not fit into
# one reply: what cannot be told now is not fetched, and comes with the next.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant {
    ROOMS    => 36,
    MESSAGES => 70,         # of each, 280 kB
    FETCHED  => 24,         # at most: 16 are asked for at once, 4 fill a reply
};

my $chat = ChatTest->new;
$chat->start;

my @rooms = map { sprintf 'room-%02d', $_ } 1 .. ROOMS;
my $alice = $chat->connect(user => 'alice');
my %said;

for my $room (@rooms) {
    $chat->create($room);
    $said{$room} = [map { $_->{id} }
                    $alice->say_all($room, map { 'x' x 4000 } 1 .. MESSAGES)];
}


# how much has ever been asked of chat-persist

sub asked () {
    return $chat->redis_cli('EVAL', <<~'LUA', 0);
        local n = 0

        for p = 0, 63 do
            local key = string.format('chat:{p%02d}:need', p)

            if redis.call('EXISTS', key) == 1 then
                local info = redis.call('XINFO', 'STREAM', key)

                for i = 1, #info, 2 do
                    if info[i] == 'entries-added' then
                        n = n + info[i + 1]
                    end
                end
            end
        end

        return n
        LUA
}


# Redis knows of all conversations, and of no event

$chat->wait_stored(60);
$chat->redis_cli('DEL', split /\n/, $chat->redis_cli('KEYS', '*/room-*'));

my $bob = $chat->connect(user => 'bob');
$bob->join_all(@rooms);
$bob->disconnect;


subtest 'what does not fit is not fetched' => sub {
    $bob = $chat->connect(user => 'bob');

    my $before = asked();
    my @joined = $bob->join_all(map { [$_ => 0] } @rooms);
    my $asked = asked() - $before;

    cmp_ok(length $bob->raw, '>', 900_000, 'the reply is used');
    cmp_ok($asked, '<=', FETCHED, "$asked conversations were fetched");
    is((grep { $_->{error} } @joined), 0, 'none has failed');
};

subtest 'all of it comes' => sub {
    $bob = $chat->connect(user => 'bob');

    my $got = $bob->resume_all(map { $_ => 0 } @rooms);

    is_deeply({ map { $_ => [map { $_->{data}{id} }
                             grep { $_->{type} eq 'message.created' }
                             @{ $got->{$_} }] } @rooms },
              \%said, 'in order');
};

done_testing;
