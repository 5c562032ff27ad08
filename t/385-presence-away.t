# Away by silence: of what the user does, not of what clients do by themselves.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(time);

use ChatTest;
use ChatTest::Seen;

use constant AWAY => 1;                 # seconds

my $chat = ChatTest->new(
    workers => 1,
    with    => [qw(redis postgres persist presence)],
    http    => 'chat_away_time 1s;',
    server  => <<~'END',
        location = /never {
            chat_websocket on;
            chat_away_time 0;
        }
        END
);
$chat->start;
$chat->create('lobby');

my $seen = ChatTest::Seen->new($chat);


# uses it until others see that

sub active ($client, $user) {
    wait_until {
        $client->request('conversation.leave', { conversationId => 'lobby' });

        $seen->state($user) =~ /^o/;
    };

    return;
}


sub reports () { return $chat->metrics->{chat_presence_reports_total} }


subtest 'silence' => sub {
    my $began = time;
    my $alice = $chat->connect(user => 'alice');

    $seen->becomes('alice', 'a');
    cmp_ok(time - $began, '>=', AWAY - 0.1, 'not before it was to');
    $seen->forget;

    active($alice, 'alice');
    pass('a request makes it active');
    $seen->becomes('alice', 'a');
    like($seen->told('alice'), qr/^oa/, 'and so on');
};

subtest 'what clients do by themselves' => sub {
    my $bob = $chat->connect(user => 'bob');
    my @automatic = (
        ['ping', {}],
        ['authenticate', { token => $chat->token('bob') }],
        ['delivered.mark', { conversationId => 'lobby',
                             sequenceNumber => 0 }],
        ['presence.get', { conversationId => 'lobby' }],
        ['presence.subscribe', { userIds => ['alice'] }],
        ['presence.unsubscribe', { userIds => ['alice'] }],
    );

    wait_until {
        $bob->reply($bob->post(@$_)) for @automatic;

        $seen->state('bob') =~ /^a/;
    };
    pass('keeps nobody from being away');

    my $first = $chat->connect(user => 'first', path => '/never');
    $seen->becomes('first', 'o');           # all that was before is reported

    my $before = reports();

    $bob->reply($bob->post(@$_)) for @automatic;

    my $after = $chat->connect(user => 'after', path => '/never');
    $seen->becomes('after', 'o');           # who was reported after that
    is(reports() - $before, 1, 'nor makes it active again');
};

subtest 'one device is used' => sub {
    my $phone = $chat->connect(user => 'carol');
    my $laptop = $chat->connect(user => 'carol');

    $phone->join('lobby');
    wait_until {
        $phone->request('conversation.leave', { conversationId => 'lobby' });

        "@{ $seen->sessions('carol')->[0] // [] }" eq '2 1'
            && $seen->state('carol') eq 'o 0 ';
    };
    pass('the most present one decides');
    $phone->disconnect;
    $seen->becomes('carol', 'a');
    is_deeply($seen->sessions('carol'), [[1, 0]], 'the other one is idle');
};

subtest 'busy stays busy' => sub {
    my $dave = $chat->connect(user => 'dave');

    $dave->request('presence.set', { status => 'busy' });
    $seen->becomes('dave', 'b');
    wait_until { "@{ $seen->sessions('dave')->[0] // [] }" eq '1 0' };
    is($seen->state('dave'), 'b 0 ', 'so it does');
};

subtest 'never' => sub {
    my $erin = $chat->connect(user => 'erin', path => '/never');
    my $other = $chat->connect(user => 'other');

    $seen->becomes('other', 'a');           # who came after that
    is_deeply($seen->sessions('erin'), [[1, 1]], 'active');
};

done_testing;
