# How a connection over TLS ends, or does not even begin: in order, by halves,
# without a word, in the middle of its handshake.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use IO::Socket::SSL;
use Socket qw(SHUT_WR SOL_SOCKET SO_LINGER);

use ChatTest;
use ChatTest::Metrics qw(parse_metrics);
use ChatTest::Tls;

$SIG{PIPE} = 'IGNORE';

my $tls = ChatTest::Tls->new;
my $chat = ChatTest->new(http => $tls->server);

$tls->certify($chat);
$chat->start;

for my $version ('TLSv1_2', 'TLSv1_3') {
    my @alice = ($tls->client(SSL_version => $version), user => 'alice');

    subtest "$version: the server says that it is the end" => sub {
        my $alice = $chat->connect(@alice);
        my $ssl = $alice->{socket}->_get_ssl_object;

        $alice->send_close(1000);
        is(($alice->read_close)[0], 1000, 'the close frame comes');
        ok(Net::SSLeay::get_shutdown($ssl) & 2, 'then close_notify');
    };

    subtest "$version: a client says so, and its socket stays open" => sub {
        my $alice = $chat->connect(@alice);

        Net::SSLeay::shutdown($alice->{socket}->_get_ssl_object);
        wait_until { sessions() == 0 };
        ok(1, 'the session ends');
    };

    subtest "$version: a client that sends nothing more hears the rest" => sub {
        my $alice = $chat->connect(@alice);

        $alice->send_close(1000);
        shutdown $alice->{socket}, SHUT_WR;
        is(($alice->read_close)[0], 1000, 'the answer to its close');
        wait_until { sessions() == 0 };
    };

    subtest "$version: a client is gone, with or without a word" => sub {
        for my $how (0 .. 7) {
            my $alice = $chat->connect(@alice);

            $alice->post('ping', {}) if $how & 1;
            $alice->{socket}->close(SSL_no_shutdown => 1) if $how & 2;
            $alice->disconnect($how & 4) if !($how & 2);
        }

        wait_until { sessions() == 0 };
        ok(1, 'all sessions end');
    };
}

subtest 'a handshake of TLS that ends anywhere' => sub {
    my $hello = client_hello();

    for my $length (0, 1, 4, 5, 6, 50, length($hello) - 1, length $hello) {
        for my $reset (0, 1) {
            my $socket = connect_plain();

            syswrite $socket, substr $hello, 0, $length;
            setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'll', 1, 0
                if $reset;
            close $socket;
        }
    }

    ok($chat->connect($tls->client, user => 'alice')->request('ping'),
       'the others are served');
};

subtest 'something else than TLS' => sub {
    for my $text ("GET /chat HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01" x 99,
                  "\0" x 100, "\x80\x2e\x01\x03\x01" . 'x' x 60)
    {
        my $socket = connect_plain();

        syswrite $socket, $text;
        shutdown $socket, SHUT_WR;
        1 while sysread $socket, my $answer, 4096;
    }

    ok($chat->connect($tls->client, user => 'alice')->request('ping'),
       'the others are served');
};

subtest 'rubbish after a good beginning' => sub {
    for my $bytes ("\0", "\x17\x03\x03\x00\x20" . 'x' x 32,
                   "\x15\x03\x03\x00\x02\x02\x28", "\x17\x03\x03\xff\xff")
    {
        my $alice = $chat->connect($tls->client, user => 'alice');
        my $fd = fileno $alice->{socket};

        open my $raw, '>&=', $fd or die "no descriptor: $!";
        syswrite $raw, $bytes;
        shutdown $raw, SHUT_WR;
        wait_until { sessions() == 0 };
        $alice->{socket}->close(SSL_no_shutdown => 1);
    }

    ok(1, 'ends the session');
};

done_testing;


sub sessions () {
    my $text = $chat->http(path => '/metrics')->body;

    return (parse_metrics($text))[0]{chat_sessions};
}


sub connect_plain () {
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                 PeerPort => $tls->port)
        // die "cannot connect: $!";
}


# what a client of TLS says first

sub client_hello () {
    my $context = Net::SSLeay::CTX_new();
    my $ssl = Net::SSLeay::new($context);
    my ($in, $out) = map { Net::SSLeay::BIO_new(Net::SSLeay::BIO_s_mem()) }
        1, 2;

    Net::SSLeay::set_bio($ssl, $in, $out);
    Net::SSLeay::set_connect_state($ssl);
    Net::SSLeay::do_handshake($ssl);

    my $hello = Net::SSLeay::BIO_read($out);

    Net::SSLeay::free($ssl);
    Net::SSLeay::CTX_free($context);

    return $hello;
}
