# Marks come to PostgreSQL soon after they were made, whatever happens to those
# who carry them there, and never before what they are marks of.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Compress::Zlib qw(crc32);
use File::Path qw(remove_tree);

use ChatTest;
use ChatTest::Redis;

use constant MANY => 3000;

my $chat = ChatTest->new(workers => 1);
$chat->start;
$chat->create('lobby');
$chat->create('hall', type => 'group', members => ['ada', 'bob']);

my ($ada, $bob) = map { $chat->connect(user => $_) } qw(ada bob);


sub mark ($client, $kind, $sequence, $id = 'hall') {
    $client->insist("$kind.mark", {
        conversationId => $id, sequenceNumber => $sequence,
    });

    return;
}


# read and delivered, and the role

sub stored ($user, $id = 'hall') {
    return $chat->psql(<<~"END");
        SELECT last_read, last_delivered, role
        FROM chat.member m JOIN chat.conversation c USING (conversation_key)
        WHERE user_id = '$user' AND conversation_id = '$id'
        END
}


sub stored_ok ($user, $expected, $what, $id = 'hall') {
    eval { wait_until { stored($user, $id) eq $expected } };
    is(stored($user, $id), $expected, $what);

    return;
}


# marks that have not been stored

sub waiting () {
    my $script = <<~'END';
        local n = 0
        for p = 0, 63 do
            n = n + redis.call('HLEN', string.format('chat:{p%02d}:marks', p))
        end
        return n
        END

    return $chat->redis_cli('EVAL', $script, 0);
}


subtest 'marks are stored, and forgotten in Redis' => sub {
    $ada->say('hall', "number $_") for 1 .. 5;
    mark($bob, 'delivered', 4);
    mark($bob, 'read', 2);
    stored_ok('bob', '2|4|member', 'both of them');
    stored_ok('ada', '5|5|member', 'who sends has read');
    wait_until { waiting() eq '0' };
    pass('none waits');

    mark($bob, 'read', 1);
    mark($bob, 'read', 3);
    stored_ok('bob', '3|4|member', 'the maximum counts');
};

subtest 'who reads a channel becomes a member by a mark' => sub {
    $ada->say('lobby', "number $_") for 1 .. 3;
    mark($bob, 'read', 2, 'lobby');
    stored_ok('bob', '2|2|member', 'with that mark', 'lobby');
};

# The member itself is in the log only: its marks must wait.

subtest 'marks that were made while chat-persist was away' => sub {
    my $cat = $chat->connect(user => 'cat');

    $chat->kill('persist');
    $ada->say('lobby', 'number 4');
    mark($cat, 'read', $_, 'lobby') for 1 .. 4;
    $chat->start_part('persist');
    stored_ok('cat', '4|4|member', 'follow their member', 'lobby');
};

subtest 'marks that wait when Redis is killed' => sub {
    $chat->kill('persist');
    $ada->say('hall', 'number 6');
    mark($bob, 'delivered', 6);
    mark($bob, 'read', 5);
    $chat->kill('redis');
    $chat->restart($_) for qw(redis persist);
    $chat->wait_ready;
    stored_ok('bob', '5|6|member', 'are stored before it is opened again');
};

subtest 'marks that wait when chat-persist stops' => sub {
    $ada->insist('message.send', { conversationId => 'hall',
                                   content => 'number 7' });
    $chat->wait_stored;
    mark($bob, 'read', 7);
    $chat->kill('persist', 'TERM');
    is(stored('bob'), '7|7|member', 'are stored before that');
    $chat->start_part('persist');
};

subtest 'two that take turns' => sub {
    my $second = $chat->command('second', 'chat-persist')->start;

    $ada->say('hall', "turn $_") for 8 .. 10;
    $chat->wait_stored;

    $chat->freeze('persist');
    mark($bob, 'read', 8);
    stored_ok('bob', '8|8|member', 'the other one goes on');

    $chat->thaw('persist');
    mark($bob, 'read', 9);
    stored_ok('bob', '9|9|member', 'the first one does no harm');
    $second->end;
    is($second->{status}, 0, 'it stops cleanly');
    $chat->wait_ready;
};

subtest 'more marks than are carried at once' => sub {
    my $redis = ChatTest::Redis->new($chat->{redis_socket});
    my $prefix = sprintf 'chat:{p%02d}:', crc32('default/lobby') % 16;
    my $identity = $redis->call('HGET', "${prefix}part", 'identity');

    my @answers = $redis->call_all(map {
        ['FCALL', 'chat_v1_mark', 2, $prefix, "${prefix}c:default/lobby",
         $identity, 16, "user$_", int(1000 * time), 'read', 3, '{']
    } 1 .. MANY);

    is(scalar(grep { ref eq 'ARRAY' && $_->[0] eq 'ok' } @answers), MANY,
       'all are made');
    wait_until { waiting() eq '0' } 30;
    is($chat->psql("SELECT count(*) FROM chat.member WHERE last_read = 3
                    AND last_delivered = 3 AND user_id LIKE 'user%'"), MANY,
       'all are stored');
};

subtest 'a Redis that lost everything has them again' => sub {
    $chat->kill('redis');
    remove_tree($chat->directory . '/appendonlydir');
    $chat->restart('redis');
    $chat->wait_ready;

    is($bob->insist('conversation.join', { conversationId => 'hall' })
           ->{lastReadSequence}, 9, 'from PostgreSQL');
};

subtest 'a new conversation under an old id has no marks' => sub {
    my $admin = $chat->connect(user => 'admin',
                               claims => { roles => ['admin'] });

    $admin->insist('conversation.delete', { conversationId => 'hall' });
    $chat->create('hall', type => 'group', members => ['ada', 'bob']);
    $ada->say('hall', "anew $_") for 1 .. 20;
    $chat->wait_stored;
    stored_ok('ada', '20|20|member', 'but for those of its own');
    is(stored('bob'), '0|0|member', 'nothing is left of the old ones');
};

done_testing;
