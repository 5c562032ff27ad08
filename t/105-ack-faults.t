# With "chat_ack stored", what is accepted and not stored yet survives whatever
# happens to Redis: it is answered when it is stored, and made once.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);

use ChatTest;

my $chat = ChatTest->new(
    workers  => 2,
    location => 'chat_ack stored; chat_request_timeout 30s;',
);
$chat->start;
$chat->create('lobby');

my $files = $chat->directory . '/appendonlydir';
my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob', node_other_than => $alice);

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
    is_deeply([$alice->unexpected], [], 'there is no answer');
    is(stored($heard[0]{id}), 0, 'it is not stored');

    return ($number, $heard[0]{id});
}


sub answered_ok ($number, $id) {
    my $reply = $alice->reply($number);

    ok($reply->{ok}, 'it is answered') or diag explain $reply;
    is($reply->{data}{id}, $id, 'with the id that was heard');
    ok(!$reply->{data}{duplicate}, 'it is no duplicate');
    is(stored($id), 1, 'it is stored');

    return $reply->{data};
}


# Redis comes back, with all that it had, or with nothing.  (A chat-persist
# that stands still has been given the entry, and stores it: for a loss it must
# not be there.)

sub restart_redis () {
    $chat->kill('redis');
    $chat->restart('redis');
    $chat->thaw('persist');

    return;
}


sub lose_redis () {
    $chat->kill('redis');
    remove_tree($files);
    $chat->restart('redis');
    $chat->start_part('persist');

    return;
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


subtest 'what a node is not told it finds out' => sub {
    $chat->freeze('persist');
    my ($number, $id) = unanswered('lost word');

    # in the moment in which it is stored no node can hear
    my ($cut, $end) = (0, time + 2);
    $chat->thaw('persist');
    while (time < $end && !$cut) {
        $chat->redis_cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
        $cut = stored($id);
    }

    answered_ok($number, $id);
    once_ok();
};

subtest 'Redis restarts meanwhile' => sub {
    $chat->freeze('persist');
    my ($number, $id) = unanswered('across a restart');

    restart_redis();
    answered_ok($number, $id);
    once_ok();
};

subtest 'an edit across a restart is one edit' => sub {
    my $id = $alice->say('lobby', 'draft')->{id};

    $chat->freeze('persist');
    my $number = post($alice, 'message.edit', messageId => $id,
                      content => 'final');
    $_->expect('message.updated') for $alice, $bob;
    restart_redis();
    ok($alice->reply($number)->{ok}, 'it is answered');
    $_->hear('lobby') for $alice, $bob;
    once_ok();
};

subtest 'Redis comes back empty meanwhile' => sub {
    for my $client_id (uuid(), undef) {
        $chat->wait_stored;
        $chat->kill('persist', 'TERM');
        my ($number, $id) = unanswered(
            'across a loss, ' . ($client_id // 'without an id'),
            defined $client_id ? (clientMessageId => $client_id) : ());

        lose_redis();
        answered_ok($number, $id);
        $_->expect('conversation.reset') for $alice, $bob;

        # who starts over, before it is sent again or after, finds it once
        for my $client ($alice, $bob) {
            $client->join('lobby');
            is((grep { $_->{id} eq $id }
                    @{ $client->history('lobby')->{messages} }), 1,
               'it is there once');
            $client->unexpected;
        }
        once_ok();
    }
};

subtest 'it comes back empty while other changes wait' => sub {
    my ($tablet, $laptop) = map { $chat->connect(user => 'alice') } 1 .. 2;
    my $id = $alice->say('lobby', 'to be lost')->{id};
    $_->hear('lobby') for $alice, $bob;

    $chat->kill('persist', 'TERM');
    my @posted = (
        [$alice, post($alice, 'message.edit', messageId => $id,
                      content => 'changed')],
        [$tablet, post($tablet, 'reaction.add', messageId => $id,
                       emoji => '+1')],
        [$bob, $bob->post('conversation.create', { type => 'group' })],
    );
    $bob->expect($_) for qw(message.updated reaction.added);
    push @posted, [$laptop, post($laptop, 'member.remove', userId => 'alice')];
    $bob->expect('member.left');
    wait_until { 2 == split /\n/, $chat->redis_cli('KEYS', '*:c:*:meta') };
    lose_redis();

    my @replies = map { $_->[0]->reply($_->[1]) } @posted;
    ok($_->{ok}, 'answered') or diag explain $_ for @replies;
    my $made = $replies[2]{data};
    ok(!$made->{duplicate}, 'made, and no duplicate');

    $chat->wait_stored;
    is($chat->psql("SELECT content FROM chat.message WHERE id = '$id'"),
       '"changed"', 'the edit is stored');
    is($chat->psql("SELECT count(*) FROM chat.reaction
                    WHERE message_id = '$id'"), 1, 'the reaction is');
    is($chat->psql("SELECT count(*) FROM chat.conversation
                    WHERE conversation_id = '$made->{conversationId}'"), 1,
       'the group is');
    is($bob->join($made->{conversationId})->{role}, 'owner', 'and can be used');
    is($alice->join('lobby')->{role}, undef, 'alice has left');
};

done_testing;
