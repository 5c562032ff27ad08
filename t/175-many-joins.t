# Many joins at once, as when another node has died, while Redis has much else
# to do: they wait their turn, and the link to Redis is not given up as long as
# answers come over it.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX ();

use ChatTest;
use ChatTest::Redis;

use constant {
    CLIENTS => 30,
    ROOMS   => 16,
    BUSY    => 4,           # clients, who take ...
    TURN    => 100,         # ms in each turn of Redis; it reads 16 kB then
};

my $chat = ChatTest->new(redis_options => 'timeout=2s',
                         location => 'chat_request_timeout 60s;');
$chat->start;

# names as long as can be: more turns to read what is asked

my @rooms = map { sprintf '%064d', $_ } 1 .. ROOMS;
my @clients = map {
    $chat->connect(user => sprintf '%064d', $_)
} 1 .. CLIENTS;

$chat->create($_) for @rooms;
$clients[0]->join($_) for @rooms;       # all is subscribed to


# one command after the other that takes so long: between two of them Redis
# serves what has come meanwhile, a few kB of each link

sub keep_busy () {
    my $pid = fork // die "fork() failed: $!";

    return $pid if $pid;

    my $redis = ChatTest::Redis->new($chat->{redis_socket});

    eval {
        while (1) {
            $redis->call('EVAL', <<~'LUA', 0, TURN);
                local function now()
                    local t = redis.call('TIME')
                    return t[1] * 1000 + t[2] / 1000
                end

                local till = now() + ARGV[1]
                repeat until now() > till
                LUA
        }
    };
    POSIX::_exit(0);
}


my @busy = map { keep_busy() } 1 .. BUSY;
my @asked;

for my $client (@clients[1 .. $#clients]) {
    push @asked, map {
        [$client, $client->post('conversation.join', { conversationId => $_ })]
    } @rooms;
}

my @replies = map { $_->[0]->reply($_->[1]) } @asked;

kill 'KILL', @busy;
waitpid $_, 0 for @busy;

is((grep { $_->{ok} } @replies), (CLIENTS - 1) * ROOMS, 'all are answered');
unlike($chat->logs->text('nginx'), qr/lost connection to redis/,
       'over one link');

$clients[0]->say($rooms[0], 'hello');
is($_->hear($rooms[0])->{content}, 'hello', 'live') for @clients[1, -1];

done_testing;
