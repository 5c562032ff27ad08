# A user with several devices, and what the user has chosen to be.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(time);

use ChatTest;
use ChatTest::Seen;

my $chat = ChatTest->new(
    workers  => 2,
    with     => [qw(redis postgres persist presence)],
    presence => { grace => 2 },
);
$chat->start;

my $seen = ChatTest::Seen->new($chat);


# goes, when all that the node had to say is said

sub leave ($client, $user, $sessions) {
    $client->disconnect;
    wait_until { "@{ [map { @$_ } @{ $seen->sessions($user) }] }"
                     eq $sessions };

    return;
}


sub is_told ($client, $status, $text, $title) {
    my $data = $client->expect('presence.changed');
    my %is = (userId => $data->{userId}, status => $status, lastSeen => undef);

    $is{text} = $text if defined $text;
    is_deeply($data, \%is, $title);

    return;
}


subtest 'one of two devices goes' => sub {
    my $phone = $chat->connect(user => 'alice');
    my $laptop = $chat->connect(user => 'alice', node_other_than => $phone);
    my $tab = $chat->connect(user => 'alice', node_of => $laptop);

    $seen->becomes('alice', 'o');
    wait_until { "@{ [map { @$_ } @{ $seen->sessions('alice') }] }"
                     eq '1 1 2 2' };
    pass('each node tells of its own');

    leave($phone, 'alice', '2 2');
    leave($tab, 'alice', '1 1');
    is($seen->told('alice'), 'o', 'nobody is told');

    my $before = time;
    leave($laptop, 'alice', '');
    my $state = $seen->becomes('alice', 'f');

    is($seen->told('alice'), 'of', 'the last one goes');
    like($state, qr/^f \d+ $/, 'and was last seen');

    my $ms = (split / /, $state)[1];
    ok($ms >= 1000 * ($before - 0.1) && $ms <= 1000 * (time - 1),
       'when it went, not when the grace time was over');
};

subtest 'back within the grace time' => sub {
    my $bob = $chat->connect(user => 'bob');

    $seen->becomes('bob', 'o');

    for (my $times = 0; $times < 3; $times++) {
        my $left = time;

        leave($bob, 'bob', '');
        $bob = $chat->connect(user => 'bob', node_other_than => $bob);
        wait_until { @{ $seen->sessions('bob') } == 1 };

        if (time - $left > 1.5) {           # not within it
            $seen->becomes('bob', 'o');
            $seen->forget;
            $times = -1;
        }
    }

    my $other = $chat->connect(user => 'other');
    $seen->becomes('other', 'o');
    leave($other, 'other', '');
    $seen->becomes('other', 'f');           # who went after that
    unlike($seen->told('bob'), qr/f/, 'nobody is told');
    is($seen->state('bob'), 'o 0 ', 'online');
};

subtest 'what is chosen' => sub {
    my $phone = $chat->connect(user => 'carol');
    my $laptop = $chat->connect(user => 'carol', node_other_than => $phone);

    $seen->becomes('carol', 'o');
    is_deeply($phone->request('presence.set', { status => 'busy',
                                                text => 'a "meeting"' }),
              {}, 'set');
    is_told($_, 'busy', 'a "meeting"', 'all devices') for $phone, $laptop;
    is($seen->becomes('carol', 'b'), 'b 0 a \"meeting\"', 'seen');

    my $late = $chat->connect(user => 'carol');
    is_told($late, 'busy', 'a "meeting"', 'told to who comes later');

    $laptop->request('presence.set', { status => 'online', text => 'here' });
    is_told($_, 'online', 'here', 'all devices') for $phone, $laptop, $late;
    $seen->becomes('carol', 'o');
    $_->disconnect for $phone, $laptop, $late;
    $seen->becomes('carol', 'f');

    my $again = $chat->connect(user => 'carol');
    is_told($again, 'online', 'here', 'it lasts');
    $again->request('presence.set', { status => 'online' });
    is_told($again, 'online', undef, 'the text is gone');

    my $quiet = $chat->connect(user => 'carol', node_other_than => $again);
    $quiet->request('presence.set', { status => 'away' });
    is_told($quiet, 'away', undef, 'nothing is told of what everybody begins with');
};

subtest 'invisible' => sub {
    my $dave = $chat->connect(user => 'dave');
    my $erin = $chat->connect(user => 'erin');

    $seen->becomes($_, 'o') for qw(dave erin);
    $dave->request('presence.set', { status => 'invisible', text => 'hush' });
    $erin->disconnect;
    is_told($dave, 'invisible', 'hush', 'oneself');
    like($seen->becomes($_, 'f'), qr/^f \d+ $/, "$_ looks the same")
        for qw(dave erin);

    my $second = $chat->connect(user => 'dave', node_other_than => $dave);
    is_told($second, 'invisible', 'hush', 'another device');
    my $state = $seen->state('dave');
    leave($_, 'dave', $_ == $dave ? '1 1' : '') for $dave, $second;

    my $third = $chat->connect(user => 'dave');
    is_told($third, 'invisible', 'hush', 'still');
    is($seen->state('dave'), $state, 'coming and going is not told');
    is($seen->told('dave'), 'of', 'nor published');

    $third->request('presence.set', { status => 'online' });
    $seen->becomes('dave', 'o');
    is_told($third, 'online', undef, 'visible again');
};

subtest 'what cannot be chosen' => sub {
    my $frank = $chat->connect(user => 'frank');

    is($frank->refused('presence.set', $_->[1])->{code}, 'bad_request', $_->[0])
        for ['nothing', {}], ['offline', { status => 'offline' }],
            ['two lines', { status => 'busy', text => "a\nb" }],
            ['too much', { status => 'busy', text => 'x' x 129 }];
    is_deeply([$frank->unexpected], [], 'and nothing is told');
};

done_testing;
