# Whatever Redis answers and however long that is, a request gets one reply, in
# JSON, and the node goes on.  In place of the functions there is one that
# answers as it is told.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Library qw(load_library);

my $chat = ChatTest->new(
    with     => ['redis'],
    http     => 'chat_partitions 1;',
);
$chat->start;

my $told = <<~'END';
    local function answer()
        return cjson.decode(redis.call('GET', 'answer'))
    end
    END
$told .= "redis.register_function('chat_v1_$_', answer)\n"
    for qw(append open members history);

load_library($chat, $told);

my $ada = $chat->connect(user => 'ada');

my %requests = (
    'message.send'        => { conversationId => 'lobby', content => 'x' },
    'conversation.create' => { type => 'dm', members => ['bob'] },
    'conversation.join'   => { conversationId => 'lobby', afterRevision => 1 },
    'history.get'         => { conversationId => 'lobby' },
    'member.list'         => { conversationId => 'lobby' },
);


sub code_of ($type, @answer) {
    $chat->redis_cli('SET', 'answer', encode(\@answer));

    my $reply = $ada->reply($ada->post($type, $requests{$type}));

    return $reply->{ok} ? 'ok' : $reply->{error}{code};
}


wait_until { code_of('message.send', 'not_found') eq 'not_found' };

my $long = 'x' x 9000;
my %exists = (
    type => 'dm', role => 'member', name => '', creator => 'ada', time => 1000,
    place => '',
);


sub exists_with (%other) {
    my %c = (%exists, %other);

    return ('exists', $c{type}, $c{role}, 1, 2, $c{name}, $c{creator},
            $c{time}, $c{place}, 1);
}


subtest 'what is longer than it can be is an internal error' => sub {
    is(code_of('message.send', 'ok', 7, 3, '', 1, $long, 1000), 'internal',
       'the id of a first message');
    is(code_of('conversation.create', exists_with($_ => $long)), 'internal',
       "the $_ of a conversation") for qw(role name creator);
    is(code_of('conversation.join', 'ok', 1, $long, 0, 0, 1, 0, 1, 1),
       'internal', 'a role');
};

subtest 'what is as it should be goes through' => sub {
    is(code_of('message.send', 'ok', 7, 3, '', 1, uuid(), 1000), 'ok',
       'a duplicate');
    is(code_of('conversation.create', exists_with()), 'ok', 'a conversation');
    is(code_of('conversation.join', 'ok', 1, 'member', 0, 0, 1, 0, 1, 1, 2,
               '.', '{"type":"x"}'), 'ok', 'a join');
    is(code_of('history.get', 'ok', 1, 1, '{"id":"x"}'), 'ok', 'history');
};

subtest 'what is no text is an internal error' => sub {
    is(code_of('conversation.join', 'ok', 1, 'member', 0, 0, 1, 0, 1, 1, @$_),
       'internal', 'events: ' . encode($_))
        for [2], [2, '.'], [2, '.', 3], [2, '.', ''];
    is(code_of('history.get', 'ok', 1, @$_), 'internal',
       'messages: ' . encode($_)) for [1], [1, 2], [1, ''];
};

done_testing;
