# With "chat_ack stored" a node sends a message again when Redis has come back
# without it.  If it was stored all the same, and only the node was not told, it
# must be found again, though the client gave it no id.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);

use ChatTest;
use ChatTest::Redis;

my $chat = ChatTest->new(workers => 1,
                         location => 'chat_ack stored;'
                                     . ' chat_request_timeout 30s;');
$chat->start;
$chat->create('lobby');

my $ada = $chat->connect(user => 'ada');

# whoever would store a message has to wait for this session to end

sub hold_messages () {
    open my $psql, '|-', 'psql', '-Xq', '-d', $chat->{postgres}->url
        or die "cannot run psql: $!";
    $psql->autoflush;
    print {$psql} "BEGIN; LOCK TABLE chat.message IN EXCLUSIVE MODE;\n";
    wait_until { locks(q(granted AND mode = 'ExclusiveLock')) == 1 };

    return $psql;
}


sub locks ($which) {
    return $chat->psql("SELECT count(*) FROM pg_locks WHERE $which"
                       . " AND relation = 'chat.message'::regclass");
}


sub messages () {
    return $chat->psql('SELECT count(*) FROM chat.message');
}


# the reply to a message that is stored while Redis goes and forgets all

sub reply_after_loss (%data) {
    my $before = messages();
    my $psql = hold_messages();
    my $id = $ada->post('message.send', { conversationId => 'lobby',
                                          content => 'once', %data });

    wait_until { locks('NOT granted') == 1 };
    $chat->kill('redis');
    close $psql;
    wait_until { messages() == $before + 1 };
    remove_tree($chat->directory . '/appendonlydir');
    $chat->restart('redis');

    return $ada->reply($id);
}


for my $with (1, 0) {
    subtest 'a message with' . ($with ? '' : 'out') . ' a client id' => sub {
        my $before = messages();
        my $reply = reply_after_loss($with ? (clientMessageId => uuid()) : ());

        ok($reply->{ok}, 'is acknowledged');
        ok(!$reply->{data}{duplicate}, 'as the first of its kind');
        is($reply->{data}{sequenceNumber}, $before + 1, 'where it was');

        my $next = $ada->insist('message.send', {
            conversationId => 'lobby', clientMessageId => uuid(),
            content        => 'next',
        });
        is($next->{sequenceNumber}, $before + 2, 'the next one follows');
        is(messages(), $before + 2, 'and PostgreSQL has each once');
    };
}

# Redis has the conversation again, but not the ids.  It must not take the one
# that the node made for one that was never used.

subtest 'the id that a node has made is not taken for a new one' => sub {
    my $redis = ChatTest::Redis->new($chat->{redis_socket});
    my ($p, $client_id, $id, $time) = split /\|/, $chat->psql(<<~'END');
        SELECT p, client_id, id, (extract(epoch FROM created_at) * 1000)::bigint
          FROM chat.message WHERE client_id LIKE ' %'
        END
    my $prefix = sprintf 'chat:{p%02d}:', $p;
    my $identity = $redis->call('HGET', "${prefix}part", 'identity');

    is($client_id, " $id", 'it is made of the id of the message');
    is_deeply($redis->call('FCALL', 'chat_v1_append', 2, $prefix,
                           "${prefix}c:default/lobby", $identity, 16,
                           'message.send', 'ada', $time, $client_id, $time,
                           $id, '{', '"once"', ',', '', '', ''),
              ['need', 'client id'], 'Redis asks for it');
};

done_testing;
