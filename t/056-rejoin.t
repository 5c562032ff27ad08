# A join of what is joined already: it tells the position anew, and whatever
# becomes of it, the live one goes on.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers => 1, location => 'chat_request_timeout 1m;',
                         server => <<'END');
    location = /hasty {
        chat_websocket on;
        chat_request_timeout 300ms;
    }
END
$chat->start;
$chat->create($_) for qw(lobby hall);

my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob');

$alice->join('lobby');


# The replies to what is posted while Redis stands still, so that it serves all
# of it in one go, in the order in which it was posted.  A client's ping is
# answered when nginx has read what the client sent before.

sub at_once ($post) {
    $chat->freeze('redis');
    my @posted = $post->();
    $_->[0]->request('ping') for @posted;
    $chat->thaw('redis');

    return map { $_->[0]->reply($_->[1]) } @posted;
}


sub posted ($client, $type, %data) {
    my $id = $client->post($type, { conversationId => 'lobby', %data });

    $client->request('ping');

    return [$client, $id];
}


# the sequence numbers that were heard, and that nothing else came

sub heard_ok ($client, $numbers, $what) {
    my @heard = map { $client->hear('lobby')->{sequenceNumber} } @$numbers;

    is_deeply(\@heard, $numbers, $what);
    is_deeply([$client->unexpected], [], 'and nothing else');

    return;
}


subtest 'what is said while it is repeated is heard, once' => sub {
    for my $turn (0 .. 4) {
        my @replies = at_once(sub {
            return (posted($bob, 'message.send', content => 'before'),
                    posted($alice, 'conversation.join'),
                    posted($bob, 'message.send', content => 'after'));
        });
        my $before = 1 + 2 * $turn;

        is((grep { $_->{ok} } @replies), 3, 'all succeed');
        is($replies[1]{data}{sequenceNumber}, $before,
           'the join tells the position');
        heard_ok($alice, [$before, $before + 1], 'both are heard');
    }
};

subtest 'left and joined again at once, it goes on from the present' => sub {
    my @replies = at_once(sub {
        return (posted($alice, 'conversation.leave'),
                posted($bob, 'message.send', content => 'not for alice'),
                posted($alice, 'conversation.join'));
    });

    is((grep { $_->{ok} } @replies), 3, 'all succeed');

    $bob->say('lobby', 'for alice');
    is($alice->hear('lobby')->{content}, 'for alice', 'what comes is heard');
    is_deeply([$alice->unexpected], [], 'and nothing else');
};

subtest 'with afterRevision it answers events, and the live ones go on' => sub {
    my $seen = $alice->join('lobby')->{revision};

    $bob->say('lobby', "number $_") for 1 .. 3;
    my @live = map { $alice->hear('lobby') } 1 .. 3;

    my $join = $alice->join('lobby', $seen);
    is_deeply([map { $_->{data} } @{ $join->{events} }], \@live,
              'the events are those that came live');
    ok($join->{complete}, 'it is complete');
    ok(!$join->{reset}, 'without a reset');
    is($join->{revision}, $live[-1]{revision}, 'it reaches to the last one');

    $bob->say('lobby', 'goes on');
    is($alice->hear('lobby')->{content}, 'goes on', 'then it goes on live');
    is_deeply([$alice->unexpected], [], 'with nothing twice');
};

# a session whose requests fail soon

$alice->disconnect;
$alice = $chat->connect(user => 'alice', path => '/hasty');

subtest 'one that fails leaves the live one working' => sub {
    my $missed = $alice->insist('conversation.join', {
        conversationId => 'lobby',
    })->{revision};

    $chat->freeze('redis');
    like($alice->refused('conversation.join', { conversationId => 'lobby' })
             ->{code}, qr/^(?:timeout|unavailable)$/, 'it fails');
    $chat->thaw('redis');

    # the answer that came too late has been thrown away when this is answered
    ok($alice->insist('history.get', { conversationId => 'lobby' }),
       'Redis is back');

    $bob->say('lobby', 'still there?');
    is($alice->hear('lobby')->{content}, 'still there?', 'alice still hears');
    is_deeply([$alice->unexpected], [], 'once');
    is(@{ $alice->insist('conversation.join', {
           conversationId => 'lobby', afterRevision => $missed,
       })->{events} }, 1, 'and it can be joined once more');
};

subtest 'a first join that fails leaves nothing behind' => sub {
    $chat->freeze('redis');
    ok($alice->refused('conversation.join', { conversationId => 'hall' }),
       'it fails');
    $chat->thaw('redis');
    $alice->insist('history.get', { conversationId => 'hall' });

    $bob->say('hall', 'not for alice');
    is_deeply([$alice->unexpected], [], 'alice hears nothing');

    $alice->insist('conversation.join', { conversationId => 'hall' });
    $bob->say('hall', 'for alice');
    is($alice->hear('hall')->{content}, 'for alice', 'until she has joined');
};

done_testing;
