# The checker of a chaos run can fail over presence: records of a small run that
# went well, and with each thing that can be told wrongly.

use v5.36;

use File::Temp qw(tempdir);
use FindBin;
use POSIX qw(strftime);
use Test::More;
use lib "$FindBin::Bin/lib";

use ChatTest::Chaos::Check;
use ChatTest::Chaos::Json qw(decode encode);
use ChatTest::Chaos::Story;

use constant { T => 1_700_000_000, AWAY => 8 };


sub time_of ($at) {
    return undef if !defined $at;
    return strftime('%Y-%m-%dT%H:%M:%S', gmtime T + int $at)
        . sprintf '.%03dZ', 1000 * ($at - int $at);
}


# what is told of somebody; last seen in seconds

sub state_of ($user, $status, $last_seen = undef, $text = undef) {
    return { userId => $user, status => $status,
             lastSeen => time_of($last_seen),
             defined $text ? (text => $text) : () };
}


sub told ($at, @state) {
    my $state = state_of(@state);

    return [presence => $at, @$state{qw(userId status lastSeen text)}];
}


sub asked ($at, $type, $data, $reply) {
    my $id = int 10 * $at;

    return ([ask => $at, $id, $id, $type, $data], [reply => $at, $id, $reply]);
}


sub subscribed ($at, @states) {
    return asked($at, 'presence.subscribe',
                 { userIds => [map { $_->{userId} } @states] },
                 { states => \@states });
}


sub chose ($at, $status, $text = undef) {
    return asked($at, 'presence.set', { status => $status, text => $text }, {});
}


# a session in which something is asked for every two seconds

sub session ($from, $to, @lines) {
    my @acts = map { [asked($from + 2 * $_, 'history.get',
                            { conversationId => 'd' }, {})] }
        1 .. ($to - $from) / 2 - 1;

    return [open => $from, 0], [up => $from, 's', 'n'],
        (sort { $a->[1] <=> $b->[1] } @lines, map { @$_ } @acts),
        [down => $to, 'closed'];
}


# ada and bob have a dm.  bob is there up to 60 s, and again from 100 on; then he
# chooses to be invisible.

sub good_run () {
    return {
        ada => [
            [open => 0, 0], [up => 0, 's', 'n'],
            map({ asked(4 * $_ + 0.2, 'ping', {}, {}) } 0 .. 49),
            subscribed(1, state_of('bob', 'offline'), state_of('eve', 'offline')),
            told(2.5, 'bob', 'online'), told(21, 'bob', 'busy', undef, 'Tea'),
            told(31, 'bob', 'online'), told(68, 'bob', 'offline', 60),
            told(100.5, 'bob', 'online'), told(110, 'bob', 'offline', 101),
            subscribed(180, state_of('bob', 'offline', 101)),
            asked(181, 'presence.get', { conversationId => 'd' },
                  { conversationId => 'd', size => 2, online => 1, members => [
                      state_of('ada', 'online'),
                      state_of('bob', 'offline', 101)] }),
            asked(5, 'conversation.join', { conversationId => 'd' }, {
                conversationId => 'd', revision => 0, complete => 1,
                reset => 0, events => [] }),
            [typing => 50.6, 'd', 'bob', 'started'],
            [hint => 182, 'member.joined', 'c', 'ada'], [down => 200, 'closed'],
            [ready => 201, 'agreed', 'all', 2.5], [ready => 201, 'end'],
        ],
        bob => [
            session(2, 60, chose(20.5, 'busy', 'Tea'), chose(30.5, 'online'),
                    asked(50.5, 'typing.start', { conversationId => 'd' }, {})),
            session(100, 200, chose(101, 'invisible')),
            [ready => 201, 'end'],
        ],
        faults => [],
    };
}


sub judge ($run) {
    my $directory = tempdir(CLEANUP => 1);
    my $write = sub ($name, @lines) {
        open my $file, '>', "$directory/$name" or die "$name: $!";
        print $file map { encode($_) . "\n" } @lines;
    };
    my $dm = { type => 'dm', revision => 0, sequence => 0, deleted => 0 };

    mkdir "$directory/records";
    $write->('topology.json', {
        seed => 1, final => [], postgres => '', away => AWAY,
        urls => [{ ack => 'accepted', node => 'a' }] });
    $write->('faults.jsonl', map {
        my ($kind, $place, $from, $to, @loses) = @$_;

        map { { t => T + $_->[1], n => $from, fault => $kind, @loses,
                target => $place, phase => $_->[0] } }
            [begin => $from], [end => $to];
    } @{ $run->{faults} });
    $write->('stored.json', {
        conversations => { 't/d' => $dm, 't/c' => { %$dm, type => 'group' } },
        members => { 't/d' => { map { $_ => {
            role => 'member', read => 0, delivered => 0 } } qw(ada bob) } },
        generations => {}, messages => {}, reactions => {}, wrong => [] });
    $write->('records/texts-0.jsonl');

    for my $name (grep { $run->{$_} } qw(ada bob phone)) {
        my $user = $name eq 'phone' ? 'bob' : $name;

        $write->("records/client-$name.jsonl",
                 [client => 1000 * T, $name, 't', $user, 0],
                 map { my ($what, $at, @more) = @$_;
                       [$what, int 1000 * (T + $at), @more] }
                     sort { $a->[1] <=> $b->[1] } @{ $run->{$name} });
    }

    my $check = ChatTest::Chaos::Check->new(directory => $directory);

    $check->run;

    my @found = grep { defined $_->{user} || $_->{what} =~ /hint|listen/ }
        $check->faults;

    return (join("\n", map { ChatTest::Chaos::Story::line($_) } @found),
            @found ? ChatTest::Chaos::Story::tell($check, $found[0]) : '');
}


sub add ($run, @lines) {
    push @{ $run->{ada} }, @lines;

    return;
}


sub drop ($run, $at) {
    @{ $run->{ada} } = grep { $_->[1] != $at } @{ $run->{ada} };

    return;
}


# bob's first session ends, and another takes its place

sub gap ($run, $from, $to) {
    splice @{ $run->{bob} }, 0, -1,
        session(2, $from),
        session($to, 60,
                asked(50.5, 'typing.start', { conversationId => 'd' }, {})),
        session(100, 200, chose(101, 'invisible'));
    drop($run, $_) for 21, 31;

    return;
}


my @CASES = (
    ['a run that went well', sub ($run) { }, qr/\A\z/],
    ['offline, who was there all the time', sub ($run) {
        add($run, told(55, 'bob', 'offline'), told(56, 'bob', 'online'));
    }, qr/bob was told: offline, -: was there all the time/],
    ['offline, after a gap that is too short', sub ($run) {
        gap($run, 20, 22);
        add($run, told(40, 'bob', 'offline', 20), told(41, 'bob', 'online'));
    }, qr/was there all the time/],
    ['offline, after a gap that is long', sub ($run) {
        gap($run, 20, 32);
        add($run, told(40, 'bob', 'offline', 20), told(41, 'bob', 'online'));
    }, qr/\A\z/],
    ['offline, whose node was not heard of for long', sub ($run) {
        push @{ $run->{faults} }, ['bus_stall', 'bus-a', 20, 32];
        add($run, told(40, 'bob', 'offline', 20), told(41, 'bob', 'online'));
    }, qr/\A\z/],
    ['offline, whose node was not heard of for short', sub ($run) {
        push @{ $run->{faults} }, ['bus_stall', 'bus-a', 34, 38];
        add($run, told(50, 'bob', 'offline', 20), told(51, 'bob', 'online'));
    }, qr/was there all the time/],
    ['online, who is not there', sub ($run) {
        add($run, told(95, 'bob', 'online'), told(96, 'bob', 'offline', 60));
    }, qr/bob was told: online, -: nobody was there/],
    ['offline is never told', sub ($run) {
        drop($run, 68);
    }, qr/bob is seen as: online, -: nobody was there/],
    ['the same, but there was a fault until then', sub ($run) {
        drop($run, 68);
        push @{ $run->{faults} }, ['bus_stall', 'bus-a', 60, 99];
    }, qr/\A\z/],
    ['online is never told', sub ($run) {
        drop($run, $_) for 2.5, 21, 31;
    }, qr/bob is seen as: offline, -: was there all the time/],
    ['invisible', sub ($run) {
        add($run, told(110.5, 'bob', 'invisible'));
    }, qr/bob was told: invisible, -: no such status/],
    ['seen, who is invisible', sub ($run) {
        add($run, told(150, 'bob', 'online'), told(151, 'bob', 'offline', 101));
    }, qr/bob was told: online, -: must not be seen/],
    ['a last seen of who is invisible', sub ($run) {
        add($run, told(150, 'bob', 'offline', 140));
    }, qr/bob was told: offline, .*: was invisible then/],
    ['a last seen in a conversation', sub ($run) {
        $_->[3]{members}[1]{lastSeen} = time_of(150)
            for grep { $_->[0] eq 'reply' && ref $_->[3]{members} }
                @{ $run->{ada} };
    }, qr/bob was told: offline, .*: was invisible then/],
    ['a last seen of who was not there', sub ($run) {
        add($run, told(73, 'bob', 'offline', 72));
    }, qr/bob was told: offline, .*: was not there then/],
    ['a last seen of long ago', sub ($run) {
        drop($run, 68);
        add($run, told(68.5, 'bob', 'offline', 20));
    }, qr/bob is seen as: offline, .*: was there later/],
    ['no last seen', sub ($run) {
        drop($run, 68);
        add($run, told(68.5, 'bob', 'offline'));
    }, qr/bob is seen as: offline, -: was there later/],
    ['no last seen, but Redis was lost', sub ($run) {
        drop($run, 68);
        add($run, told(68.5, 'bob', 'offline'));
        push @{ $run->{faults} }, ['redis_empty', 'redis', 61, 62, loses => 1];
    }, qr/\A\z/],
    ['somebody of whom it has not asked', sub ($run) {
        add($run, told(40, 'kim', 'offline'));
    }, qr/kim was told of, and nobody had asked/],
    ['who types, and does not', sub ($run) {
        add($run, [typing => 15, 'd', 'bob', 'started']);
    }, qr/bob types in d, and did not/],
    ['who types, and is invisible', sub ($run) {
        push @{ $run->{bob} },
            asked(150.3, 'typing.start', { conversationId => 'd' }, {});
        add($run, [typing => 151, 'd', 'bob', 'started']);
    }, qr/bob types in d, and is invisible/],
    ['a last seen of who is seen', sub ($run) {
        add($run, told(31.5, 'bob', 'online', 31));
    }, qr/last seen of one who is seen/],
    ['a text of who is not', sub ($run) {
        add($run, told(69, 'bob', 'offline', 60, 'Tea'));
    }, qr/a text of one who is offline/],
    ['a text of nobody', sub ($run) {
        add($run, told(22, 'bob', 'busy', undef, 'Coffee'));
    }, qr/nobody chose "Coffee"/],
    ['what was not chosen', sub ($run) {
        add($run, told(15, 'bob', 'busy'), told(15.5, 'bob', 'online'));
    }, qr/bob was told: busy, -: there was no reason/],
    ['what is not chosen any more', sub ($run) {
        drop($run, $_) for 31, 68;
        add($run, told(62, 'bob', 'busy', undef, 'Tea'));
    }, qr/bob was told: busy, -: there was no reason/],
    ['away, who was busy with requests', sub ($run) {
        add($run, told(15, 'bob', 'away'), told(15.5, 'bob', 'online'));
    }, qr/bob was told: away, -: there was no reason/],
    ['away, whose other device was used', sub ($run) {
        $run->{phone} = [[open => 3, 0], [up => 3, 's', 'n'],
                         [down => 60, 'closed']];
        add($run, told(35, 'bob', 'away'), told(36, 'bob', 'online'));
    }, qr/bob was told: away, -: there was no reason/],
    ['away, whose other device was used and left', sub ($run) {
        $run->{phone} = [[open => 3, 0], [up => 3, 's', 'n'],
                         [down => 75, 'closed']];
        drop($run, 68);
        add($run, told(60.2, 'bob', 'away'), told(83, 'bob', 'offline', 75));
    }, qr/\A\z/],
    ['a choice that Redis lost', sub ($run) {
        push @{ $run->{faults} },
            ['redis_empty', 'redis', 105, 106, loses => 1];
        add($run, told(130, 'bob', 'online'), told(170, 'bob', 'offline', 101));
    }, qr/\A\z/],
    ['states in another order', sub ($run) {
        for (grep { $_->[0] eq 'reply' && $_->[1] == 1 } @{ $run->{ada} }) {
            @{ $_->[3]{states} } = reverse @{ $_->[3]{states} };
        }
    }, qr/was asked for with others/],
    ['another count than of members', sub ($run) {
        $_->[3]{online} = 2
            for grep { $_->[0] eq 'reply' && ref $_->[3]{members} }
                @{ $run->{ada} };
    }, qr/is in d with 2 online, and 1 are told to be/],
    ['a hint of what is listened to', sub ($run) {
        add($run, [hint => 183, 'member.joined', 'd', 'ada']);
    }, qr/the hint member.joined of what it listens to/],
    ['a hint that is for another', sub ($run) {
        add($run, [hint => 183, 'member.left', 'c', 'bob']);
    }, qr/the hint member.left tells of bob/],
    ['who types elsewhere', sub ($run) {
        add($run, [typing => 50.7, 'c', 'eve', 'stopped']);
    }, qr/"stopped" of what it does not listen to/],
    ['no agreement', sub ($run) {
        add($run, [ready => 190, 'unlike', 'bob', 'offline', 'online']);
    }, qr/bob could not be seen as offline within 30 s: online/],
);

for (@CASES) {
    my ($title, $break, $expected) = @$_;
    my $run = good_run();

    $break->($run);

    my ($found, $story) = judge($run);

    like($found, $expected, $title);
    diag($story) if $found !~ $expected && $ENV{CHAT_TEST_STORY};
}

my $run = good_run();

add($run, told(55, 'bob', 'offline'), told(56, 'bob', 'online'));
like((judge($run))[1], qr/story of t\/bob.*bob \(bob\): asks.*presence\.set/s,
     'the story of a user tells what the user has chosen');

done_testing;
