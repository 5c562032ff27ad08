# Handshakes of an address: a burst, then a rate, refused before the token is
# looked at; whose address it is, and that a bucket outlives its process.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::UNIX;

use ChatTest;
use ChatTest::Port qw(take_port);

use constant BURST => 3;

my ($proxied, $lock) = take_port;

my $chat = ChatTest->new(
    with     => [],
    workers  => 2,
    http     => <<~"END",
        set_real_ip_from 127.0.0.1;
        set_real_ip_from unix:;
        real_ip_header X-Forwarded-For;

        server {
            listen 127.0.0.1:$proxied proxy_protocol;
            real_ip_header proxy_protocol;

            location = /chat {
                chat_websocket on;
                chat_handshake_rate rate=1r/m burst=@{[ BURST ]};
            }
        }
        END
    server   => <<~"END",
        listen unix:socket;

        location = /quick {
            chat_websocket on;
            chat_handshake_rate rate=2r/s burst=@{[ BURST ]};
        }

        location = /off {
            chat_websocket on;
        }
        END
    location => 'chat_handshake_rate rate=1r/m burst=' . BURST . ';',
);

$chat->start;


# the status of a handshake from an address

sub status ($address, %o) {
    return $chat->handshake(
        user    => 'alice',
        headers => { 'X-Forwarded-For' => $address },
        %o,
    )->status;
}


sub exhaust ($address, %o) {
    is(status($address, %o), 101, "$address, $_") for 1 .. BURST;

    return;
}


subtest 'one more than the burst is too many' => sub {
    exhaust('192.0.2.1');

    my $refused = $chat->handshake(
        user => 'alice', headers => { 'X-Forwarded-For' => '192.0.2.1' });
    my $error = decode($refused->body)->{error};

    is($refused->status, 429, 'status');
    is($error->{code}, 'rate_limited', 'code');
    like($refused->header('Retry-After'), qr/^(?:5\d|60)$/, 'Retry-After');
    is($error->{retryAfter}, $refused->header('Retry-After'), 'retryAfter');
    is($chat->limited('handshake_rate'), 1, 'counted');
    is(status('192.0.2.1', origin => 'https://example.com'), 429, 'a page');
    is(status('192.0.2.1', token => 'x.y.z'), 429,
       'a bad token is not looked at');
    is(status('192.0.2.1', path => '/off'), 101, 'a location without a limit');
    is(status('192.0.2.2'), 101, 'another address');
};

subtest 'bad tokens are handshakes' => sub {
    is(status('192.0.2.3', token => 'x.y.z'), 401, "bad token $_")
        for 1 .. BURST;
    is(status('192.0.2.3'), 429, 'then a good one is refused');
};

subtest 'IPv6 counts by network, IPv4 however it is written' => sub {
    exhaust('2001:db8:1:1::1');
    is(status('2001:db8:1:1:ffff:ffff:ffff:ffff'), 429, 'the same network');
    is(status('2001:db8:1:2::1'), 101, 'the next network');

    exhaust('192.0.2.4');
    is(status('::ffff:192.0.2.4'), 429, 'mapped');
    is(status('64:ff9b::192.0.2.4'), 429, 'translated');
    is(status('::ffff:192.0.2.5'), 101, 'another one');
};

subtest 'who comes with the PROXY protocol' => sub {
    my $from = sub ($address) {
        my $client = ChatTest::Client->new(
            port    => $proxied,
            path    => '/chat',
            proxy   => "PROXY TCP4 $address 127.0.0.1 1000 80\r\n",
            headers => { Authorization => 'Bearer ' . $chat->token('alice') },
        );

        return $client->status;
    };

    is($from->('192.0.2.6'), 101, "handshake $_") for 1 .. BURST;
    is($from->('192.0.2.6'), 429, 'one more');
    is($from->('192.0.2.7'), 101, 'another address');
    is(status('192.0.2.6'), 429, 'it is the same address on the other port');
};

subtest 'a unix socket is no address' => sub {
    for (1 .. BURST + 2) {
        my $socket = IO::Socket::UNIX->new(
            Peer => $chat->directory . '/socket') or die $!;

        print $socket "GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            . "Connection: upgrade\r\nSec-WebSocket-Version: 13\r\n"
            . "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
        like(scalar <$socket>, qr/ 101 /, "handshake $_");
    }
};

subtest 'tokens grow again' => sub {
    exhaust('192.0.2.8', path => '/quick');

    # one may have grown meanwhile, where the machine is busy
    ok(wait_until { status('192.0.2.8', path => '/quick') == 429 },
       'none left');
    ok(wait_until { status('192.0.2.8', path => '/quick') == 101 },
       'and then there is one');
};

# also what happens when somebody raises a rate that was too low, and reloads

subtest 'another rate is another bucket' => sub {
    exhaust('192.0.2.10');
    is(status('192.0.2.10'), 429, 'none left for a minute');
    is(status('192.0.2.10', path => '/quick'), 101,
       'where the rate is higher nothing is owed');
    is(status('192.0.2.10'), 429, 'and it takes nothing off the other one');
};

subtest 'a reload and a kill change nothing' => sub {
    exhaust('192.0.2.9');

    my @old = $chat->workers;

    $chat->reload;
    wait_until { !grep { kill 0, $_ } @old };
    is(status('192.0.2.9'), 429, 'after a reload');

    $chat->logs->allow(qr/worker process \d+ exited on signal 9/);
    kill 'KILL', $chat->workers;
    ok(wait_until { (eval { status('192.0.2.9') } // 0) == 429 },
       'after a kill');
};

done_testing;
