# Whatever Redis answers, a request gets one reply and the node goes on.  In
# place of the functions there is one that answers as it is told.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Library qw(load_library);

my $chat = ChatTest->new(
    with     => ['redis'],
    http     => 'chat_partitions 1;',
    location => 'chat_request_timeout 1m;',
    server   => <<~'END',
        location = /hasty {
            chat_websocket on;
            chat_request_timeout 500ms;
        }
        END
);
$chat->start;

my $told = <<~'END';
    local function answer()
        return cjson.decode(redis.call('GET', 'answer'))
    end
    END
$told .= "redis.register_function('chat_v1_$_', answer)\n"
    for qw(append mark members history);

load_library($chat, $told);

my $ada = $chat->connect(user => 'ada');
my $hasty = $chat->connect(user => 'ada', path => '/hasty');

my %requests = (
    'message.send'        => { content => 'x' },
    'message.edit'        => { content => 'x', messageId => uuid() },
    'reaction.add'        => { emoji => 'x', messageId => uuid() },
    'conversation.create' => { type => 'group' },
    'conversation.delete' => {},
    'member.remove'       => { userId => 'bob' },
    'member.list'         => {},
    'history.get'         => {},
    'read.mark'           => { sequenceNumber => 1 },
);


# the reply to a request that Redis answers so

sub reply_to ($type, $answer, $client = $ada) {
    $chat->redis_cli('SET', 'answer', encode($answer));

    my %data = %{ $requests{$type} };
    $data{conversationId} = 'lobby' if $type ne 'conversation.create';

    return $client->reply($client->post($type, \%data));
}


sub code_of ($type, $answer, @client) {
    my $reply = reply_to($type, $answer, @client);

    return $reply->{ok} ? 'ok' : $reply->{error}{code};
}


wait_until { code_of('message.send', ['busy']) eq 'unavailable'
             && code_of('message.send', ['not_found']) eq 'not_found' };

subtest 'a good answer is passed on' => sub {
    my @ok = ('ok', 7, 3, '1-1', 1);

    is(code_of($_, \@ok), 'ok', $_)
        for grep { !/^(?:member.list|history.get)/ } sort keys %requests;

    my $sent = reply_to('message.send', [@ok, 'first', 1000])->{data};
    is("$sent->{id} $sent->{sequenceNumber} $sent->{revision}", 'first 3 7',
       'a duplicate is the first');
    ok($sent->{duplicate}, 'and says so');
    is($sent->{timestamp}, '1970-01-01T00:00:01.000Z', 'with its time');
};

subtest 'a refusal is passed on in its words' => sub {
    for my $type (grep { $_ ne 'conversation.create' } sort keys %requests) {
        is_deeply(reply_to($type, ['error', 'forbidden', 'not "you"'])
                      ->{error},
                  { code => 'forbidden', message => 'not "you"' }, $type);
    }

    is(reply_to('message.send', ['error', 'rate_limited', 'slow', 7])
           ->{error}{retryAfter}, 7, 'with the time to wait');

    my $long = '"' x 3000;
    is(reply_to('message.send', ['error', 'conflict', $long])
           ->{error}{message}, $long, 'however long they are');
};

subtest 'what everything can be answered with' => sub {
    for my $type (sort keys %requests) {
        is(code_of($type, ['closed']), 'unavailable', "$type: closed");
        is(code_of($type, ['busy']), 'unavailable', 'busy');
        is(code_of($type, ['not_found']),
           $type eq 'conversation.create' ? 'conflict' : 'not_found',
           'not found');
        is(code_of($type, { err => 'OOM command not allowed' }),
           'unavailable', 'no memory');
        is(code_of($type, { err => 'ERR a mistake' }), 'internal', 'a fault');
    }
};

# of these the log tells more than the client
my @wrong = (
    [], 'ok', [1], ['ok'], ['what'], ['need'], ['need', 'nothing'],
    ['need', 1], ['need', 'message'], ['need', 'message', 'x'],
    ['need', 'message', 1], ['error'], ['error', 'forbidden'],
    ['error', 'forbidden', 1], ['error', 'nonsense', 'x'], ['error', 1, 'x'],
);

subtest 'what makes no sense is an internal error' => sub {
    for my $type (sort keys %requests) {
        for my $answer (@wrong) {
            next if $type eq 'read.mark' && encode($answer) eq '["ok"]';
            is(code_of($type, $answer), 'internal',
               "$type: " . encode($answer));
        }
    }
};

subtest 'what makes no sense to some requests' => sub {
    is(code_of('message.send', $_), 'internal', encode($_))
        for ['exists', 'group'], ['need', 'range'], ['ok', 1, 2, '1-1'];

    is(code_of('conversation.create', $_), 'internal', encode($_))
        for ['exists'], ['exists', 'group', 'owner', 1, 2, 'x', 'ada'];

    is(code_of('member.list', $_), 'internal', encode($_))
        for ['ok', '0', 1, 'ada'], ['ok', '0', 1, 'ada', 'owner'],
            ['ok', '0', 1, 'ada', 'owner 1'], ['ok', '0', 1, 1, 'owner 1 1'],
            ['ok', '0', 1, 'ada', 'owner x y'], ['ok', '', 0],
            ['ok', 'u' x 200, 0];

    is(code_of('read.mark', ['exists']), 'internal', 'an exists');
};

subtest 'what Redis lacks is waited for' => sub {
    for my $type (qw(message.send reaction.add member.list)) {
        for my $need ('conversation', 'client id', 'message') {
            is(code_of($type, ['need', $need, uuid()], $hasty), 'unavailable',
               "$type: $need");
        }
    }
};


# the reply to a list that chat-persist answers so; %s is the list's number

sub list_told ($answer, $client = $ada) {
    my $id = $client->post('conversation.list');
    my ($number) = (wait_until {
        $chat->redis_cli('XRANGE', 'chat:{p00}:need', '-', '+');
    }) =~ /^i\n(\d+)$/m;

    $chat->redis_cli('DEL', 'chat:{p00}:need');
    $chat->redis_cli('PUBLISH', 'chat:node:' . $client->node,
                     $answer =~ s/%s/$number/r);

    my $reply = $client->reply($id);

    return $reply->{ok} ? encode($reply->{data}) : $reply->{error}{code};
}


subtest 'a list comes as it is, or it is said that it does not' => sub {
    $chat->redis_cli('DEL', 'chat:{p00}:need');
    is(list_told(qq(range %s ok 1 0\n0 0 . 12\n{"items":[]}\n)),
       '{"items":[]}', 'one that is good');
    is(list_told("range %s error\n"), 'unavailable', 'PostgreSQL is away');
    is(list_told("range %s ok 1 0\n$_"), 'internal', encode($_))
        for '', "0 0 12\n{}\n", "0 0 . 3\n{}\n", "0 0 . x\n", '0 0 .',
            "0 0  2\n{}\n", "-1 0 . 2\n{}\n";
    is(list_told($_, $hasty), 'unavailable', encode($_))
        for 'range 999 ok 1 0', 'range %s', 'range x', 'what';
};

subtest 'an answer may come when nobody waits for it any more' => sub {
    $chat->freeze('redis');
    $ada->post($_, { conversationId => 'lobby', %{ $requests{$_} } })
        for sort keys %requests;

    my $other = $chat->connect(user => 'bob', path => '/hasty');
    my $id = $other->post('message.send',
                          { conversationId => 'lobby', content => 'x' });
    is($other->reply($id)->{error}{code}, 'timeout', 'one gave up');

    $other->disconnect;
    $ada->disconnect;
    $chat->thaw('redis');

    $ada = $chat->connect(user => 'ada');
    ok(wait_until { code_of('message.send', ['not_found']) eq 'not_found' },
       'the node goes on');
};

done_testing;
