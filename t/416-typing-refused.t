# Typing of which nobody is told: not allowed, too much, too many.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant { BURST => 10, MEMBERS => 4 };

my $chat = ChatTest->new(
    workers  => 1,
    http     => 'chat_presence off;',
    location => 'chat_typing_members ' . MEMBERS . ';',
    server   => <<~"END",
        location = /limited {
            chat_websocket on;
            chat_typing_rate rate=1r/m burst=@{[ BURST ]};
        }

        location = /never {
            chat_websocket on;
            chat_typing_members 0;
        }
        END
);

$chat->start;
$chat->create('team', by => 'alice', type => 'group', members => [qw(bob)]);

my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob');

$_->join('team') for $alice, $bob;


sub start ($client, $room = 'team') {
    return $client->request('typing.start', { conversationId => $room });
}


sub refused ($client, $type = 'start', $room = 'team') {
    return $client->refused("typing.$type", { conversationId => $room });
}


# What bob is told of somebody who types and sends a message; what is published
# after that comes after it.

sub is_told ($client, $room = 'team') {
    $bob->unexpected;

    start($client, $room);

    for (1 .. 2) {
        $client->say($room, 'anything');
        $bob->hear($room);
    }

    return join ' ', grep { /typing/ } $bob->unexpected;
}


subtest 'of a conversation that is not joined' => sub {
    my $carol = $chat->connect(user => 'carol');

    for my $type (qw(start stop)) {
        my $error = refused($carol, $type);

        is($error->{code}, 'conflict', "$type: conflict");
        is_deeply(refused($carol, $type, 'nothing'), $error,
                  'as of one that is not there');
    }
};

subtest 'where nothing may be said' => sub {
    $chat->chatctl_must('conversation', 'update', 'team', '--read-only',
                        'yes');
    is(refused($bob)->{code}, 'forbidden', 'forbidden');
    is(refused($bob)->{code}, 'forbidden', 'again');
    is($chat->metrics->{'chat_typing_published_total{event="started"}'}, 0,
       'nobody is told');

    $chat->chatctl_must('conversation', 'update', 'team', '--read-only', 'no');
    is(is_told($alice), 'typing.started typing.stopped',
       'until something may');
};

subtest 'a channel' => sub {
    $chat->create('news', by => 'alice');
    $bob->join('news');

    my $eve = $chat->connect(user => 'eve');
    $eve->join('news');
    $bob->unexpected;
    start($eve, 'news');
    ok($bob->expect('typing.started'), 'a reader may type');
    start($eve, 'news');
    $eve->request('typing.stop', { conversationId => 'news' });
    ok($bob->expect('typing.stopped'), 'and stop');

    my @readers = map { $chat->connect(user => "reader-$_") } 2 .. MEMBERS;
    $_->join('news') for @readers;
    is(is_told($eve, 'news'), '', 'among many readers nobody is told');
    $_->disconnect for @readers, $eve;
};

subtest 'too many members' => sub {
    $chat->chatctl_must('member', 'add', 'team', "member-$_")
        for 3 .. MEMBERS;
    is(is_told($alice), 'typing.started typing.stopped', 'just not');

    $chat->chatctl_must('member', 'add', 'team', 'one-more');
    is(is_told($alice), '', 'one more: nobody is told');
    $chat->chatctl_must('member', 'remove', 'team', 'one-more');

    my $never = $chat->connect(user => 'alice', path => '/never');
    $never->join('team');
    is(is_told($never), '', 'nobody in any');
    $never->disconnect;
};

subtest 'too often' => sub {
    my $limited = $chat->connect(user => 'alice', path => '/limited');
    my @codes = map {
        $limited->reply($_)->{error}{code} // 'conflict?'
    } map {
        $limited->post($_ % 2 ? 'typing.start' : 'typing.stop',
                       { conversationId => 'team' })
    } 1 .. BURST + 2;

    is_deeply([@codes[-3 .. -1]], [qw(conflict rate_limited rate_limited)],
              'the burst and two more');
    is($chat->limited('typing_rate'), 2, 'counted');

    my $error = refused($limited);
    cmp_ok($error->{retryAfter}, '>=', 30, 'retryAfter');
    is($error->{message}, 'too much typing', 'message');
};

subtest 'Redis is away' => sub {
    $chat->part('redis')->stop;
    wait_until {
        $alice->request('typing.stop', { conversationId => 'team' });
        my $reply = $alice->reply($alice->post('typing.start',
            { conversationId => 'team' }));
        !$reply->{ok} && $reply->{error}{code} eq 'unavailable';
    };
    is_deeply($alice->request('typing.stop', { conversationId => 'team' }),
              {}, 'a stop is served');
};

done_testing;
