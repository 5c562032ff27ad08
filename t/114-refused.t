# Events that PostgreSQL does not take, as only a broken program could write
# them: each is set aside with its numbers, and nothing else is lost.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Redis;

my $chat = ChatTest->new(workers => 1);
$chat->start;
$chat->create('lobby', type => 'group', members => ['ada']);
$chat->logs->allow(qr/an event went to the dead letters/);

my $ada = $chat->connect(user => 'ada');
my $first = $ada->say('lobby', 'first');

$chat->wait_stored;

my $redis = ChatTest::Redis->new($chat->{redis_socket});
my ($p, $key, $revision, $sequence) = split /\|/, $chat->psql(<<~'END');
    SELECT p, conversation_key, revision, last_sequence FROM chat.conversation
    END
my %of = (c => 'default/lobby', v => $key, u => 'ada', t => 1_800_000_000_000);
my $bad = "\xff";


# an entry of the log; q of a message that is new, of others as it is

sub entry ($kind, %fields) {
    $revision++;
    $sequence++ if $kind eq 'message';

    # the last one of a name stays
    my %all = (%of, r => $revision, q => $sequence, %fields);

    return ['XADD', sprintf('chat:{p%02d}:log', $p), '*', k => $kind, %all];
}


# a good message

sub message () {
    return entry(message => i => uuid(), x => '', b => '"good"', j => 0);
}


sub dead () { return $chat->psql('SELECT count(*) FROM chat.dead_letter') }


sub messages () {
    return $chat->psql("SELECT count(*) FROM chat.message
                        WHERE content IS NOT NULL");
}


my %id = (i => $first->{id}, q => 1);

for my $case (
    ['message, no JSON'    => 'message', i => uuid(), x => '', b => '{',
                              j => 0],
    ['message, no id'      => 'message', i => 'x', x => '', b => '1', j => 0],
    ['message, a sender'   => 'message', i => uuid(), x => '', b => '1',
                              j => 1, u => $bad],
    ['message, a mention'  => 'message', i => uuid(), x => '', b => '1',
                              j => 0, m => "ada,$bad"],
    ['message, no reply'   => 'message', i => uuid(), x => '', b => '1',
                              j => 0, p => 'x'],
    ['message, attached'   => 'message', i => uuid(), x => '', b => '1',
                              j => 0, f => '['],
    ['edit, no JSON'       => 'edit', %id, b => 'x'],
    ['edit of nothing'     => 'edit', q => 1, b => '1'],
    ['delete of nothing'   => 'delete', q => 1],
    ['delete by'           => 'delete', %id, u => $bad],
    ['react'               => 'react', %id, y => $bad],
    ['unreact'             => 'unreact', %id, y => ''],
    ['update, a name'      => 'update', n => $bad, d => '', o => 0, w => 0],
    ['update, slow mode'   => 'update', n => 'n', d => '', o => 0, w => -1],
    ['member, nobody'      => 'member', g => '', y => 'member', j => 1],
    ['member, a role'      => 'member', g => 'bob', y => $bad, j => 1],
    ['join'                => 'join', g => $bad],
    ['close, no name'      => 'close', c => 'lobby'],
    ['create, no such type' => 'create', c => 'default/other', v => uuid(),
                              y => 'party', n => '', m => 'ada owner'],
) {
    my ($what, $kind, %fields) = @$case;
    my ($dead, $messages) = (dead(), messages());

    # between others, in one batch
    $redis->call('MULTI');
    $redis->call(@$_) for message(), message(), entry($kind, %fields),
        message();
    $redis->call('EXEC');
    $chat->wait_stored;

    subtest $what => sub {
        is(dead(), $dead + 1, 'it is set aside');
        is(messages(), $messages + 3, 'the others are stored');
        is($chat->psql("SELECT revision, last_sequence FROM chat.conversation
                        WHERE conversation_id = 'lobby'"),
           "$revision|$sequence", 'the numbers go on');
    };
}

subtest 'nothing of them has come into the tables' => sub {
    is($chat->psql("SELECT content #>> '{}', edited_at, deleted_at
                    FROM chat.message WHERE sequence = 1"), 'first||',
       'the message is as it was');
    is($chat->psql("SELECT string_agg(user_id, ',' ORDER BY user_id)
                    FROM chat.member"), 'ada,admin', 'so are the members');
    is($chat->psql('SELECT (SELECT count(*) FROM chat.reaction)
                         + (SELECT count(*) FROM chat.mention)
                         + (SELECT count(*) FROM chat.message_version)
                         + (SELECT count(*) FROM chat.erasure)'), 0,
       'and all the rest');
};

done_testing;
