# Redis' memory is full: what is sent is refused, and nothing that was accepted
# is missing; chat-persist goes on storing, and service comes back by itself
# when there is memory again.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant {
    ROOM => 3_000_000,          # bytes that are left
    SIZE => 50_000,
    MOST => 1000,               # messages, that need more than there is
};

my $chat = ChatTest->new(workers  => 1,
                         location => 'chat_request_timeout 1m;',
                         server   => <<'END');
    location = /hasty {
        chat_websocket on;
        chat_request_timeout 500ms;
    }
END
$chat->start;
$chat->create($_) for qw(lobby attic);

my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob');
my (@accepted, $last);

$alice->say('attic', 'long ago');
$chat->wait_stored;
$_->join('lobby') for $alice, $bob;


sub used () {
    return $chat->redis_cli('INFO', 'memory') =~ /^used_memory:(\d+)/m
        ? $1 : die 'no memory';
}


sub limit ($bytes) {
    $chat->redis_cli('CONFIG', 'SET', 'maxmemory', $bytes);

    return;
}


# sends until it is refused; the error

sub fill () {
    for my $n (1 .. MOST) {
        my $reply = $alice->reply($alice->post('message.send', {
            conversationId => 'lobby', content => "$n " . 'x' x SIZE,
        }));

        return $reply->{error} if !$reply->{ok};
        push @accepted, $n;
        $bob->hear('lobby');
        $alice->hear('lobby');
    }

    die 'it was never refused';
}


# the content of what is stored, in order

sub stored () {
    return [split /\n/, $chat->psql(<<~'END')];
        SELECT split_part(content #>> '{}', ' ', 1) FROM chat.message
        WHERE size > 1000 ORDER BY sequence
        END
}


subtest 'sending is refused, and what was accepted is stored' => sub {
    for my $key (split /\n/, $chat->redis_cli('KEYS', '*/attic:*')) {
        $chat->redis_cli('DEL', $key);
    }

    $chat->kill('persist', 'TERM');
    limit(used() + ROOM);

    my $error = fill();

    is($error->{code}, 'unavailable', 'unavailable');
    cmp_ok($error->{retryAfter} // 0, '>', 0, 'to be tried again later');
    cmp_ok(scalar @accepted, '>', ROOM / SIZE / 4, 'some were accepted');

    $chat->start_part('persist');
    wait_until { @{ stored() } == @accepted } 20;
    is_deeply(stored(), \@accepted, 'a chat-persist that starts stores all');
    $chat->wait_stored;
    pass('and trims the log');
};

subtest 'what is not in Redis is unavailable, too' => sub {
    my $hasty = $chat->connect(user => 'bob', path => '/hasty');

    limit(1);
    is($hasty->refused('conversation.join', { conversationId => 'attic' })
           ->{code}, 'unavailable', 'a conversation that must be loaded');
    is($bob->refused('message.send', {
        conversationId => 'lobby', content => 'more',
    })->{code}, 'unavailable', 'a message');
    is($bob->history('lobby', limit => 1)->{messages}[0]{sequenceNumber},
       scalar @accepted, 'what needs no memory is answered');
    ok($chat->part('persist')->alive, 'chat-persist runs');
};

subtest 'with memory everything is as before' => sub {
    limit(0);
    is($bob->insist('conversation.join', { conversationId => 'attic' })
           ->{sequenceNumber}, 1, 'what was cold is loaded');
    is($alice->insist('message.send', {
        conversationId => 'lobby', content => 'more',
    })->{sequenceNumber}, @accepted + 1, 'the next message is the next one');
    is($bob->hear('lobby')->{content}, 'more', 'and is heard');
    $chat->wait_stored;
    is($chat->psql("SELECT count(*), max(sequence) FROM chat.message m
                    JOIN chat.conversation USING (conversation_key)
                    WHERE conversation_id = 'lobby'"),
       join('|', (@accepted + 1) x 2), 'all is stored once');
    is($chat->psql('SELECT count(*) FROM chat.dead_letter'), 0,
       'no dead letter');
};

done_testing;
