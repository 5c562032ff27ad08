# Whatever Redis answers about an audience, presence.get gets one reply and the
# node goes on; and with presence off it is not served.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Library qw(load_library);

my $chat = ChatTest->new(with => ['redis'], http => 'chat_partitions 1;',
                         workers => 1);
$chat->start;

load_library($chat, <<~'END');
    redis.register_function('chat_v1_audience', function()
        return cjson.decode(redis.call('GET', 'answer'))
    end)
    END

my $ada = $chat->connect(user => 'ada');


# the code of the reply to a request that Redis answers so

sub code_of (@answer) {
    $chat->redis_cli('SET', 'answer', encode(\@answer));

    my $reply = $ada->reply($ada->post('presence.get',
                                       { conversationId => 'lobby' }));

    return $reply->{ok} ? 'ok' : join ' ', grep { defined }
        @{ $reply->{error} }{qw(code retryAfter)};
}


wait_until { code_of('not_found') eq 'not_found' };

my @answers = (
    ['no such conversation'  => 'not_found', 'not_found'],
    ['a partition is closed' => 'unavailable 1', 'closed'],
    ['too many are counted'  => 'unavailable 10',
        'error', 'unavailable', 'too many', 10],
    ['a channel of few'      => 'ok', 'ok', 'channel', 3, -1, 0, 1],
    ['a count'               => 'ok', 'ok', 'group', 3000, 1000, 10, 1],
    ['too short'             => 'internal', 'ok', 'group', 3],
    ['no type'               => 'internal', 'ok', '', 3, -1, 0, 1],
    ['no revision'           => 'internal', 'ok', 'group', 3, -1, 0, 0],
    ['a member who is none'  => 'internal',
        'ok', 'group', 2, -1, 0, 1, 'ada', 'b b'],
    ['one without an id'     => 'internal', 'ok', 'group', 1, -1, 0, 1, ''],
    ['another word'          => 'internal', 'maybe'],
    ['what nobody waits for' => 'internal', 'need', 'range'],
);

is(code_of(@$_[2 .. $#$_]), $_->[1], $_->[0]) for @answers;

is($chat->metrics->{chat_presence_watched}, 0, 'nobody is watched after that');
is($chat->metrics->{chat_presence_conversations}, 0, 'nothing is left');

my $off = ChatTest->new(with => ['redis'], http => 'chat_presence off;',
                        workers => 1);
$off->start;
load_library($off, '');

my $bob = $off->connect(user => 'bob');

wait_until {
    $bob->refused('presence.get', { conversationId => 'lobby' })->{code}
        eq 'unsupported';
};
pass('with presence off it is not served');

$off->stop;

done_testing;
