# With "chat_ack stored" an answer says that the change is in PostgreSQL, and
# comes when it is there.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(
    workers  => 2,
    location => 'chat_ack stored; chat_request_timeout 30s;',
    server   => <<~'END',
        location = /quick {
            chat_websocket on;
            chat_ack stored;
            chat_request_timeout 500ms;
        }
        END
);
$chat->start;
$chat->create($_) for qw(lobby hall);

my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob', node_other_than => $alice);
my $quick = $chat->connect(user => 'alice', path => '/quick');

$_->join('lobby') for $alice, $bob;


sub stored ($id) {
    return $chat->psql("SELECT count(*) FROM chat.message WHERE id = '$id'");
}


sub post ($client, $type, %data) {
    return $client->post($type, { conversationId => 'lobby', %data });
}


# posts a message that is heard, and not answered, since chat-persist does not
# run; returns the number of the request and the id of the message

sub unanswered ($content, %data) {
    my $number = post($alice, 'message.send', content => $content, %data);
    my @heard = map { $_->hear('lobby') } $alice, $bob;

    is($_->{content}, $content, 'it is heard') for @heard;
    silent_ok();
    is(stored($heard[0]{id}), 0, 'it is not stored');

    return ($number, $heard[0]{id});
}


sub silent_ok () {
    is_deeply([$alice->unexpected], [], 'there is no answer');

    return;
}


sub answered_ok ($number, $id) {
    my $reply = $alice->reply($number);

    ok($reply->{ok}, 'it is answered') or diag explain $reply;
    is($reply->{data}{id}, $id, 'with the id that was heard');
    ok(!$reply->{data}{duplicate}, 'it is no duplicate');
    is(stored($id), 1, 'it is stored');

    return $reply->{data};
}


# no message is there twice, in PostgreSQL or for those who listen

sub once_ok () {
    $chat->wait_stored;
    is($chat->psql('SELECT count(*) FROM chat.message
                    GROUP BY content::text HAVING count(*) > 1'), '',
       'no message is there twice');
    is_deeply([$_->unexpected], [], 'nothing is heard twice')
        for $alice, $bob;

    return;
}


subtest 'what is answered is stored' => sub {
    for my $i (1 .. 20) {
        my $sent = $alice->say('lobby', "stored $i", $i % 2 ? uuid() : undef);

        is(stored($sent->{id}), 1, 'a message');
        $_->hear('lobby') for $alice, $bob;
    }

    $alice->say('lobby', "parallel $_") for 1 .. 3;
    $bob->say_all('lobby', map { "many $_" } 1 .. 200);
    is($chat->psql("SELECT count(*) FROM chat.message
                    WHERE content::text LIKE '\"many %'"), 200,
       'many at a time');
    $_->unexpected for $alice, $bob;
    once_ok();
};

subtest 'while chat-persist does not run there is no answer' => sub {
    $chat->freeze('persist');
    my ($number, $id) = unanswered('waits');
    my $same = post($alice, 'history.get');
    my $other = $alice->request('history.get', { conversationId => 'hall' });

    ok($other, 'another conversation goes on');
    silent_ok();

    $chat->thaw('persist');
    answered_ok($number, $id);
    ok($alice->reply($same)->{ok}, 'what was asked later comes later');
};

subtest 'beyond the deadline it is a timeout, and the retry a duplicate' => sub {
    my $client_id = uuid();

    $chat->freeze('persist');
    is($quick->refused('message.send', {
        conversationId => 'lobby', content => 'late',
        clientMessageId => $client_id,
    })->{code}, 'timeout', 'not stored in time');

    my $heard = $alice->hear('lobby');
    my $number = post($alice, 'message.send', content => 'late',
                      clientMessageId => $client_id);
    silent_ok();
    is(stored($heard->{id}), 0, 'the duplicate waits, too');

    $chat->thaw('persist');
    my $reply = $alice->reply($number);
    ok($reply->{data}{duplicate}, 'duplicate');
    is($reply->{data}{id}, $heard->{id}, 'of the first one');
    is(stored($heard->{id}), 1, 'which is stored');
    $bob->hear('lobby');
    once_ok();
};

subtest 'all other changes wait likewise' => sub {
    my $id = $alice->say('lobby', 'to be changed')->{id};
    $_->hear('lobby') for $alice, $bob;

    my @changes = (
        'message.edit'    => { content => 'changed' },
        'reaction.add'    => { emoji => "\x{1f44d}" },
        'reaction.remove' => { emoji => "\x{1f44d}" },
        'message.delete'  => {},
        'member.remove'   => { userId => 'alice' },
    );

    while (my ($type, $data) = splice @changes, 0, 2) {
        $chat->freeze('persist');
        my $number = post($alice, $type, messageId => $id, %$data);
        is((grep { $_ eq 'reply' } $alice->unexpected), 0,
           "$type: no answer");

        $chat->thaw('persist');
        ok($alice->reply($number)->{ok}, "$type: answered");
    }

    $alice->join('lobby');              # it has left the channel
    $_->unexpected for $alice, $bob;
};

subtest 'a reload waits for answers that wait' => sub {
    $chat->freeze('persist');
    my ($number, $id) = unanswered('across a reload');
    $bob->disconnect;

    $chat->reload;
    wait_until { $chat->logs->since({}) =~ /leaves, 1 requests .*alice/ };
    ok(!$alice->readable, 'there is no answer');
    $chat->thaw('persist');
    answered_ok($number, $id);
    $alice->expect_close(1012);
};

subtest 'who leaves is not waited for' => sub {
    my $dave = $chat->connect(user => 'dave');

    # a new process may have no link to Redis yet
    $dave->insist('message.send', {
        conversationId => 'lobby', content => 'hello',
    });

    $chat->freeze('persist');
    post($dave, 'message.send', content => 'goodbye');
    $dave->request('ping');
    $dave->disconnect;
    $chat->thaw('persist');
    $chat->wait_stored;

    is($chat->psql("SELECT count(*) FROM chat.message
                    WHERE content::text = '\"goodbye\"'"), 1,
       'but what it said is there');
};

done_testing;
