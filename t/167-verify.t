# chatctl verify: a conversation in which everything has happened is found
# good; each thing that is spoilt, in PostgreSQL or in Redis, is found and told.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant { DONE => 0, FAILED => 1, USAGE => 2, NOT_FOUND => 3,
               UNAVAILABLE => 4 };

my $chat = ChatTest->new(workers => 1);
$chat->start;
$chat->create('lobby', type => 'group', by => 'ada',
              members => [qw(bob carol dan)]);
$chat->create('square');

my %user = map { $_ => $chat->connect(user => $_) } qw(ada bob carol dan);


# The exit code, and what a line of JSON says.

sub verify (@line) {
    my ($code, $text) = $chat->chatctl('verify', @line, '--json');

    return ($code, $text =~ /\A\{/ ? decode((split /\n/, $text)[0]) : {});
}


sub kinds ($told) {
    my %kinds = map { $_->{kind} => 1 } @{ $told->{faults} };

    return join ' ', sort keys %kinds;
}


# all kinds of events, so that there is something to be spoilt

sub live ($room) {
    my %of = (conversationId => $room);
    my @say = map {
        $user{bob}->request('message.send', { %of, content => "Number $_",
            clientMessageId => $_ % 3 ? uuid() : "bob-$_" })
    } 1 .. 12;

    $user{carol}->request('message.send', {
        %of, content => 'yes', replyTo => $say[0]{id}, mentions => ['bob'],
        attachments => [{ id => 'a' }],
    });
    $user{bob}->request('message.edit',
                        { %of, messageId => $_->{id}, content => 'other' })
        for @say[1, 2, 3, 2];
    $user{$_}->request('reaction.add',
                       { %of, messageId => $say[4]{id}, emoji => '+1' })
        for qw(ada bob carol);
    $user{bob}->request('reaction.remove',
                        { %of, messageId => $say[4]{id}, emoji => '+1' });
    $user{bob}->request('reaction.add',
                        { %of, messageId => $say[5]{id}, emoji => '-1' });
    $user{bob}->request('message.delete', { %of, messageId => $_->{id} })
        for @say[5, 1];
    $user{carol}->request('read.mark', { %of, sequenceNumber => 3 });

    return @say;
}


my @said = live('lobby');
$user{ada}->request('conversation.update',
    { conversationId => 'lobby', name => 'Lobby', slowMode => 0 });
$user{ada}->request('member.update', { conversationId => 'lobby',
    userId => 'carol', role => 'moderator' });
$user{ada}->request('member.remove', { conversationId => 'lobby',
                                       userId => 'dan' });
$user{dan}->join('square');
live('square');

subtest 'what is good is found good, at once' => sub {
    my ($code, $told) = verify('lobby');

    is($code, DONE, 'exit code');
    is_deeply($told->{faults}, [], 'no faults');
    is($told->{messages}, 13, 'messages');
    is($told->{redis}, 'compared', 'Redis');
};

subtest 'and when all is stored' => sub {
    $chat->wait_stored;
    is((verify($_))[0], DONE, $_) for qw(lobby square);
    like(($chat->chatctl('verify', 'lobby'))[1],
         qr/^lobby: 13 messages, revision \d+, Redis compared: ok$/,
         'for people');
};

subtest 'and while it is not stored' => sub {
    $chat->freeze('persist');
    $user{bob}->say('lobby', "later $_") for 1 .. 5;
    $user{bob}->request('message.delete', { conversationId => 'lobby',
                                            messageId => $said[7]{id} });
    $user{bob}->say('lobby', "last $_") for 1 .. 3;
    is((verify('lobby'))[0], DONE, 'exit code');
    $chat->thaw('persist');
    $chat->wait_stored;
};

subtest 'all of a tenant' => sub {
    my ($code, $told) = verify('--all');

    is($code, DONE, 'exit code');
    is_deeply([@$told{qw(conversations messages inRedis faulty)}],
              [2, 34, 2, 0], 'the summary');
    is((verify('--all', '--tenant', 'other'))[0], DONE, 'none is none');
};

subtest 'usage' => sub {
    is((verify(@$_))[0], USAGE, "@$_") for [], ['lobby', '--all'], ['a/b'];
    is((verify('nowhere'))[0], NOT_FOUND, 'not found');
    is((verify('lobby', '--tenant', 'other'))[0], NOT_FOUND,
       'nor in another tenant');
};

subtest 'what was deleted, and loaded since' => sub {
    $chat->create('attic');
    $user{dan}->join('attic');
    $user{dan}->say('attic', 'Boo');
    $chat->chatctl_must('conversation', 'delete', 'attic');
    $chat->wait_stored;

    for my $key (split /\n/, $chat->redis_cli('KEYS', '*/attic:*')) {
        $chat->redis_cli('DEL', $key);
    }

    is($user{dan}->refused('conversation.join',
                           { conversationId => 'attic' })->{code},
       'not_found', 'it is not there');
    is((verify('attic'))[0], DONE, 'and nothing is wrong with that');
};


my ($p, $key) = split /\|/, $chat->psql("SELECT p, conversation_key
    FROM chat.conversation WHERE conversation_id = 'lobby'");
my $prefix = sprintf 'chat:{p%02d}:', $p;
my $base = "${prefix}c:default/lobby";
my $generation = 4294967296;


# what a statement spoils is found, and all is well when it is undone

sub spoilt ($what, $kinds, $spoil, $undo) {
    subtest "PostgreSQL: $what" => sub {
        my $done = $chat->psql($spoil);
        my ($code, $told) = verify('lobby');

        is($code, FAILED, 'exit code');
        is(kinds($told), $kinds, 'what is told') or diag(explain($told));
        $chat->psql($undo);
        is((verify('lobby'))[0], DONE, 'undone');
    };

    return;
}


sub updated ($what, $kinds, $where, $to, $back) {
    return spoilt($what, $kinds, map { "UPDATE chat.$where"
        =~ s/ SET /" SET $_ "/er } $to, $back);
}


my $of = "conversation_key = '$key'";

spoilt('a message is gone', 'client_id event message_missing',
    "CREATE TABLE public.kept AS SELECT * FROM chat.message
      WHERE $of AND sequence = 10;
     DELETE FROM chat.message WHERE $of AND sequence = 10",
    'INSERT INTO chat.message SELECT * FROM public.kept;
     DROP TABLE public.kept');
spoilt('what is answered is gone', 'client_id event message_missing reply',
    "CREATE TABLE public.kept AS SELECT * FROM chat.message
      WHERE $of AND sequence = 1;
     DELETE FROM chat.message WHERE $of AND sequence = 1",
    'INSERT INTO chat.message SELECT * FROM public.kept;
     DROP TABLE public.kept');
updated('the last sequence is too high', 'message_missing sequence',
    "conversation SET WHERE $of", 'last_sequence = last_sequence + 2',
    'last_sequence = last_sequence - 2');
updated('the last sequence is too low', 'member message_beyond sequence',
    "conversation SET WHERE $of", 'last_sequence = last_sequence - 2',
    'last_sequence = last_sequence + 2');
updated('other words', 'event', "message SET WHERE $of AND sequence = 7",
    q(content = '"Number 8"'), q(content = '"Number 7"'));
updated('another size', 'message_content',
    "message SET WHERE $of AND sequence = 7", 'size = size + 1',
    'size = size - 1');
updated('half deleted', 'message_content',
    "message SET WHERE $of AND sequence = 2", q(attachments = '[]'),
    'attachments = NULL');
updated('a revision of the future', 'event message_order revision_beyond',
    "message SET WHERE $of AND sequence = 7", 'revision = revision + 500',
    'revision = revision - 500');
updated('a revision of a lost generation',
    'event message_order revision_lost',
    "message SET WHERE $of AND sequence = 7",
    "revision = revision - $generation", "revision = revision + $generation");
spoilt('a reaction is lost', 'event',
    "CREATE TABLE public.kept AS SELECT * FROM chat.reaction
      WHERE $of AND user_id = 'ada';
     DELETE FROM chat.reaction WHERE $of AND user_id = 'ada'",
    'INSERT INTO chat.reaction SELECT * FROM public.kept;
     DROP TABLE public.kept');
updated('a reaction to nothing', 'event reaction',
    "reaction SET WHERE $of AND user_id = 'ada'",
    q(message_id = '01a2019a-571f-7203-a7e5-9201f63a5856'),
    "message_id = '$said[4]{id}'");
spoilt('nobody is mentioned', 'mention',
    'CREATE TABLE public.kept AS SELECT * FROM chat.mention;
     DELETE FROM chat.mention',
    'INSERT INTO chat.mention SELECT * FROM public.kept;
     DROP TABLE public.kept');
updated('another role', 'member_role state',
    "member SET WHERE $of AND user_id = 'carol'", "role = 'admin'",
    "role = 'moderator'");
updated('another mark', 'member_mark',
    "member SET WHERE $of AND user_id = 'carol'",
    'last_read = last_read - 1', 'last_read = last_read + 1');
updated('a mark beyond all', 'member member_mark',
    "member SET WHERE $of AND user_id = 'carol'",
    'last_delivered = last_delivered + 90',
    'last_delivered = last_delivered - 90');
spoilt('a member too many', 'member_missing',
    "INSERT INTO chat.member (conversation_key, user_id, tenant_id, role,
         joined_at, joined_revision)
     VALUES ('$key', 'eve', 'default', 'member', now(), 0)",
    "DELETE FROM chat.member WHERE user_id = 'eve'");
updated('other settings', 'setting', "conversation SET WHERE $of",
    "name = 'Attic', slow_mode = 5", "name = 'Lobby', slow_mode = 0");
updated('the revision went back', 'revision_behind revision_beyond',
    "conversation SET WHERE $of", 'revision = revision - 3',
    'revision = revision + 3');
updated('the revision is ahead', 'revision_ahead',
    "conversation SET WHERE $of", 'revision = revision + 3',
    'revision = revision - 3');
updated('client ids forgotten', 'client_id_floor',
    "conversation SET WHERE $of", 'client_other = NOT client_other,
     client_time = -client_time',
    'client_other = NOT client_other, client_time = -client_time');
spoilt('a generation that never was', 'generation setting',
    "INSERT INTO chat.conversation_generation VALUES ('$key', 7, 12)",
    'DELETE FROM chat.conversation_generation');
spoilt('a dead letter', 'dead_letter',
    "INSERT INTO chat.dead_letter (p, log_id, fields, reason,
         conversation_key)
     VALUES ($p, '1-1', '{\"k\":\"message\"}', 'because', '$key')",
    'DELETE FROM chat.dead_letter');


# the same with Redis: all that it has of the conversation is put back

my %redis = (
    'an event is gone from the middle' => ['hot_count hot_gap', sub {
        my @hot = $chat->redis_cli('XRANGE', "$base:hot", '-', '+')
            =~ /^(\d+-0)$/mg;
        $chat->redis_cli('XDEL', "$base:hot", $hot[-2]);
    }],
    'the last event is gone' => ['hot_count hot_gap', sub {
        my ($last) = split /\n/, $chat->redis_cli('XREVRANGE', "$base:hot",
                                                  '+', '-', 'COUNT', 1);
        $chat->redis_cli('XDEL', "$base:hot", $last);
    }],
    'where the history begins is not known' => ['hot_order', sub {
        $chat->redis_cli('HINCRBY', "$base:meta", 'hfrom', 2 * $generation);
        $chat->redis_cli('HINCRBY', "$base:meta", 'hfrom', 1);
    }],
    'it counts too few' => ['hot_count', sub {
        $chat->redis_cli('HINCRBY', "$base:meta", 'hn', -1);
    }],
    'the sequence is behind' => ['sequence', sub {
        $chat->redis_cli('HINCRBY', "$base:meta", 'seq', -1);
    }],
    'the revision is behind' => ['hot_order revision_ahead', sub {
        $chat->redis_cli('HINCRBY', "$base:meta", 'rev', -1);
    }],
    'another owner' => ['member_role owners', sub {
        $chat->redis_cli('HSET', "$base:members", 'bob', 'owner 21 21');
    }],
    'a client id is of another message' => ['client_id', sub {
        my ($field) = grep { /^cbob/ }
            split /\n/, $chat->redis_cli('HKEYS', "$base:ids");
        $chat->redis_cli('HSET', "$base:ids", $field,
            '1 3 01a2019a-571f-7203-a7e5-9201f63a5856 5 1-1 -');
    }],
    'another conversation' => ['key', sub {
        $chat->redis_cli('HSET', "$base:meta", 'key', uuid());
    }],
);

for my $what (sort keys %redis) {
    my ($kinds, $spoil) = @{ $redis{$what} };

    subtest "Redis: $what" => sub {
        $chat->redis_cli('COPY', "$base:$_", "kept:$_")
            for qw(meta members hot ids);
        $spoil->();

        my ($code, $told) = verify('lobby');
        is($code, FAILED, 'exit code');
        is(kinds($told), $kinds, 'what is told') or diag(explain($told));

        $chat->redis_cli('COPY', "kept:$_", "$base:$_", 'REPLACE')
            for qw(meta members hot ids);
        $chat->redis_cli('DEL', map { "kept:$_" } qw(meta members hot ids));
        is((verify('lobby'))[0], DONE, 'undone');
    };
}

subtest 'a log that lost what was not stored' => sub {
    $chat->freeze('persist');
    my $said = $user{bob}->say('lobby', 'in vain');
    my ($entry) = split /\n/, $chat->redis_cli('XREVRANGE', "${prefix}log",
                                               '+', '-', 'COUNT', 1);
    my @fields = (split /\n/, $chat->redis_cli('XRANGE', "${prefix}log",
                                               $entry, $entry));
    $chat->redis_cli('XDEL', "${prefix}log", $entry);

    my ($code, $told) = verify('lobby');
    is($code, FAILED, 'exit code');
    is(kinds($told), 'event', 'what is told') or diag(explain($told));
    ok($told->{certain}, "that is certain");
    $chat->thaw('persist');
};

subtest 'what does not answer is told' => sub {
    $chat->kill('redis', 'TERM');
    is((verify('lobby'))[0], UNAVAILABLE, 'Redis');
};

done_testing;
