# A token that names an unknown key makes nginx ask for newer ones, not often.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Metrics qw(parse_metrics);
use ChatTest::Token qw(make_key public_jwk public_jwks);
use ChatTest::Wait qw(PATIENCE);

use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::UNIX;
use Socket qw(SOCK_DGRAM);

my $directory = tempdir('chat-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $path = "$directory/refresh.sock";
my $key = make_key('secp256r1');

chmod 0755, $directory;

my $chat = ChatTest->new(with => [],
    files  => { 'jwks.json' => public_jwks(public_jwk($key, kid => 'a')) },
    server => <<~"END");
        location = /a {
            chat_websocket on;
            chat_token_jwks jwks.json refresh=unix:$path;
        }

        location = /b {
            chat_websocket on;
            chat_token_jwks jwks.json refresh=unix:$path;
        }
        END


sub status ($kid, $path = '/a', %head) {
    my $token = sign_token($key, { alg => 'ES256', kid => $kid, %head },
                           { sub => 'alice', exp => time + 600 }, 'ES256');

    return $chat->handshake(path => $path, token => $token)->status;
}


sub asked () {
    my ($value) = parse_metrics($chat->http(path => '/metrics')->body);

    return $value->{chat_jwks_refresh_total};
}


sub listens () {
    unlink $path;
    my $socket = IO::Socket::UNIX->new(Local => $path, Type => SOCK_DGRAM)
        or die "$path: $!";
    chmod 0666, $path;

    return $socket;
}


# the next datagram, or nothing

sub received ($socket, $seconds) {
    return undef if !IO::Select->new($socket)->can_read($seconds);
    $socket->recv(my $text, 1024);

    return $text;
}


# tokens of unknown keys, until it may ask again

sub asks_again () {
    my $before = asked();

    wait_until { status('new'); asked() > $before };

    return;
}


$chat->start;

subtest 'nobody has to be there to be asked' => sub {
    is(status('new'), 401, 'the token is refused');
    is(asked(), 1, 'it is counted');
    asks_again();
    is(() = $chat->logs->text('nginx') =~ /cannot be asked for newer keys/g, 1,
       'and is logged once');
};

my $socket = listens();

subtest 'who is there hears of it, and no more than that' => sub {
    asks_again();
    is(received($socket, PATIENCE), "refresh\n", 'a datagram');

    my ($asked, $start) = (asked(), time);

    is(status('new', $_), 401, "refused at once: $_") for ('/a', '/b') x 20;
    cmp_ok(asked() - $asked, '<=', 2 + time - $start,
           'but it asks once a second');

    # longer than until it might ask again, which it may have to once

    ok(eval { wait_until {
        my $end = time + 3;

        $asked = asked();

        while (time < $end) {
            status('a');
            status('a', '/a', crit => ['x']);
            status('new', '/a', alg => 'none');
            $chat->handshake(path => '/a', token => 'a.b.c');
        }

        asked() == $asked;
    } }, 'never because of a good token, one of a known key, one of no '
       . 'algorithm of ours, or garbage');
};

subtest 'what it may not ask at once it asks later' => sub {
    asks_again();

    my $asked = asked();

    is(status('newer'), 401, 'one token, too soon after the last');
    ok(eval { wait_until { asked() > $asked } }, 'it is asked for all the same');
};

subtest 'one who does not listen holds nothing up' => sub {
    1 while defined received($socket, 0);

    my $full = IO::Socket::UNIX->new(Peer => $path, Type => SOCK_DGRAM,
                                     Blocking => 0) or die $!;
    1 while defined $full->send('x');

    asks_again();
    is(status('a'), 101, 'a full socket');
    is($chat->http(path => '/healthz')->status, 200, 'nothing waits');
};

done_testing;
