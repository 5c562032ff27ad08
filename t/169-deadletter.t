# chatctl deadletter: what PostgreSQL refused is seen, stored after all, once and
# without undoing what came after it, or dropped.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant { DONE => 0, FAILED => 1, USAGE => 2, NOT_FOUND => 3,
               UNAVAILABLE => 4 };

my $chat = ChatTest->new(workers => 1);
$chat->start;
$chat->create('lobby', type => 'group', by => 'ada', members => [qw(bob)]);
$chat->logs->allow(qr/an event went to the dead letters/);

my %user = map { $_ => $chat->connect(user => $_) } qw(ada bob);
my %lobby = (conversationId => 'lobby');
my $first = $user{bob}->say('lobby', 'first');


sub chatctl (@line) { return $chat->chatctl('deadletter', @line) }


sub letters () {
    return @{ decode((chatctl('list', '--json'))[1])->{items} };
}


# Something that PostgreSQL does not take for now; returns its dead letter.

sub refused ($table, $check, $do) {
    $chat->wait_stored;
    $chat->psql("ALTER TABLE chat.$table ADD CONSTRAINT never CHECK ($check)
                 NOT VALID");
    $do->();
    $chat->wait_stored;
    $chat->psql("ALTER TABLE chat.$table DROP CONSTRAINT never");

    return (letters())[-1];
}


sub retried ($letter) {
    my ($code, $text) = chatctl('retry', $letter->{id}, '--wait', 60);

    is($code, DONE, 'retry') or diag($text);
    is(scalar letters(), 0, 'no letter is left');

    return;
}


sub verified () {
    my ($code, $text) = $chat->chatctl('verify', 'lobby');

    is($code, DONE, 'verify') or diag($text);

    return;
}


sub change ($who, $type, %data) {
    return $user{$who}->request($type, { %lobby, %data });
}


subtest 'a message, with what was said after it' => sub {
    my $sent;
    my $letter = refused(message => "content::text <> '\"bad\"'", sub {
        $sent = change(bob => 'message.send', content => 'bad',
                       clientMessageId => 'bad-1', mentions => ['ada'],
                       replyTo => $first->{id});
    });

    is($letter->{kind}, 'message', 'it is listed');
    like($letter->{reason}, qr/never/, 'with the reason');
    is($letter->{conversationId}, 'lobby', 'and where');

    change(bob => 'message.send', content => 'later');
    change(ada => 'reaction.add', messageId => $sent->{id}, emoji => '+1');
    $chat->wait_stored;

    my $text = (chatctl('show', $letter->{id}))[1];
    like($text, qr/^fields +\{.*bad-1/m, 'show tells all of it');
    is(decode((chatctl('show', $letter->{id}, '--json'))[1])->{fields}{x},
       'bad-1', 'and as JSON');
    is(($chat->chatctl('verify', 'lobby'))[0], FAILED, 'verify names it');

    retried($letter);
    verified();
    is((chatctl('retry', $letter->{id}))[0], DONE, 'once more is no harm');
    is_deeply([map { $_->{sequenceNumber} . $_->{content} }
               @{ $user{ada}->history('lobby')->{messages} }],
              ['1first', '2bad', '3later'], 'history has it in its place');
    is(change(bob => 'message.send', content => 'bad',
              clientMessageId => 'bad-1')->{id}, $sent->{id},
       'its client id is known');
};

subtest 'an edit, and one that came too late' => sub {
    my $letter = refused(message => "content::text <> '\"edit\"'", sub {
        change(bob => 'message.edit', messageId => $first->{id},
               content => 'edit');
    });

    retried($letter);
    verified();

    $letter = refused(message => "content::text <> '\"old\"'", sub {
        change(bob => 'message.edit', messageId => $first->{id},
               content => 'old');
    });
    change(bob => 'message.edit', messageId => $first->{id},
           content => 'new');
    $chat->wait_stored;
    retried($letter);
    verified();
    is($user{ada}->history('lobby')->{messages}[0]{content}, 'new',
       'what came after it stays');
};

subtest 'a reaction, settings and a member, unknown to Redis' => sub {
    $chat->wait_stored;
    $chat->psql(<<~'END');
        ALTER TABLE chat.reaction ADD CONSTRAINT never CHECK (emoji <> 'x')
            NOT VALID;
        ALTER TABLE chat.conversation ADD CONSTRAINT never
            CHECK (name <> 'Bad') NOT VALID;
        ALTER TABLE chat.member ADD CONSTRAINT never CHECK (user_id <> 'eve')
            NOT VALID;
        END
    change(bob => 'reaction.add', messageId => $first->{id}, emoji => 'x');
    change(ada => 'conversation.update', name => 'Bad');
    change(ada => 'member.add', userId => 'eve');
    $chat->wait_stored;
    $chat->psql("ALTER TABLE chat.$_ DROP CONSTRAINT never")
        for qw(reaction conversation member);

    is(scalar letters(), 3, 'they are refused');
    $chat->redis_cli('FLUSHALL');
    $chat->wait_ready;
    is($chat->chatctl_must('member', 'list', 'lobby') =~ /eve/, '',
       'and Redis has forgotten them');

    my ($code, $text) = chatctl('retry', '--all', '--wait', 60);
    is($code, DONE, 'retry --all') or diag($text);
    verified();

    like($chat->chatctl_must('member', 'list', 'lobby'), qr/eve/,
         'a member is one again');
    is_deeply(change(ada => 'history.get', limit => 200)
                  ->{messages}[0]{reactions},
              [{ emoji => 'x', userIds => ['bob'] }], 'so is the reaction');
};

subtest 'what still cannot be stored stays' => sub {
    my $letter = refused(message => "content::text <> '\"bad\"'", sub {
        change(bob => 'message.send', content => 'bad');
    });

    $chat->psql("ALTER TABLE chat.message ADD CONSTRAINT again
                 CHECK (content::text <> '\"bad\"') NOT VALID");
    my ($code, $text) = chatctl('retry', $letter->{id}, '--wait', 60);
    is($code, FAILED, 'exit code');
    like($text, qr/stays: .*again/, 'why');
    like((letters())[0]{reason}, qr/again/, 'the reason is the new one');
    is(($chat->chatctl('status'))[0], FAILED, 'nothing else happens');
    $chat->psql('ALTER TABLE chat.message DROP CONSTRAINT again');

    $chat->kill('persist');
    is((chatctl('retry', $letter->{id}, '--wait', 0))[0], UNAVAILABLE,
       'without chat-persist it waits');
    $chat->start_part('persist');
    is((chatctl('retry', $letter->{id}, '--wait', 60))[0], DONE,
       'and is stored when that is back');
    verified();
};

subtest 'what was deleted cannot be stored' => sub {
    my $sent;
    my $letter = refused(message => "content::text <> '\"bad\"'", sub {
        $sent = change(bob => 'message.send', content => 'bad');
    });

    change(bob => 'message.delete', messageId => $sent->{id});
    $chat->wait_stored;
    is((letters())[0]{state}, 'erased', 'it is erased');

    my ($code, $text) = chatctl('retry', $letter->{id});
    is($code, FAILED, 'retry');
    like($text, qr/nothing is left of it/, 'why');

    is((chatctl('drop', $letter->{id}))[0], USAGE, 'drop asks for --yes');
    is(scalar letters(), 1, 'and does nothing');
    is((chatctl('drop', $letter->{id}, '--yes'))[0], DONE, 'drop --yes');
    is((chatctl('drop', $letter->{id}, '--yes'))[0], DONE, 'once more');
    is(scalar letters(), 0, 'it is gone');
};

# PostgreSQL has had it never, Redis has it still, and forgets it later

subtest 'what was dropped is a known hole' => sub {
    my @sent;
    my $lost = refused(message => "content::text <> '\"lost\"'", sub {
        @sent = map {
            change(bob => 'message.send', content => $_,
                   clientMessageId => "of-$_")
        } qw(before lost);
    });

    change(ada => 'reaction.add', messageId => $sent[1]{id}, emoji => '+1');
    change(bob => 'message.send', content => 'why?', replyTo => $sent[1]{id});

    my $edit = refused(message => "content::text <> '\"edit\"'", sub {
        change(bob => 'message.edit', messageId => $sent[0]{id},
               content => 'edit');
    });
    my $erased = refused(message => "content::text <> '\"gone\"'", sub {
        $sent[2] = change(bob => 'message.send', content => 'gone');
    });

    change(bob => 'message.delete', messageId => $sent[2]{id});
    $chat->wait_stored;
    is(($chat->chatctl('verify', 'lobby'))[0], FAILED, 'faults, so far');

    for my $letter ($lost, $edit, $erased) {
        is((chatctl('drop', $letter->{id}, '--yes'))[0], DONE, 'dropped');
    }

    my ($code, $text) = $chat->chatctl('verify', 'lobby');
    is($code, DONE, 'verify') or diag($text);
    like($text, qr/Redis compared, 4 dropped with dead letters: ok/,
         'which tells how many');

    $chat->redis_cli('FLUSHALL');
    $chat->chatctl_must('member', 'list', 'lobby', '--wait', 60);
    ($code, $text) = $chat->chatctl('verify', 'lobby', '--json');
    is($code, DONE, 'nor when Redis knows nothing of it') or diag($text);
    is(decode($text)->{dropped}, 4, 'as JSON');

    $chat->psql("DELETE FROM chat.message WHERE content::text = '\"why?\"'");
    ($code, $text) = $chat->chatctl('verify', 'lobby');
    is($code, FAILED, 'what was not dropped is a fault');
    like($text, qr/message \d+ is missing/, 'as ever');

    $chat->chatctl_must('conversation', 'delete', 'lobby', '--wait', 60);
    ok(eval {
        wait_until { $chat->psql('SELECT count(*) FROM chat.hole') == 0 };
    }, 'they go with the conversation');
};

subtest 'usage' => sub {
    is((chatctl(@$_))[0], USAGE, "@$_") for ['retry'], ['retry', 'x'],
        ['retry', 1, '--all'], ['show'], ['drop', '--yes'];
    is((chatctl('show', 999))[0], NOT_FOUND, 'show 999');
    is((chatctl('retry', 999))[0], NOT_FOUND, 'retry 999');
    is((chatctl('retry', '--all'))[0], DONE, 'all of none');
};

done_testing;
