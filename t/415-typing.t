# Who types: told to the others who are there, and over by itself.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers => 2, http => 'chat_presence off;');
$chat->start;
$chat->create($_, by => 'carol', type => 'group', members => [qw(alice bob)])
    for qw(team club slow);

my $alice = $chat->connect(user => 'alice', claims => { name => 'Alice A.' });
my $phone = $chat->connect(user => 'alice', node_other_than => $alice);
my $bob = $chat->connect(user => 'bob', node_of => $alice);
my $carol = $chat->connect(user => 'carol', node_other_than => $alice);

for my $client ($alice, $phone, $bob, $carol) {
    $client->join($_) for qw(team club slow);
}

my $begun = type($alice, 'slow');
my @others = ($phone, $bob, $carol);


# those who are told; returns the data of bob's event

sub type ($client, $room) {
    $client->request('typing.start', { conversationId => $room });

    return told('started', $room);
}


sub told ($what, $room, @who) {
    @who = ($bob, $carol) if !@who;

    return (map { $_->expect("typing.$what", sub ($data) {
        $data->{conversationId} eq $room
    }) } @who)[0];
}


# That somebody types, once this was done, is told to have ended before its time:
# unless all of it has taken so long that this had come.

sub is_cut_ok ($name, $room, $client, $do) {
    ok(wait_until {
        my $begun = type($client->(), $room);

        $do->();
        ms(told('stopped', $room)->{expiresAt}) < ms($begun->{expiresAt});
    }, $name);

    return;
}


sub ms ($time) {
    my ($h, $m, $s) = $time =~ /T(\d\d):(\d\d):([\d.]+)Z/;

    return (($h * 60 + $m) * 60 + $s) * 1000;
}


# what somebody has got besides, with all that was sent to it so far

sub rest ($client, $room) {
    $bob->say($room, 'anything');
    $client->hear($room);

    return join ' ', grep { /typing/ } $client->unexpected;
}


$_->unexpected for @others;

subtest 'the others are told' => sub {
    my $now = $alice->request('ping')->{serverTime};

    $alice->request('typing.start', { conversationId => 'team' });

    for my $client (@others) {
        my $data = told('started', 'team', $client);
        my $left = ms(delete $data->{expiresAt}) - ms($now);

        is_deeply($data, { conversationId => 'team', userId => 'alice',
                           displayName => 'Alice A.' },
                  $client == $phone ? 'the other device, too' : 'told');
        cmp_ok($left, '>=', 6000, 'for 6 seconds');
    }

    is(rest($alice, 'team'), '', 'but not the session that types');
    wait_until {
        $alice->request('typing.start', { conversationId => 'team' });
        $chat->metrics->{chat_typing} > 0;
    };
    pass('there is a gauge of it');

    is_deeply($alice->request('typing.stop', { conversationId => 'team' }),
              {}, 'stop');
    is_deeply([sort keys %{ told('stopped', 'team', $_) }],
              [qw(conversationId displayName expiresAt userId)], 'told')
        for @others;
    is(rest($alice, 'team'), '', 'but not to it');

    $alice->request('typing.stop', { conversationId => 'team' });
    is(rest($bob, 'team'), '', 'once');
};

subtest 'who has no name is called by the id' => sub {
    $bob->request('typing.start', { conversationId => 'team' });
    is(told('started', 'team', $alice)->{displayName}, 'bob', 'bob');
    $bob->request('typing.stop', { conversationId => 'team' });
    told('stopped', 'team', $alice, $carol);
    $_->unexpected for $alice, @others;
};

subtest 'again' => sub {
    my $first = type($alice, 'team');
    my ($second, $starts);

    wait_until {
        $alice->request('typing.start', { conversationId => 'team' });
        $starts++;
        $bob->request('ping');
        ($second) = grep { $_->{type} eq 'typing.started' }
            @{ $bob->{events} };
    };

    my $later = ms($second->{data}{expiresAt}) - ms($first->{expiresAt});
    cmp_ok($later, '>=', 2500, "is told after a while, of $starts times");

    $alice->request('typing.stop', { conversationId => 'team' });
    told('stopped', 'team');
    $_->unexpected for @others;
};

subtest 'it ends' => sub {
    my $tablet;

    is_cut_ok('with a message', 'team', sub { $alice }, sub {
        $alice->say('team', 'done');
        $bob->hear('team');
    });

    type($alice, 'club');
    $alice->say('team', 'done');

    my $now = $alice->request('ping')->{serverTime};
    $alice->leave('club');
    cmp_ok(ms(told('stopped', 'club')->{expiresAt}), '>=', ms($now),
           'but not elsewhere');

    is_cut_ok('when the session leaves', 'club', sub {
        $alice->join('club');
        $alice;
    }, sub { $alice->leave('club') });

    is_cut_ok('when it ends', 'team', sub {
        $tablet = $chat->connect(user => 'alice');
        $tablet->join('team');
        $tablet;
    }, sub { $tablet->disconnect });

    is_cut_ok('when the user is put out', 'team', sub {
        $chat->chatctl_must('member', 'add', 'team', 'alice');
        $alice->join('team');
        $alice;
    }, sub { $chat->chatctl_must('member', 'remove', 'team', 'alice') });

    my $end = told('stopped', 'slow', $bob);
    cmp_ok(ms($end->{expiresAt}) - ms($begun->{expiresAt}), '>=', 0,
           'by itself, not before it was to');

    wait_until { $chat->metrics->{chat_typing} == 0 };
    pass('nobody types any more');
};

subtest 'a conversation that Redis does not hold any more' => sub {
    $chat->wait_stored;
    $chat->redis_cli('DEL', $_)
        for split /\n/, $chat->redis_cli('KEYS', '*/club:*');

    $carol->request('typing.start', { conversationId => 'club' });
    ok(told('started', 'club', $bob), 'is loaded');
};

done_testing;
