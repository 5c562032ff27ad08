# Whoever had seen what was lost starts over, and is let in anew.  If Redis
# cannot say now whether it may be, it has to come back, and not all at once.
# In place of the functions there are two that answer as they are told.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Library qw(load_library);

use constant {
    CHANNEL => 'chat:{p00}:c:default/lobby',
    FIRST   => 2**32 + 1,       # revisions
    LATER   => 2**32 + 9,
    MANY    => 20,
};

my $chat = ChatTest->new(
    with     => ['redis'],
    http     => 'chat_partitions 1;',
    location => 'chat_request_timeout 5s;',
);
$chat->start;

load_library($chat, <<~'END');
    local function told(name)
        return function()
            return cjson.decode(redis.call('GET', name))
        end
    end

    redis.register_function('chat_v1_open', told('open'))
    redis.register_function('chat_v1_compare', told('compare'))
    END


sub told ($name, @answer) {
    return $chat->redis_cli('SET', $name, encode(\@answer));
}


# a number of sessions that hear the conversation

sub joined ($count) {
    told('open', 'ok', 1, 'member', 0, 0, FIRST, 0, 1, FIRST);

    my @sessions = map { $chat->connect(user => "user-$_") } 1 .. $count;

    $_->insist('conversation.join', { conversationId => 'lobby' })
        for @sessions;

    return @sessions;
}


# an event that does not follow makes the node compare, and nothing is good

sub lose ($let_in) {
    told('open', 'ok', 1, 'member', 0, 0, LATER, 0, 1, LATER) if $let_in;
    told('compare', 'ok', 1, 0, LATER, 0, 1, LATER);

    return $chat->redis_cli('PUBLISH', CHANNEL, LATER . ' 0 . {"type":"x"}');
}


subtest 'who is let in anew goes on' => sub {
    my ($ada) = joined(1);

    lose(1);
    is($ada->expect('conversation.reset')->{conversationId}, 'lobby',
       'it is told to start over');
    $ada->unexpected;
    $chat->redis_cli('PUBLISH', CHANNEL,
                     (LATER + 1) . ' 0 . {"type":"next","data":{}}');
    is_deeply($ada->expect('next'), {}, 'and hears what comes then');
    $ada->disconnect;
};

subtest 'who cannot be let in now has to come back' => sub {
    my @sessions = joined(MANY);

    told('open', 'closed');
    lose(0);

    my %delays;

    for my $session (@sessions) {
        my $reason = $session->expect_close(1012);

        like($reason, qr/^retry=\d+$/, 'it is told when') or next;
        $delays{$reason}++;
    }

    cmp_ok(keys %delays, '>', MANY / 2, 'and each something else');
};

subtest 'who may not see it any more hears nothing of it' => sub {
    my ($ada) = joined(1);

    told('open', 'not_found');
    lose(0);
    $ada->expect('conversation.reset');
    $ada->unexpected;
    $chat->redis_cli('PUBLISH', CHANNEL,
                     (LATER + 1) . ' 0 . {"type":"next","data":{}}');
    is_deeply([$ada->unexpected], [], 'from then on');
};

done_testing;
