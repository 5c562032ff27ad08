# What PostgreSQL keeps of messages, and what it does not: former contents for a
# while, deleted ones not at all.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Redis;
use ChatTest::Traces qw(tables_with keys_with);

my $chat = ChatTest->new(workers => 1);
$chat->start;
$chat->create('lobby', type => 'group', members => ['ada', 'bob']);

my ($ada, $bob) = map { $chat->connect(user => $_) } qw(ada bob);
my $redis = ChatTest::Redis->new($chat->{redis_socket});


sub message ($client, $verb, $id, %more) {
    return $client->request("message.$verb", {
        conversationId => 'lobby', messageId => $id, %more,
    });
}


sub react ($client, $verb, $id, $emoji) {
    return $client->request("reaction.$verb", {
        conversationId => 'lobby', messageId => $id, emoji => $emoji,
    });
}


# what is known of a message's former contents

sub versions ($id) {
    return join ' ', split /\n/, $chat->psql(<<~"END");
        SELECT content #>> '{}' FROM chat.message_version
        WHERE message_id = '$id' ORDER BY revision
        END
}


# The setting is asked for by each storing transaction.

sub keep_versions ($days) {
    $chat->psql("UPDATE chat.setting SET value = '$days'
                 WHERE name = 'message_version_days'");

    return;
}


subtest 'an edit keeps what it replaces' => sub {
    my $sent = $ada->say('lobby', 'first');

    message($ada, 'edit', $sent->{id}, content => $_) for qw(second third);
    $chat->wait_stored;

    is($chat->psql("SELECT content #>> '{}', sequence, edited_at IS NOT NULL
                    FROM chat.message WHERE id = '$sent->{id}'"),
       'third|1|t', 'the message is as it is now');
    is(versions($sent->{id}), 'first second', 'and as it was');

    message($ada, 'edit', $sent->{id}, content => 'fourth');
    $chat->wait_stored;
    is(versions($sent->{id}), 'first second third',
       'whatever transaction each edit is in');
};

subtest 'a setting decides how long' => sub {
    my $sent = $ada->say('lobby', 'old');

    message($ada, 'edit', $sent->{id}, content => 'new');
    $chat->wait_stored;
    $chat->psql("UPDATE chat.message_version
                 SET replaced_at = replaced_at - interval '31 days'
                 WHERE message_id = '$sent->{id}'");
    wait_until { versions($sent->{id}) eq '' } 20;
    is($chat->psql('SELECT count(*) FROM chat.message_version'), 3,
       'thirty days, unless said otherwise; newer ones stay');

    keep_versions('');
    $chat->psql("UPDATE chat.message_version
                 SET replaced_at = replaced_at - interval '10 years'");
    message($ada, 'edit', $sent->{id}, content => 'newer');
    $chat->wait_stored;
    is(versions($sent->{id}), 'new', 'empty: they are kept');

    keep_versions(0);
    message($ada, 'edit', $sent->{id}, content => 'newest');
    $chat->wait_stored;
    isnt(versions($sent->{id}), 'new newer', '0: no new ones');
    wait_until {
        $chat->psql('SELECT count(*) FROM chat.message_version') eq '0'
    } 20;
    pass('and the old ones go');
    keep_versions(30);
};

# An event that PostgreSQL refuses, as only a broken program could send it.

subtest 'what is deleted is nowhere' => sub {
    my $sent = $ada->request('message.send', {
        conversationId => 'lobby', content => 'needle one',
        mentions => ['bob'], attachments => [{ id => 'needle-file' }],
    });

    $chat->logs->allow(qr/an event went to the dead letters/);
    message($ada, 'edit', $sent->{id}, content => 'needle two');
    react($bob, 'add', $sent->{id}, '+1');
    $chat->wait_stored;

    my ($p, $key) = split /\|/, $chat->psql(
        "SELECT p, conversation_key FROM chat.message
         WHERE id = '$sent->{id}'");
    my $revision = $ada->join('lobby')->{revision} + 1;
    $redis->call('XADD', sprintf('chat:{p%02d}:log', $p), '*',
                 k => 'edit', c => 'default/lobby', v => $key,
                 r => $revision, u => 'ada', t => 1, i => $sent->{id},
                 q => $sent->{sequenceNumber}, b => 'needle, but no JSON');
    $chat->wait_stored;

    is(tables_with($chat, 'needle') =~ s/_p\d\d//gr,
       'chat.dead_letter chat.message chat.message_version',
       'all of it was there');
    is($chat->psql('SELECT n.user_id, r.user_id, emoji
                    FROM chat.mention n JOIN chat.reaction r
                    USING (message_id)'), 'bob|bob|+1',
       'a mention and a reaction too');

    message($ada, 'delete', $sent->{id});
    $chat->wait_stored;
    is(tables_with($chat, 'needle'), '', 'PostgreSQL has nothing of it');
    is(keys_with($chat, 'needle'), '', 'neither has Redis');
    is($chat->psql('SELECT (SELECT count(*) FROM chat.mention),
                           (SELECT count(*) FROM chat.reaction)'), '0|0',
       'nobody is mentioned, nobody reacts');
    is($chat->psql('SELECT count(*), max(fields::text)
                    FROM chat.dead_letter'), '1|{}',
       'the dead letter tells that there was one');
    is($chat->psql("SELECT sequence, content IS NULL, deleted_by,
                           deleted_at IS NOT NULL
                    FROM chat.message WHERE id = '$sent->{id}'"),
       "$sent->{sequenceNumber}|t|ada|t", 'a mark is left in its place');
};

subtest 'a deleted conversation leaves its id alone' => sub {
    $chat->create('hall', type => 'group', name => 'needle hall',
                  members => ['ada']);
    $ada->request('message.send', {
        conversationId => 'hall', content => "needle $_",
        mentions => ['ada'],
    }) for 1 .. 300;

    my $admin = $chat->connect(user => 'admin',
                               claims => { roles => ['admin'] });
    my $last = $admin->request('conversation.delete',
                               { conversationId => 'hall' })->{revision};

    $chat->wait_stored;
    wait_until { tables_with($chat, 'needle') eq '' } 20;
    pass('what was in it is erased');
    wait_until {
        $chat->psql("SELECT (SELECT count(*) FROM chat.erasure)
                          + (SELECT count(*) FROM chat.mention)") eq '0'
    } 20;
    is(keys_with($chat, 'needle'), '', 'in Redis as well');
    is($chat->psql("SELECT name, deleted_revision FROM chat.conversation
                    WHERE conversation_id = 'hall'"), "|$last",
       'the id and how far it got are known');

    $chat->create('hall', type => 'group', members => ['ada']);

    my $sent = $ada->say('hall', 'anew');
    is($sent->{sequenceNumber}, 1, 'made again it begins with 1');
    cmp_ok($sent->{revision}, '>', $last, 'and revisions go on');
    $chat->wait_stored;
    is($chat->psql("SELECT count(*), max(last_sequence)
                    FROM chat.conversation c JOIN chat.message m
                    USING (conversation_key)
                    WHERE conversation_id = 'hall'"), '1|1',
       'in PostgreSQL likewise');
};

done_testing;
