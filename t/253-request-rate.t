# Requests and messages of a user, with all sessions on all workers, and what
# becomes of somebody who does not listen.  Redis is not there: what is let in
# is "unavailable".

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant { REQUESTS => 30, MESSAGES => 5 };

my $chat = ChatTest->new(
    with     => [],
    workers  => 2,
    location => <<~"END",
        chat_request_rate rate=1r/m burst=@{[ REQUESTS ]};
        chat_frame_rate rate=1r/m burst=200;
        END
    server   => <<~"END",
        location = /quick {
            chat_websocket on;
            chat_request_rate rate=1r/s burst=2;
        }

        location = /messages {
            chat_websocket on;
            chat_message_rate rate=2r/m burst=@{[ MESSAGES ]};
        }

        location = /off {
            chat_websocket on;
        }
        END
);

my %history = (conversationId => 'lobby');
my %message = (conversationId => 'lobby', content => 'x');

$chat->start;


# how often a request of so many is rate_limited

sub limited ($client, $type, $data, $n) {
    my @ids = map { $client->post($type, $data) } 1 .. $n;

    return grep { ($client->reply($_)->{error}{code} // '') eq 'rate_limited' }
        @ids;
}


# is refused, and waits then for as long as it is told to

sub patient_ok ($client, $title) {
    my $error = wait_until {
        my $error = $client->refused('history.get', \%history);

        $error->{code} eq 'rate_limited' && $error;
    };

    select undef, undef, undef, $error->{retryAfter};
    isnt($client->refused('history.get', \%history)->{code}, 'rate_limited',
         $title);

    return;
}


subtest 'requests of a user' => sub {
    my $one = $chat->connect(user => 'alice');
    my $two = $chat->connect(user => 'alice', node_other_than => $one);

    is(limited($one, 'history.get', \%history, REQUESTS / 2), 0, 'half');
    is(limited($two, 'history.get', \%history, REQUESTS / 2), 0,
       'the other half, on the other worker');

    my $error = $one->refused('read.mark',
                              { conversationId => 'lobby',
                                sequenceNumber => 1 });
    is($error->{code}, 'rate_limited', 'one more');
    cmp_ok($error->{retryAfter}, '>=', 30, 'retryAfter');
    is($error->{message}, 'too many requests', 'message');
    is($two->refused('history.get', \%history)->{code}, 'rate_limited',
       'of either session');
    is($two->refused('authenticate', { token => 'x.y.z' })->{code},
       'rate_limited', 'nor is a token looked at');

    ok($one->request('ping'), 'a ping is none');
    is($chat->limited('request_rate'), 3, 'counted');

    my $bob = $chat->connect(user => 'bob');
    is(limited($bob, 'history.get', \%history, 1), 0, 'bob may');

    my $off = $chat->connect(user => 'alice', path => '/off');
    is(limited($off, 'history.get', \%history, 2), 0,
       'and alice elsewhere');
};

subtest 'a join of several costs more' => sub {
    my $carol = $chat->connect(user => 'carol');
    my @batch = map { { conversationId => "room-$_" } } 1 .. 200;

    is(limited($carol, 'conversation.join', { conversations => \@batch }, 2),
       1, 'of two the second is too much');
};

subtest 'messages of a user' => sub {
    my $dave = $chat->connect(user => 'dave', path => '/messages');
    my %of = (conversationId => 'lobby',
              messageId => '01a2022d-852b-73b1-8efe-8341b7bbdcad');

    is(limited($dave, 'message.send', \%message, MESSAGES), 0, 'the burst');

    my $error = $dave->refused('message.send', \%message);
    is($error->{code}, 'rate_limited', 'one more');
    cmp_ok($error->{retryAfter}, '>=', 15, 'retryAfter');
    is($error->{message}, 'too many messages', 'message');

    is(limited($dave, 'message.edit', { %of, content => 'y' }, 1), 1,
       'an edit is one');
    is(limited($dave, "reaction.$_", { %of, emoji => 'x' }, 1), 1,
       "reaction.$_ is one") for qw(add remove);
    is(limited($dave, 'presence.set', { status => 'busy' }, 1), 1,
       'a choice of presence is one');
    is(limited($dave, 'message.delete', \%of, 1), 0, 'a deletion is none');
    is(limited($dave, 'history.get', \%history, 1), 0, 'nor anything else');
    is($chat->limited('message_rate'), 5, 'counted');
};

subtest 'who goes on though refused is closed' => sub {
    my $eve = $chat->connect(user => 'eve');

    $eve->send_text(encode({ type => 'history.get', data => \%history }))
        for 1 .. REQUESTS + 20;
    ok(defined $eve->expect_close(4429), 'close 4429');

    my $again = $chat->connect(user => 'eve');
    ok($again->request('ping'), 'but may come back');
};

subtest 'who waits for retryAfter is served' => sub {
    my $frank = $chat->connect(user => 'frank', path => '/quick');

    patient_ok($frank, "time $_") for 1 .. 2;
    ok($frank->request('ping'), 'the session lives');
};

done_testing;
