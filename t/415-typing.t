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
    is($chat->metrics->{chat_typing}, 2, 'in two conversations');

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
    type($alice, 'team');
    type($alice, 'club');
    my $id = $alice->say('team', 'done')->{id};

    is($bob->hear('team')->{id}, $id, 'with the message');
    told('stopped', 'team');
    is(rest($bob, 'club'), '', 'but not elsewhere');

    $alice->leave('club');
    ok(told('stopped', 'club'), 'when the session leaves');

    my $tablet = $chat->connect(user => 'alice');
    $tablet->join('team');
    type($tablet, 'team');
    $tablet->disconnect;
    ok(told('stopped', 'team'), 'when it ends');

    type($alice, 'team');
    $chat->chatctl_must('member', 'remove', 'team', 'alice');
    ok($bob->expect('member.left'), 'when the user is put out');
    ok(told('stopped', 'team'), 'told');

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
