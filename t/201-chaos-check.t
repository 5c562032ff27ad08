# The checker of a chaos run can fail: records of a small run that went well,
# and with each thing that can go wrong.

use v5.36;

use File::Temp qw(tempdir);
use FindBin;
use Test::More;
use lib "$FindBin::Bin/lib";

use ChatTest::Chaos::Check;
use ChatTest::Chaos::Json qw(decode encode);
use ChatTest::Chaos::Story;

use constant { G => 2 ** 32, T => 1_700_000_000_000 };

my @TIMES = ('2026-11-22T10:00:00.000Z', '2026-11-22T10:00:09.000Z');


# What happened: ada makes a group, and says "one"; bob says "two"; ada edits
# hers; bob reacts to it, eve joins, the name changes, and bob deletes his.

sub message ($n, $user, $content, $sequence, %more) {
    return { id => "m$n", conversationId => 'c', senderId => $user,
             clientMessageId => "id$n", content => $content,
             timestamp => $TIMES[0], sequenceNumber => $sequence,
             revision => G + $n, %more };
}


my %EVENTS = (
    1 => { type => 'conversation.created', data => {
        conversationId => 'c', type => 'group', name => 'Group',
        createdBy => 'ada', createdAt => $TIMES[0], sequenceNumber => 0 } },
    2 => { type => 'message.created', data => message(2, 'ada', 'one', 1) },
    3 => { type => 'message.created', data => message(3, 'bob', 'two', 2) },
    4 => { type => 'message.updated', data => {
        message(2, 'ada', 'uno', 1)->%*, editedAt => $TIMES[1] } },
    5 => { type => 'reaction.added', data => {
        conversationId => 'c', messageId => 'm2', userId => 'bob',
        emoji => '+1' } },
    6 => { type => 'member.joined', data => {
        conversationId => 'c', userId => 'eve', role => 'member' } },
    7 => { type => 'conversation.updated', data => {
        conversationId => 'c', name => 'New' } },
    8 => { type => 'message.deleted', data => {
        id => 'm3', conversationId => 'c', deletedBy => 'bob',
        deletedAt => $TIMES[1], sequenceNumber => 2 } },
    9 => { type => 'message.created', data => message(9, 'ada', 'end', 3) },
);

$EVENTS{$_}{data}{revision} = G + $_ for keys %EVENTS;


# requests and their answers

sub asked ($id, $type, $data, $reply, $at = $id) {
    $data->{conversationId} = 'c';

    return ([ask => $at, $id, $id, $type, $data], [reply => $at, $id, $reply]);
}


sub said ($id, $n, $user, $content, $sequence, %more) {
    return asked($id, 'message.send',
                 { clientMessageId => "id$n", content => $content },
                 { id => "m$n", sequenceNumber => $sequence, duplicate => 0,
                   revision => G + $n, timestamp => $TIMES[0], %more });
}


sub joined ($id, $revision, %more) {
    my $after = delete $more{after};

    return asked($id, 'conversation.join',
                 { defined $after ? (afterRevision => $after) : () },
                 { conversationId => 'c', revision => $revision,
                   complete => 1, reset => 0, events => [], %more });
}


# ada hears all live; bob is away from 4 to 6 and resumes

sub good_run () {
    return {
        ada => [
            [open => 0, 0], [up => 0, 's', 'n'], joined(1, G + 1),
            said(2, 2, 'ada', 'one', 1), [event => 2, 2], [event => 3, 3],
            asked(4, 'message.edit', { messageId => 'm2', content => 'uno' },
                  { revision => G + 4 }),
            [event => 4, 4], [event => 5, 5],
            asked(6, 'member.add', { userId => 'eve' },
                  { revision => G + 6 }),
            [event => 6, 6], [event => 7, 7],
            asked(7, 'conversation.update', { name => 'New' },
                  { revision => G + 7 }),
            [event => 8, 8], said(9, 9, 'ada', 'end', 3), [event => 9, 9],
            [ready => 20, 'end'],
        ],
        bob => [
            [open => 0, 0], [up => 0, 's', 'n'], joined(1, G + 1),
            [event => 2, 2], said(3, 3, 'bob', 'two', 2), [event => 3, 3],
            [down => 4, 'cut'], [open => 6, 0],
            joined(7, G + 7, after => G + 3, events => [4, 5, 6, 7]),
            asked(8, 'message.delete', { messageId => 'm3' },
                  { revision => G + 8 }),
            [event => 8, 8],
            asked(9, 'read.mark', { sequenceNumber => 2 }, {}),
            [event => 9, 9], [ready => 20, 'end'],
        ],
        texts  => { %EVENTS },
        faults => [],
        stored => stored(),
    };
}


sub stored () {
    my %one = (%{ $EVENTS{4}{data} });
    my %two = (%{ $EVENTS{8}{data} });
    my %end = (%{ $EVENTS{9}{data} });

    return {
        conversations => { 't/c' => {
            type => 'group', name => 'New', description => '', readOnly => 0,
            slowMode => 0, revision => G + 9, sequence => 3, deleted => 0 } },
        generations => { 't/c' => { 1 => G + 9 } },
        members => { 't/c' => {
            ada => { role => 'owner', read => 3, delivered => 3 },
            bob => { role => 'member', read => 2, delivered => 2 },
            eve => { role => 'member', read => 2, delivered => 2 } } },
        messages => { 't/c' => [
            { data => \%one, sender => 'ada', created => G + 2 },
            { data => \%two, sender => 'bob', created => G + 3 },
            { data => \%end, sender => 'ada', created => G + 9 } ] },
        reactions => { 't/c' => { 'r m2 bob +1' => G + 5 } },
        wrong => [],
    };
}


# what the checker says of a run

sub judge ($run) {
    my $directory = tempdir(CLEANUP => 1);
    my $write = sub ($name, @lines) {
        open my $file, '>', "$directory/$name" or die "$name: $!";
        print $file map { encode($_) . "\n" } @lines;
    };

    mkdir "$directory/records";
    $write->('topology.json', { seed => 1, final => [], postgres => '', away => 8,
                                urls => [{ ack => 'accepted' },
                                         { ack => 'stored' }] });
    $write->('faults.jsonl', @{ $run->{faults} });
    $write->('stored.json', $run->{stored});
    $write->('records/texts-0.jsonl',
             map { [$_, 't', $run->{texts}{$_}] } sort keys %{ $run->{texts} });

    for my $user (qw(ada bob)) {
        $write->("records/client-$user.jsonl",
                 map { my ($what, $at, @more) = @$_;
                       [$what, T + 1000 * $at, @more] }
                     [client => 0, $user, 't', $user, 0], @{ $run->{$user} });
    }

    my $check = ChatTest::Chaos::Check->new(directory => $directory);

    $check->run;

    my @found = $check->faults;

    return (join("\n", map { ChatTest::Chaos::Story::line($_) } @found),
            @found ? ChatTest::Chaos::Story::tell($check, $found[0]) : '');
}


# the first line of that kind; all but those

sub line ($run, $user, $what, $n = 0) {
    my @lines = grep { $_->[0] eq $what } @{ $run->{$user} };

    return $lines[$n];
}


sub without ($run, $user, $test) {
    @{ $run->{$user} } = grep { !$test->() } @{ $run->{$user} };

    return;
}


sub event ($n) { return sub { $_->[0] eq 'event' && $_->[2] eq $n } }


sub after ($run, $user, $test, @lines) {
    @{ $run->{$user} } = map { $test->() ? ($_, @lines) : $_ }
        @{ $run->{$user} };

    return;
}


# Redis comes back with what there was at a revision; the rest is lost

sub lost ($run, $last, @more) {
    my $stored = $run->{stored};

    $stored->{generations}{'t/c'} = { 1 => G + $last, 2 => 2 * G + $last };
    $stored->{conversations}{'t/c'}{revision} = 2 * G + $last;
    push @{ $run->{faults} }, map { {
        t => T / 1000 + 10, n => 1, fault => 'empty', loses => 1,
        phase => $_ } } qw(begin end);

    return;
}


# the request to add her is answered as if she were there already

sub put_out_eve ($run) {
    $run->{texts}{6}{type} = 'member.left';
    $run->{texts}{6}{data}{role} = undef;

    return;
}


# the message 9 is lost, and one is said in its place; ada is told

sub lost_nine ($run) {
    my %new = (%{ message(9, 'ada', 'end', 3) }, revision => 2 * G + 9);

    lost($run, 8);
    $run->{stored}{generations}{'t/c'}{2} = 2 * G + 9;
    $run->{stored}{conversations}{'t/c'}{revision} = 2 * G + 9;
    $run->{stored}{messages}{'t/c'}[2] = {
        data => { %new, id => 'm10' }, sender => 'ada',
        created => 2 * G + 9 };
    $run->{texts}{10} = { type => 'message.created',
                          data => { %new, id => 'm10' } };

    after($run, $_, event(9), [reset => 12, 'c'], [forget => 12, 'c', 'reset'],
          joined(30, G + 8), [event => 13, 10]) for qw(ada bob);

    return;
}


# bob reads everything afresh in the end

sub look ($run) {
    my $stored = $run->{stored};
    my $c = $stored->{conversations}{'t/c'};
    my $members = $stored->{members}{'t/c'};

    $run->{texts}{20} = {
        %{ $EVENTS{4}{data} },
        reactions => [{ emoji => '+1', userIds => ['bob'] }],
    };

    push @{ $run->{bob} }, [ready => 20, 'fresh'],
        asked(30, 'conversation.list', {}, { items => [{
            conversation => {
                %$c, conversationId => 'c', sequenceNumber => 3 },
            role => 'member', lastReadSequence => 2, unread => 1,
            lastMessage => $EVENTS{9}{data} }] }),
        asked(31, 'history.get', {}, { messages => [20, 8, 9],
                                       complete => 1 }),
        asked(32, 'member.list', {}, { items => [map { {
            userId => $_, role => $members->{$_}{role},
            lastReadSequence => $members->{$_}{read},
            lastDeliveredSequence => $members->{$_}{delivered},
        } } sort keys %$members] });

    return;
}


my @CASES = (
    ['a run that went well', sub ($run) { }, qr/\A\z/],
    ['a message that was lost', sub ($run) {
        pop @{ $run->{stored}{messages}{'t/c'} };
        $run->{stored}{conversations}{'t/c'}{sequence} = 2;
    }, qr/there is no m m9/],
    ['an acknowledgement that nobody heard of, and that is lost', sub ($run) {
        push @{ $run->{ada} }, said(11, 10, 'ada', 'more', 4);
        @{ $run->{ada} }[-3 .. -1] = @{ $run->{ada} }[-2, -1, -3];
    }, qr/message.send that was acknowledged with 4294967306: it is lost/],
    ['an event that did not come', sub ($run) {
        without($run, 'ada', event(5));
    }, qr/client holds misses 4294967301|came live misses 4294967301/],
    ['an event that came twice', sub ($run) {
        after($run, 'ada', event(3), [event => 3, 3]);
    }, qr/live 4294967299 after 4294967299/],
    ['events in another order', sub ($run) {
        without($run, 'ada', event(3));
        after($run, 'ada', event(4), [event => 4, 3]);
    }, qr/live 4294967299 after 4294967300/],
    ['a join that leaves something out', sub ($run) {
        line($run, 'bob', 'reply', 2)->[3]{events} = [4, 6, 7];
    }, qr/the answer to a join after 4294967299 misses 4294967301/],
    ['a join that leaves out what a later event tells', sub ($run) {
        line($run, 'bob', 'reply', 2)->[3]{events} = [4, 5, 6];
        line($run, 'bob', 'reply', 2)->[3]{revision} = G + 6;
        $run->{texts}{11} = { type => 'conversation.updated', data => {
            conversationId => 'c', name => 'New', revision => G + 7 } };
        after($run, 'bob', sub { $_->[0] eq 'reply' && $_->[2] == 7 },
              [event => 7, 11]);
    }, qr/\A\z/],
    ['a join in disorder', sub ($run) {
        line($run, 'bob', 'reply', 2)->[3]{events} = [4, 6, 5, 7];
    }, qr/is not in order/],
    ['a revision that is two events', sub ($run) {
        $run->{texts}{12} = decode(encode($run->{texts}{3}));
        $run->{texts}{12}{data}{content} = 'tow';
        line($run, 'ada', 'event', 1)->[2] = 12;
    }, qr/handed out twice/],
    ['a message that is there twice', sub ($run) {
        after($run, 'ada', event(2), [ask => 2, 50, 2, 'message.send', {
            conversationId => 'c', clientMessageId => 'id2',
            content => 'one' }], [reply => 3, 50, {
            id => 'm9', sequenceNumber => 3, duplicate => 0,
            revision => G + 9, timestamp => $TIMES[0] }]);
    }, qr/the message is there twice/],
    ['two answers that say that a message is new', sub ($run) {
        after($run, 'ada', event(2), [ask => 2, 50, 2, 'message.send', {
            conversationId => 'c', clientMessageId => 'id2',
            content => 'one' }], [reply => 3, 50, {
            id => 'm2', sequenceNumber => 1, duplicate => 0,
            revision => G + 2, timestamp => $TIMES[0] }]);
    }, qr/2 answers say that it was new/],
    ['a duplicate of nothing', sub ($run) {
        line($run, 'bob', 'reply', 1)->[3]{duplicate} = 1;
    }, qr/it was a duplicate, and had been sent once only/],
    ['an edit that came to nothing', sub ($run) {
        line($run, 'ada', 'ask', 2)->[5]{content} = 'eins';
    }, qr/message.edit .* its content is another/],
    ['an edit that is not stored', sub ($run) {
        $run->{stored}{messages}{'t/c'}[0]{data} = $EVENTS{2}{data};
    }, qr/m m2 is as of 4294967298, but there was 4294967300/],
    ['a member who is not one', sub ($run) {
        line($run, 'ada', 'ask', 3)->[5]{role} = 'admin';
    }, qr/u eve became "member"/],
    ['who was put out is added, and nothing had to be done', \&put_out_eve,
     qr/member.add .* u eve became ""/],
    ['the same where a mark makes members', sub ($run) {
        put_out_eve($run);
        $run->{stored}{conversations}{'t/c'}{type} = 'channel';
        $run->{stored}{members}{'t/c'}{eve}{silent} = 1;
    }, qr/\A\z/],
    ['a member who is not stored', sub ($run) {
        delete $run->{stored}{members}{'t/c'}{eve};
    }, qr/eve is "", and was told as "member"/],
    ['a reaction that is not stored', sub ($run) {
        $run->{stored}{reactions}{'t/c'} = {};
    }, qr/r m2 bob \+1 is not there/],
    ['a name that is not stored', sub ($run) {
        $run->{stored}{conversations}{'t/c'}{name} = 'Group';
    }, qr/name is "Group", and was told as "New"/],
    ['a gap in what is stored', sub ($run) {
        $run->{stored}{messages}{'t/c'}[2]{data}{sequenceNumber} = 4;
    }, qr/sequence 4 where 3 should be/],
    ['a mark that was lost', sub ($run) {
        line($run, 'bob', 'ask', 4)->[1] = 30;
        line($run, 'bob', 'ask', 4)->[5]{sequenceNumber} = 3;
        line($run, 'bob', 'reply', 4)->[1] = 30;
    }, qr/bob has read up to 2, it must be from 3 to 3/],
    ['a mark that nobody made', sub ($run) {
        $run->{stored}{members}{'t/c'}{bob}{read} = 3;
        $run->{stored}{members}{'t/c'}{bob}{delivered} = 3;
    }, qr/bob has read up to 3, it must be from 2 to 2/],
    ['an event after the end', sub ($run) {
        $run->{texts}{6}{data}{userId} = 'bob';
        $run->{texts}{6}{data}{role} = undef;
        $run->{texts}{6}{type} = 'member.left';
        without($run, 'bob', sub { $_->[0] =~ /down|open/ && $_->[1] > 0
                                   || $_->[0] =~ /ask|reply/ && $_->[2] == 7 });
        after($run, 'bob', event(3), map { [event => $_, $_] } 4 .. 7);
    }, qr/an event of what it does not listen to/],
    ['answers in another order', sub ($run) {
        my @lines = (said(60, 9, 'ada', 'end', 3),
                     asked(61, 'message.delete', { messageId => 'm3' },
                           { revision => G + 8 }));

        after($run, 'ada', event(7), @lines[0, 2, 3, 1]);
    }, qr/request 61 was answered before 60/],
    ['changes in another order', sub ($run) {
        after($run, 'ada', event(7), said(60, 9, 'ada', 'end', 3),
              asked(61, 'message.delete', { messageId => 'm3' },
                    { revision => G + 8 }));
    }, qr/message.delete has 4294967304, the request before it had 4294967305/],
    ['a client that stopped hearing', sub ($run) {
        push @{ $run->{ada} }, [ready => 21, 'deaf', 'c', G + 9, G + 8];
    }, qr/4294967305 was never heard live/],
    ['a client that did not come to the end', sub ($run) {
        without($run, 'ada', event(9));
    }, qr/the client has come to 4294967304, it should be 4294967305/],
    ['a dead letter', sub ($run) {
        $run->{stored}{wrong} = ['dead letter of partition 3'];
    }, qr/dead letter of partition 3/],
    ['a change that was acknowledged, and that nobody heard of', sub ($run) {
        push @{ $run->{ada} }, asked(11, 'conversation.update',
                                     { name => 'Last' },
                                     { revision => G + 10 });
        @{ $run->{ada} }[-3 .. -1] = @{ $run->{ada} }[-2, -1, -3];
        $run->{stored}{conversations}{'t/c'}{revision} = G + 10;
        $run->{stored}{generations}{'t/c'}{1} = G + 10;
    }, qr/name is "New", and was told as "Last"/],
    ['what is there in the end', \&look, qr/\A\z/],
    ['a wrong number of unread', sub ($run) {
        look($run);
        line($run, 'bob', 'reply', 5)->[3]{items}[0]{unread} = 2;
    }, qr/conversation.list: unread is 2, and stored is 1/],
    ['a conversation that is not in the list', sub ($run) {
        look($run);
        line($run, 'bob', 'reply', 5)->[3]{items} = [];
    }, qr/conversation.list: it is not there/],
    ['a message that is not in history', sub ($run) {
        look($run);
        line($run, 'bob', 'reply', 6)->[3]{messages} = [20, 8];
    }, qr/history.get: the revision of sequence 2/],
    ['a reaction that is not in history', sub ($run) {
        look($run);
        delete $run->{texts}{20}{reactions};
    }, qr/history.get: the reactions to sequence 1/],
    ['a member who is not in the list', sub ($run) {
        look($run);
        pop @{ line($run, 'bob', 'reply', 7)->[3]{items} };
    }, qr/member.list: role of eve/],
    ['a loss that everybody was told of', \&lost_nine, qr/\A\z/],
    ['a loss that one was not told of', sub ($run) {
        lost_nine($run);
        without($run, 'bob', sub { $_->[0] =~ /reset|forget/ });
    }, qr/live 8589934601, though it had seen 4294967305/],
    ['a loss that one who resumes was not told of', sub ($run) {
        lost_nine($run);
        without($run, 'bob', sub {
            $_->[0] =~ /reset|forget/ || event(10)->()
                || $_->[0] =~ /ask|reply/ && $_->[2] == 30
        });
        after($run, 'bob', event(9), [down => 12, 'cut'], [open => 12, 0],
              joined(31, 2 * G + 9, after => G + 9, events => [10], at => 14));
    }, qr/bob/],
    ['a start over without a loss', sub ($run) {
        after($run, 'bob', event(8), [reset => 8, 'c'],
              [forget => 8, 'c', 'reset'], joined(30, G + 8));
    }, qr/told to start over, though nothing was lost/],
    ['a join with a start over without a loss', sub ($run) {
        line($run, 'bob', 'reply', 2)->[3]{reset} = 1;
    }, qr/told to start over, though nothing was lost/],
    ['a loss of what had been stored', sub ($run) {
        lost_nine($run);
        line($run, 'ada', 'open')->[2] = 1;
    }, qr/it is lost, and had been stored/],
    ['a loss without a reason', sub ($run) {
        lost_nine($run);
        $run->{faults} = [];
    }, qr/message.send .* it is lost/],
    ['a number that was given twice', sub ($run) {
        lost_nine($run);
        $run->{stored}{generations}{'t/c'}{1} = G + 9;
    }, qr/two changes have the number 9/],
);

for (@CASES) {
    my ($title, $break, $expected) = @$_;
    my $run = decode(encode(good_run()));

    $break->($run);

    my ($found, $story) = judge($run);

    like($found, $expected, $title);
    diag($story) if $found !~ $expected && $ENV{CHAT_TEST_STORY};
}

my $run = good_run();

without($run, 'ada', event(3));
like((judge($run))[1], qr/story of m m3.*bob \(bob\): hears 4294967299/s,
     'the story of a message that one did not hear tells who did');

done_testing;
