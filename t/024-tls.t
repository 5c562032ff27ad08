# The same over TLS, seen through a proxy: nginx passes a location on to
# itself, by TLS.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Command qw(must_run);
use ChatTest::Frame qw(make_frame);

my $chat = ChatTest->new(http => <<'END', server => <<'END');
    server {
        listen unix:tls.sock ssl;
        ssl_certificate tls.crt;
        ssl_certificate_key tls.key;

        location = /chat {
            chat_websocket on;
            chat_origin https://localhost;
        }

        location = /echo {
            chat_echo on;
        }
    }
END
    location /tls/ {
        proxy_pass https://unix:tls.sock:/;
        proxy_http_version 1.1;
        proxy_set_header Host localhost;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;
    }
END

must_run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
         'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=localhost',
         '-keyout', $chat->directory . '/tls.key',
         '-out', $chat->directory . '/tls.crt');
$chat->start;
$chat->create('lobby');


subtest 'messages of every length come back' => sub {
    my $client = $chat->handshake(path => '/tls/echo', protocols => []);

    for my $size (0, 1, 125, 126, 16_383, 16_384, 16_385, 65_535, 65_536) {
        my $payload = join '', map { chr(($_ * 7) & 255) } 1 .. $size;

        $client->send_frame(opcode => BINARY, payload => $payload);
        ok($client->read_frame->{payload} eq $payload, "$size bytes");
    }

    $client->send_close(1000);
    is(($client->read_close)[0], 1000, 'and it closes cleanly');
};

subtest 'many frames at once come back in order' => sub {
    my $client = $chat->handshake(path => '/tls/echo', protocols => []);
    my @sent = map { "$_ " . 'x' x ($_ % 500) } 1 .. 1000;

    $client->send_bytes(join '', map { make_frame(payload => $_) } @sent);

    my @got = map { $client->read_frame->{payload} } @sent;
    is_deeply(\@got, \@sent, 'a thousand');
};

subtest 'users on both sides talk' => sub {
    my $alice = $chat->connect(user => 'alice', path => '/tls/chat');
    my $bob = $chat->connect(user => 'bob');

    $_->join('lobby') for $alice, $bob;
    $alice->say('lobby', 'by TLS');
    $bob->say('lobby', 'in the clear');

    for my $client ($alice, $bob) {
        is($client->hear('lobby')->{content}, $_, "heard: $_")
            for 'by TLS', 'in the clear';
    }
};

subtest 'a long answer comes whole' => sub {
    my $alice = $chat->connect(user => 'alice', path => '/tls/chat');

    $alice->say_all('lobby', map { "$_ " . 'x' x 50_000 } 1 .. 4);
    is(@{ $alice->history('lobby', limit => 4)->{messages} }, 4,
       '200 kB of history');
};

subtest 'the scheme is part of an origin' => sub {
    my %o = (user => 'alice', path => '/tls/chat');

    is($chat->handshake(%o, origin => 'https://localhost')->status, 101,
       'https');
    is($chat->handshake(%o, origin => 'http://localhost')->status, 403,
       'http');
};

subtest 'a bad token is refused' => sub {
    my $client = $chat->handshake(token => 'x', path => '/tls/chat');

    is($client->status, 401, 'status');
};

subtest 'a client may go at any moment' => sub {
    for (1 .. 5) {
        my $alice = $chat->connect(user => 'alice', path => '/tls/chat');
        $alice->post('conversation.join', { conversationId => 'lobby' });
        $alice->disconnect($_ % 2);
    }

    ok($chat->connect(user => 'bob')->request('ping'), 'the others stay');
};

done_testing;
