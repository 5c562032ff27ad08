# Requests as such: their form, their ids, and what is answered to nonsense.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new;
$chat->start;

my $alice = $chat->connect(user => 'alice');
$chat->create('lobby');


# the error that a text gets, as reply and code

sub error_of ($text, $id = undef) {
    $alice->send_text($text);
    my $reply = $alice->reply($id);

    ok(!$reply->{ok} && $reply->{type} eq 'reply', "refused: $text");
    like($reply->{error}{message}, qr/^["\w].*[^.]$/, 'with a word for people');

    return $reply->{error}{code};
}


subtest 'what is no request gets bad_request, with id null' => sub {
    my @texts = (
        '', 'hello', '[]', '42', 'null', '"ping"', '{', '{}}', '{"type"}',
        '{"type":"ping",}', "{'type':'ping'}", '{"type":"ping"} x',
        '{"type":"ping","id":01}', '{}', '{"type":1}', '{"type":null}',
        qq({"type":"pi\nng"}), '{"type":"ping","type":"ping"}',
        '[' x 2000 . ']' x 2000,
    );

    is(error_of($_), 'bad_request', 'bad_request') for @texts;
    is($alice->raw, '{"type":"reply","id":null,"ok":false,"error":'
       . raw_member($alice->raw, 'error') . '}', 'the whole of a reply');
};

subtest 'an id that is none is not echoed' => sub {
    my @ids = ('1.5', '1e2', 'true', '{}', '[]', '"' . 'x' x 65 . '"');

    is(error_of(qq({"type":"ping","id":$_})), 'bad_request', 'bad_request')
        for @ids;
};

subtest 'a binary message ends the session with 1003' => sub {
    my $bob = $chat->connect(user => 'bob');

    $bob->send_frame(opcode => BINARY, payload => '{"type":"ping"}');
    ok(defined $bob->expect_close(1003), 'close 1003');
};

subtest 'an id comes back as it was sent' => sub {
    my @ids = ('1', '0', '-7', '9007199254740991', '"a"', '""',
               '"' . 'x' x 64 . '"', '"\u00e9\n\"\\\\"',
               qq("\xc3\xa9\xe2\x82\xac"));

    for my $id (@ids) {
        $alice->send_text(qq({"id":$id,"type":"ping"}));
        $alice->reply(decode($id));
        is(raw_member($alice->raw, 'id'), $id, "id $id");
    }
};

subtest 'the members of a request come in any order and spacing' => sub {
    my @texts = (
        '{"data":{},"id":"x","type":"ping"}',
        " {\t\"type\" : \"ping\" ,\r\n \"id\" : \"x\" } ",
        '{"type":"ping","id":"x","data":null}',
        '{"type":"ping","id":"x","other":[1,{"type":"x"}]}',
        '{"type":"\u0070ing","id":"x"}',
        '{"\u0074ype":"ping","id":"x"}',
    );

    for my $text (@texts) {
        $alice->send_text($text);
        ok($alice->reply('x')->{ok}, $text);
    }
};

subtest 'an unknown type gets unsupported' => sub {
    is(error_of('{"type":"fly","id":"x"}', 'x'), 'unsupported', 'fly');
    is(error_of('{"type":"reply","id":"x"}', 'x'), 'unsupported', 'reply');
    is(error_of('{"type":"Ping","id":"x"}', 'x'), 'unsupported', 'Ping');
};

subtest 'data that is missing or of the wrong kind gets bad_request' => sub {
    my @cases = (
        ['conversation.join', '{}'],
        ['conversation.join', '[]'],
        ['conversation.join', '"lobby"'],
        ['conversation.join', '{"conversationId":7}'],
        ['conversation.join', '{"conversationId":""}'],
        ['conversation.join', '{"conversationId":"a/b"}'],
        ['conversation.join', '{"conversationId":"' . 'x' x 65 . '"}'],
        ['conversation.join', '{"conversationId":"lobby","afterRevision":-1}'],
        ['conversation.join',
            '{"conversationId":"lobby","afterRevision":9007199254740992}'],
        ['conversation.join', '{"conversations":{}}'],
        ['conversation.join', '{"conversations":[1]}'],
        ['conversation.leave', '{}'],
        ['message.send', '{"content":"x"}'],
        ['message.send', '{"conversationId":"lobby"}'],
        ['message.send', '{"conversationId":"lobby","content":7}'],
        ['message.send', '{"conversationId":"lobby","content":["x"]}'],
        ['message.send', '{"conversationId":"lobby","content":{"text":"x"}}'],
        ['message.send', '{"conversationId":"lobby","content":{"type":7}}'],
        ['message.send', '{"conversationId":"lobby","content":"x",'
            . '"clientMessageId":""}'],
        ['message.send', '{"conversationId":"lobby","content":"x",'
            . '"clientMessageId":"' . 'x' x 65 . '"}'],
        ['history.get', '{}'],
        ['history.get', '{"conversationId":"lobby","limit":"many"}'],
        ['history.get', '{"conversationId":"lobby","beforeSequence":9,'
            . '"afterSequence":1}'],
        ['conversation.create', '{}'],
        ['conversation.create', '{"type":"party"}'],
        ['conversation.create', '{"type":"group","members":"bob"}'],
        ['conversation.create', '{"type":"group","members":["b b"]}'],
        ['authenticate', '{}'],
        ['authenticate', '{"token":7}'],
    );

    for (@cases) {
        my ($type, $data) = @$_;

        is($alice->refused($type, \$data)->{code}, 'bad_request',
           "$type $data");
    }
};

subtest 'without an id only errors are answered' => sub {
    $alice->send_text('{"type":"ping"}');
    $alice->send_text('{"type":"conversation.join"}');
    $alice->send_text('{"type":"ping","id":"last"}');

    is($alice->reply('last')->{ok}, JSON::PP::true, 'the ping with an id');
    is($alice->reply(undef)->{error}{code}, 'bad_request', 'the error');
    is_deeply([$alice->unexpected], [], 'nothing else');
};

subtest 'the log says no more than info of what clients do wrong' => sub {
    unlike($chat->logs->text('nginx'), qr/\[(?:warn|error|crit)\] .*client/,
           'no warning');
};

done_testing;
