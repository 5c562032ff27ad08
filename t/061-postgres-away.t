# PostgreSQL or chat-persist goes away: conversations in use go on, what needs
# storage is told so, and nothing is missing afterwards.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant BACKLOG => 60;

my $chat = ChatTest->new(workers => 2,
                         settings => { CHAT_BACKLOG => BACKLOG },
                         location => 'chat_request_timeout 1m;',
                         server => <<'END');
    location = /hasty {
        chat_websocket on;
        chat_request_timeout 500ms;
    }
END
$chat->start;
$chat->create($_) for qw(lobby attic);

my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob', node_other_than => $alice);
my $hasty = $chat->connect(user => 'alice', path => '/hasty');
my $start = $alice->join('lobby')->{revision};

$bob->join('lobby');


sub stored () {
    return $chat->psql('SELECT count(*) FROM chat.message');
}


# makes Redis forget a conversation that is idle and stored

sub cool_down ($id) {
    $chat->wait_stored;

    for my $key (split /\n/, $chat->redis_cli('KEYS', "*/$id:*")) {
        $chat->redis_cli('DEL', $key);
    }

    return;
}


for my $part (qw(persist postgres)) {
    subtest "without $part a conversation in use goes on" => sub {
        $chat->wait_stored;
        my $before = stored();

        cool_down('attic');
        $chat->kill($part);

        $alice->say('lobby', "$_ without $part") for 1 .. 20;
        is($bob->hear('lobby')->{content}, "$_ without $part", "heard: $_")
            for 1 .. 20;
        is(@{ $bob->history('lobby', limit => 20)->{messages} }, 20,
           'they are in the history');
        is($chat->http(path => '/readyz')->status, 200,
           'and nginx is ready');

        is($hasty->refused('conversation.join',
                           { conversationId => 'attic' })->{code},
           'unavailable', 'a cold conversation is unavailable');
        ok($hasty->request('ping'), 'the session lives');

        $chat->restart($part);
        $chat->wait_stored(20);
        is(stored(), $before + 20, 'then all 20 are stored');

        my $join = $alice->insist('conversation.join',
                                  { conversationId => 'attic' });
        is($join->{sequenceNumber}, 0, 'and the cold one can be joined');
    };
}

subtest 'a chat-persist that does not answer holds up nobody' => sub {
    my $before = stored();

    $chat->freeze('persist');
    $alice->say('lobby', "frozen $_") for 1 .. 5;
    is($bob->hear('lobby')->{content}, "frozen $_", "heard: $_") for 1 .. 5;
    $chat->thaw('persist');
    $chat->wait_stored(20);
    is(stored(), $before + 5, 'all are stored');
};

subtest 'more than the backlog is refused, and goes on later' => sub {
    $chat->kill('persist');

    $alice->say_all('lobby', map { "waits $_" } 1 .. BACKLOG);

    my $error = $alice->refused('message.send', { conversationId => 'lobby',
                                                  content => 'too much' });
    is($error->{code}, 'unavailable', 'unavailable');
    cmp_ok($error->{retryAfter}, '>', 0, 'with retryAfter');

    $chat->restart('persist');
    $alice->insist('message.send', { conversationId => 'lobby',
                                     content => 'goes on' });
    $bob->hear('lobby') for 1 .. BACKLOG;
    is($bob->hear('lobby')->{content}, 'goes on', 'goes on');
};

my $last = 45 + BACKLOG + 1;

subtest 'nothing was set aside or stored twice' => sub {
    $chat->wait_stored(20);
    is($chat->psql('SELECT count(*) FROM chat.dead_letter'), 0,
       'no dead letter');
    is($chat->psql(<<~'END'), "$last|$last|1|$last", 'every number once');
        SELECT count(*), count(DISTINCT sequence), min(sequence),
               max(sequence) FROM chat.message
        END
    is($chat->psql("SELECT count(*) FROM chat.partition
                    WHERE stopped IS NOT NULL"), 0, 'no partition stopped');
};

subtest 'after all that a client that was away resumes' => sub {
    my $carol = $chat->connect(user => 'carol');
    my @events = $carol->resume('lobby', $start);

    is_deeply([map { $_->{data}{sequenceNumber} } @events], [1 .. $last],
              'every message');
};

done_testing;
