# Who has to start over in many conversations at once is let in anew in all of
# them, by the node itself: that takes nothing from what its client may ask.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Library qw(load_library);
use ChatTest::Redis;

use constant {
    ROOMS => 40,
    FIRST => 2**32 + 1,         # revisions
    LATER => 2**32 + 9,
};

my $chat = ChatTest->new(
    with     => ['redis'],
    proxied  => 1,
    http     => 'chat_partitions 1;',
    location => 'chat_max_outstanding 4;',
);
$chat->start;

load_library($chat, <<~'END_OF_LUA');
    local function told(name)
        return function()
            return cjson.decode(redis.call('GET', name))
        end
    end

    redis.register_function('chat_v1_open', told('open'))
    redis.register_function('chat_v1_compare', told('compare'))
    END_OF_LUA

my $redis = ChatTest::Redis->new($chat->{redis_socket});


sub told ($name, @answer) {
    return $redis->call('SET', $name, encode(\@answer));
}


my @rooms = map { "room-$_" } 1 .. ROOMS;
my $ada;

told('open', 'ok', 1, 'member', 0, 0, FIRST, 0, 1, FIRST);
wait_until {
    $ada = $chat->connect(user => 'ada');
    eval { !grep { $_->{error} } $ada->join_all(@rooms) };
};

told('open', 'ok', 1, 'member', 0, 0, LATER, 0, 1, LATER);
told('compare', 'ok', 1, 0, LATER, 0, 1, LATER);

# Redis lets them wait

$chat->proxy->delay('redis', only => 'command', way => 'down', ms => 300);
$redis->call_all(map { ['PUBLISH', "chat:{p00}:c:default/$_",
                        LATER . ' 0 . {"type":"x"}'] } @rooms);

$ada->expect('conversation.reset') for @rooms;

my @ids = map { $ada->post('conversation.join', { conversationId => $_ }) }
          @rooms[0 .. 3];
my @replies = map { $ada->reply($_) } @ids;

is_deeply([map { $_->{ok} ? 'ok' : $_->{error}{code} } @replies],
          [('ok') x 4], 'as many requests as ever');

done_testing;
