# Changes of keys that no client makes who means well (RFC 8446, 4.6.3 and 5.1):
# of which the first part comes and the rest does not, so that OpenSSL has to
# read before it can write; that ask for our own in the middle of it.  Records of
# one byte.  Whoever does that holds nobody up, and is closed like all who are
# silent.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Crypt::AuthEnc::GCM qw(gcm_encrypt_authenticate);
use Crypt::KeyDerivation qw(hkdf_expand);
use Net::SSLeay;

use ChatTest;
use ChatTest::Frame qw(make_frame);
use ChatTest::Tls;

use constant {
    HANDSHAKE   => 22,
    DATA        => 23,
    KEY_UPDATE  => pack('CCnC', 24, 0, 1, 0),
    KEY_REQUEST => pack('CCnC', 24, 0, 1, 1),
};

my $tls = ChatTest::Tls->new;
my $chat = ChatTest->new(workers => 1, http => $tls->server(<<'END'));
    location = /short {
        chat_websocket on;
        chat_ping_interval 1s;
        chat_ping_timeout 1s;
    }
END

$tls->certify($chat);
$chat->start;

my $bob = $chat->connect(user => 'bob');


subtest 'an answer waits for the rest of it' => sub {
    my $alice = client('/chat');

    send_records($alice, [DATA, ping('one')],
                 [HANDSHAKE, substr KEY_UPDATE, 0, 4]);

    ok($bob->request('ping'), 'others are served');
    ok(eval { wait_until { doing() eq 'S' } },
       'and nothing goes round in circles');

    send_records($alice, [HANDSHAKE, substr KEY_UPDATE, 4]);
    change_keys($alice);
    send_records($alice, [DATA, ping('two')]);

    is($alice->read_frame->{payload}, $_, "$_ is answered") for qw(one two);
};

subtest 'our keys are asked for' => sub {
    my $alice = client('/chat');
    my @changes;

    Net::SSLeay::set_msg_callback($alice->{socket}->_get_ssl_object,
        sub ($write, $version, $type, $bytes, @) {
            push @changes, $bytes if $type == HANDSHAKE;
        });

    send_records($alice, [HANDSHAKE, KEY_REQUEST]);
    change_keys($alice);
    send_records($alice, [DATA, ping('one')],
                 [HANDSHAKE, substr KEY_REQUEST, 0, 4]);

    ok($bob->request('ping'), 'others are served');

    send_records($alice, [HANDSHAKE, substr KEY_REQUEST, 4]);
    change_keys($alice);
    send_records($alice, [DATA, ping('two')]);

    is($alice->read_frame->{payload}, $_, "$_ is answered") for qw(one two);
    is_deeply(\@changes, [(KEY_UPDATE) x 2], 'both requests, too');
};

subtest 'a record for each byte' => sub {
    my $alice = client('/chat');
    my $frame = ping('small') . make_frame(payload => encode({
        type => 'ping', id => 1, pad => ' ' x 4000,
    }));

    send_records($alice, map { [DATA, $_] } split //, $frame);

    ok($bob->request('ping'), 'others are served');
    is($alice->read_frame->{payload}, 'small', 'all of them');
    is(decode($alice->read_frame->{payload})->{id}, 1, 'are read');
};

subtest 'the rest does not come' => sub {
    my $alice = client('/short');

    send_records($alice, [DATA, ping('one')],
                 [HANDSHAKE, substr KEY_UPDATE, 0, 4]);
    wait_until { $chat->metrics->{chat_sessions} == 1 };

    pass('it is closed');
    ok($bob->request('ping'), 'others are served');
};

done_testing;


sub ping ($payload) {
    return make_frame(opcode => PING, payload => $payload);
}


# what the worker does; "S": it waits for something to happen

sub doing () {
    my ($worker) = $chat->workers;

    open my $file, '<', "/proc/$worker/stat" or die $!;

    return (split ' ', <$file> =~ s/.*\) //r)[0];
}


# a session whose records are made here, after the one with the handshake

sub client ($path) {
    my $keys = '';
    my $client = $chat->connect(
        user => 'alice', path => $path, auto_pong => 0,
        $tls->client(
            SSL_version             => 'TLSv1_3',
            SSL_ciphersuites        => 'TLS_AES_128_GCM_SHA256',
            SSL_create_ctx_callback => sub ($context) {
                Net::SSLeay::CTX_set_keylog_callback($context,
                    sub ($ssl, $line) { $keys .= "$line\n" });
            },
        ));

    my ($secret) = $keys =~ /^CLIENT_TRAFFIC_SECRET_0 \w+ (\w+)/m
        or die 'the secret is not known';

    $client->{secret} = pack 'H*', $secret;
    $client->{number} = 1;

    return $client;
}


# RFC 8446, 7.1

sub derive ($secret, $label, $length) {
    my $info = pack 'n C/a C/a', $length, "tls13 $label", '';

    return hkdf_expand($secret, 'SHA256', $length, $info);
}


# RFC 8446, 5.2 and 5.3

sub record ($client, $type, $bytes) {
    my $secret = $client->{secret};
    my $nonce = derive($secret, 'iv', 12)
        ^. ("\0" x 4 . pack 'Q>', $client->{number}++);
    my $head = pack 'Cnn', DATA, 0x0303, length($bytes) + 1 + 16;

    return $head . join '', gcm_encrypt_authenticate(
        'AES', derive($secret, 'key', 16), $nonce, $head,
        $bytes . chr $type);
}


# pairs of type and bytes, in one piece

sub send_records ($client, @records) {
    open my $socket, '>&', fileno $client->{socket} or die $!;
    syswrite $socket, join '', map { record($client, @$_) } @records;

    return;
}


# what follows a change of keys has other ones (RFC 8446, 7.2)

sub change_keys ($client) {
    $client->{secret} = derive($client->{secret}, 'traffic upd', 32);
    $client->{number} = 0;

    return;
}
