# A token is renewed in band: what the new one changes, and the edges of its
# time.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use Time::HiRes ();

# seconds, for a machine that is busy; fewer than the leeway
use constant SLACK => 4;

my $chat = ChatTest->new(server => <<'END');
    location = /exact {
        chat_websocket on;
        chat_token_leeway 0s;
    }
END
$chat->start;
$chat->wait_ready;


sub renew ($client, %claims) {
    return $client->request('authenticate', {
        token => $chat->token('alice', %claims),
    });
}


# seconds since 1970 of a time as the server tells it

sub seconds ($text) {
    require Time::Local;
    my @t = $text =~ /^(\d+)-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)/;

    return Time::Local::timegm_modern(@t[5, 4, 3, 2], $t[1] - 1, $t[0]);
}


subtest 'a new end counts, also if it is earlier' => sub {
    my $alice = $chat->connect(user => 'alice', path => '/exact');
    my $exp = time + 3;
    my $data = renew($alice, exp => $exp);

    is(seconds($data->{expiresAt}), $exp, 'expiresAt');
    is(seconds($alice->expect('token.expiring')->{expiresAt}), $exp,
       'which is near');
    $alice->expect_close(4401);
    cmp_ok(Time::HiRes::time, '>=', $exp, 'not before');
    cmp_ok(Time::HiRes::time, '<', $exp + SLACK, 'at once then');
};

subtest 'the same token again changes nothing' => sub {
    my $token = $chat->token('alice', exp => time + 600);
    my $alice = $chat->connect(token => $token);

    for (1 .. 3) {
        my $data = $alice->request('authenticate', { token => $token });

        is($data->{$_}, $alice->welcome->{$_}, $_)
            for qw(expiresAt sessionId userId tenantId);
    }

    is_deeply([$alice->unexpected], [], 'nothing else comes');
};

subtest 'a short token is told of at once, each time' => sub {
    my $alice = $chat->connect(user   => 'alice',
                               claims => { exp => time + 50 });

    ok($alice->expect('token.expiring'), 'that of the handshake');
    is_deeply([$alice->unexpected], [], 'once');

    renew($alice, exp => time + 3600);
    is_deeply([$alice->unexpected], [], 'a long one is not');

    my $exp = time + 40;
    renew($alice, exp => $exp);
    is(seconds($alice->expect('token.expiring')->{expiresAt}), $exp,
       'a short one is');
    is_deeply([$alice->unexpected], [], 'once');

    my $nobody = $chat->handshake;
    renew($nobody, exp => time + 50);
    ok($nobody->expect('token.expiring'), 'that of an authenticate');
};

subtest 'a token that has ended is good for the leeway' => sub {
    my $alice = $chat->connect(user => 'alice');
    my $exp = time - 2;
    my $data = renew($alice, exp => $exp);

    is(seconds($data->{expiresAt}), $exp + 5, 'to the end of the leeway');
    ok($alice->request('ping'), 'the session lives');
    $alice->expect_close(4401);
    cmp_ok(Time::HiRes::time, '>=', $exp + 5, 'till then');
    cmp_ok(Time::HiRes::time, '<', $exp + 5 + SLACK, 'and no longer');

    my $bob = $chat->connect(user => 'alice', path => '/exact');
    is($bob->refused('authenticate', {
           token => $chat->token('alice', exp => time) })->{code},
       'unauthorized', 'at exp itself it is over');
};

subtest 'at the very end a renewal counts, or comes too late' => sub {
    my @ms = (-100, -50, -20, -10, -5, -2, -1, 0, 1, 2, 5, 10, 20, 50);
    my %at = map { $_ => $chat->connect(user => 'alice', path => '/exact') }
        @ms, 'early', 'never';
    my $exp = time + 3;
    my %end = (token => $chat->token('alice', exp => $exp));
    my %new = (token => $chat->token('alice'));

    $_->post('authenticate', \%end) for values %at;
    ok($_->reply(1)->{ok}, 'it ends soon') for values %at;
    ok($at{early}->request('authenticate', \%new), 'renewed well before');

    for my $ms (@ms) {
        wait_until { Time::HiRes::time >= $exp + $ms / 1000 };
        $at{$ms}->post('authenticate', \%new);
    }

    for my $ms (@ms) {
        my $reply = eval { $at{$ms}->reply(2) };

        if ($reply && $reply->{ok}) {
            ok($at{$ms}->request('ping'), "$ms ms: renewed, and lives on");
        } else {
            pass("$ms ms: too late");
        }
    }

    ok(defined $at{never}->expect_close(4401), 'who does not renew is out');
    ok($at{early}->request('ping'), 'who did lives on');
};

subtest 'roles are those of the newest token' => sub {
    my $alice = $chat->connect(user => 'alice');
    my $create = sub ($id) {
        my %data = (conversationId => $id, type => 'group');
        my $reply = $alice->reply(
            $alice->post('conversation.create', \%data));
        return $reply->{ok} ? 'ok' : $reply->{error}{code};
    };

    is($create->('one'), 'forbidden', 'none');
    renew($alice, roles => ['admin']);
    is($create->('two'), 'ok', 'one is given');
    renew($alice);
    is($create->('three'), 'forbidden', 'and taken away');
};

subtest 'who it is stays' => sub {
    my $alice = $chat->connect(user => 'alice', claims => { tid => 'acme' });
    my %others = (
        'another user'   => $chat->token('bob', tid => 'acme'),
        'another case'   => $chat->token('Alice', tid => 'acme'),
        'a longer name'  => $chat->token('alice2', tid => 'acme'),
        'a shorter name' => $chat->token('alic', tid => 'acme'),
        'another tenant' => $chat->token('alice', tid => 'acm'),
        'no tenant'      => $chat->token('alice'),
    );

    for my $what (sort keys %others) {
        is($alice->refused('authenticate', { token => $others{$what} })
           ->{code}, 'forbidden', $what);
        ok($alice->request('ping'), 'the session goes on');
    }

    is(renew($alice, tid => 'acme', name => 'Alice', sid => 'other')
       ->{tenantId}, 'acme', 'name and sid may be others');
};

subtest 'a renewal without an id is answered by the event' => sub {
    my $alice = $chat->connect(user => 'alice');

    for my $token ($chat->token('alice'), $chat->token('bob')) {
        $alice->send_text(encode({ type => 'authenticate',
                                   data => { token => $token } }));
    }

    is($alice->expect('authenticated')->{userId}, 'alice', 'a good one');
    is($alice->reply(undef)->{error}{code}, 'forbidden', 'errors have id null');
    is_deeply([$alice->unexpected], [], 'nothing else');
};

subtest 'what is no token is refused, and the session goes on' => sub {
    my $alice = $chat->connect(user => 'alice');
    my @cases = (
        [bad_request  => {}],
        [bad_request  => { token => undef }],
        [bad_request  => { token => 1 }],
        [bad_request  => { token => ['x'] }],
        [unauthorized => { token => '' }],
        [unauthorized => { token => 'x' x 8192 }],
        [unauthorized => { token => 'x' x 9000 }],
        [unauthorized => { token => $chat->token('alice') . "\0" }],
        [unauthorized => { token => ' ' . $chat->token('alice') }],
    );

    for (@cases) {
        my ($code, $data) = @$_;

        is($alice->refused('authenticate', $data)->{code}, $code,
           substr encode($data), 0, 40);
    }

    ok(renew($alice), 'a good one is taken still');
};

subtest 'requests under way are not touched by it' => sub {
    $chat->create('room');

    my $alice = $chat->connect(user => 'alice');
    $alice->join('room');
    $chat->freeze('redis');

    my @sent;

    for my $n (1 .. 20) {
        push @sent, $alice->post('message.send', {
            conversationId => 'room', content => "m$n",
            clientMessageId => uuid(),
        }), $alice->post('authenticate', {
            token => $chat->token('alice', name => 'A' x $n),
        });
    }

    $alice->reply($sent[$_ * 2 + 1]) for 0 .. 19;
    $chat->thaw('redis');

    my @numbers = map { $alice->reply($sent[$_ * 2])->{data}{sequenceNumber} }
        0 .. 19;

    is_deeply(\@numbers, [1 .. 20], 'all are done, in their order');
};

done_testing;
