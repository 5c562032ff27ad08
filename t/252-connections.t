# How many connections an address and a user may have, in all worker processes
# together; and that who is gone is not counted, however it went.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant { ADDRESS => 16, USER => 4 };

my $chat = ChatTest->new(
    with     => [],
    workers  => 2,
    http     => <<~'END',
        set_real_ip_from 127.0.0.1;
        real_ip_header X-Forwarded-For;
        END
    location => <<~"END",
        chat_max_connections_per_address @{[ ADDRESS ]};
        chat_max_connections_per_user @{[ USER ]};
        chat_auth_timeout 1m;
        END
    server   => <<~"END",
        location = /off {
            chat_websocket on;
        }
        END
);

$chat->logs->allow(qr/worker process \d+ exited on signal 9/);
$chat->start;


sub from ($address, %o) {
    return $chat->handshake(
        headers => { 'X-Forwarded-For' => $address }, %o);
}


# so many sessions of an address, each of another user; on both workers

sub crowd ($address, $n) {
    my @crowd = map { from($address, user => "user-$_") } 1 .. $n;

    is(join(' ', map { $_->status } @crowd), join(' ', (101) x $n),
       "$n of $address");

    return @crowd;
}


sub becomes ($title, $status, @handshake) {
    ok(eval { wait_until { (eval { from(@handshake)->status } // 0) == $status }
              10 }, $title);

    return;
}


subtest 'of an address' => sub {
    my @crowd = crowd('192.0.2.1', ADDRESS);
    my $refused = from('192.0.2.1', user => 'eve');

    is(scalar(keys %{{ map { $_->node => 1 } @crowd }}), 2,
       'they are on both workers');
    is($refused->status, 429, 'one more');
    is(decode($refused->body)->{error}{code}, 'rate_limited', 'code');
    cmp_ok($refused->header('Retry-After'), '>', 0, 'Retry-After');
    is(from('192.0.2.1', token => 'x.y.z')->status, 429,
       'no token is looked at');
    is(from('192.0.2.1')->status, 429, 'nor one missed');
    is(from('192.0.2.2', user => 'eve')->status, 101, 'another address');
    is(from('192.0.2.1', user => 'eve', path => '/off')->status, 101,
       'a location without limits');
    is($chat->limited('max_connections_per_address'), 3, 'counted');

    $crowd[0]->disconnect;
    becomes('one that ends makes room', 101, '192.0.2.1', user => 'eve');
};

subtest 'who is refused for another reason is not counted' => sub {
    is(from('192.0.2.3', token => 'x.y.z')->status, 401, 'a bad token')
        for 1 .. ADDRESS + 1;
    is(from('192.0.2.3', user => 'alice')->status, 101, 'a good one');
};

subtest 'of a user' => sub {
    my @own = map { from("192.0.2.1$_", user => 'alice') } 1 .. USER;

    is(join(' ', map { $_->status } @own), join(' ', (101) x USER), 'so many');

    my $refused = from('192.0.2.19', user => 'alice');
    is($refused->status, 429, 'one more');
    cmp_ok($refused->header('Retry-After'), '>', 0, 'Retry-After');

    my $page = from('192.0.2.19', user => 'alice',
                    origin => 'https://example.com');
    is($page->status, 101, 'a page');
    ok(defined $page->expect_close(4429), 'is closed with 4429');

    is(from('192.0.2.19', user => 'alice', claims => { tid => 'other' })
           ->status, 101, 'one of that name in another tenant');

    my $late = from('192.0.2.19');
    my $reply = $late->reply($late->post('authenticate',
                                         { token => $chat->token('alice') }));
    is($reply->{error}{code}, 'rate_limited', 'authenticate is refused');
    cmp_ok($reply->{error}{retryAfter}, '>', 0, 'with retryAfter');
    ok(defined $late->expect_close(4429), 'and closed with 4429');

    ok($own[0]->request('authenticate', { token => $chat->token('alice') }),
       'a renewal takes none');
    is($chat->limited('max_connections_per_user'), 3, 'counted');

    $own[1]->disconnect;
    $own[2]->disconnect;
    becomes('two that end make room', 101, '192.0.2.19', user => 'alice');
};

subtest 'old worker processes count as long as they live' => sub {
    my @old = $chat->workers;
    my @own = map { from('192.0.2.30', user => 'bob') } 1 .. USER;

    kill 'STOP', @old;                  # they cannot say good-bye
    $chat->reload;
    wait_until { grep { my $p = $_; !grep { $_ == $p } @old } $chat->workers };

    is(from('192.0.2.30', user => 'bob')->status, 429, 'after a reload');
    kill 'CONT', @old;
    becomes('when they have gone', 101, '192.0.2.30', user => 'bob');
};

subtest 'who was killed is not counted' => sub {
    wait_until { $chat->workers == 2 };
    my @crowd = crowd('192.0.2.40', ADDRESS);

    is(from('192.0.2.40', user => 'eve')->status, 429, 'it is full');

    my ($victim) = $chat->workers;
    my $began = time;
    kill 'KILL', $victim;

    becomes('there is room', 101, '192.0.2.40', user => 'eve');
    cmp_ok(time - $began, '<=', 20, 'soon');

    # exact again: what lives on the other worker and nothing else

    $_->disconnect for @crowd;
    becomes('the last one ends', 101, '192.0.2.40', user => 'eve');
    wait_until { $chat->metrics->{chat_sessions} <= 1 };
    my @again = crowd('192.0.2.41', ADDRESS);
    is(from('192.0.2.41', user => 'eve')->status, 429, 'and full again');
};

done_testing;
