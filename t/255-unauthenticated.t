# Connections that have not shown a token: so many of a worker process, and a
# quarter of them of one address.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant { MAX => 8, SHARE => 2 };

my $chat = ChatTest->new(
    with     => [],
    http     => <<~'END',
        set_real_ip_from 127.0.0.1;
        real_ip_header X-Forwarded-For;
        END
    location => <<~"END",
        chat_max_unauthenticated @{[ MAX ]};
        chat_auth_timeout 1m;
        END
    server   => <<~"END",
        location = /hasty {
            chat_websocket on;
            chat_max_unauthenticated @{[ MAX ]};
            chat_auth_timeout 300ms;
        }
        END
);

$chat->start;


sub from ($address, %o) {
    return $chat->handshake(
        headers => { 'X-Forwarded-For' => $address }, %o);
}


sub unauthenticated () {
    return $chat->metrics->{chat_sessions_unauthenticated};
}


my @strangers;

subtest 'of an address' => sub {
    push @strangers, map { from('192.0.2.1') } 1 .. SHARE;
    is(unauthenticated(), SHARE, 'there are so many');

    my $refused = from('192.0.2.1');

    is($refused->status, 503, 'one more');
    is(decode($refused->body)->{error}{code}, 'unavailable', 'code');
    cmp_ok($refused->header('Retry-After'), '>', 0, 'Retry-After');

    my $page = from('192.0.2.1', origin => 'https://example.com');
    is($page->status, 101, 'a page');
    ok(defined $page->expect_close(1013), 'is closed with 1013');

    is(from('192.0.2.1', user => 'alice')->status, 101,
       'who brings a token is none of them');
    is(from('192.0.2.1', token => 'x.y.z')->status, 401, 'nor a bad one');
    is(from('192.0.2.1', path => '/echo')->status, 101, 'nor an echo');
    is(unauthenticated(), SHARE, 'the others are still there');
    is($chat->limited('max_unauthenticated'), 2, 'counted');
};

subtest 'of all addresses' => sub {
    for (2 .. MAX / SHARE) {
        push @strangers, from("192.0.2.$_"), from("192.0.2.$_");
    }

    is(unauthenticated(), MAX, 'there are so many');
    is(from('192.0.2.100')->status, 503, 'one more');
    is(from('192.0.2.100', user => 'bob')->status, 101, 'bob has a token');
};

subtest 'who shows one makes room' => sub {
    ok($strangers[0]->request('authenticate',
                              { token => $chat->token('alice') }), 'alice');
    is(unauthenticated(), MAX - 1, 'one less');
    push @strangers, from('192.0.2.1');
    is($strangers[-1]->status, 101, 'another one of the address');
};

subtest 'who leaves, or is late, does too' => sub {
    $_->disconnect for @strangers;
    ok(wait_until { unauthenticated() == 0 }, 'all have gone');

    my @hasty = map { from('192.0.2.1', path => '/hasty') } 1 .. SHARE;

    is($_->status, 101, 'another is there') for @hasty;
    ok(defined $_->expect_close(4401), 'and is late') for @hasty;
    ok(wait_until { unauthenticated() == 0 }, 'they have gone');
    is(from('192.0.2.1')->status, 101, 'there is room');
};

done_testing;
