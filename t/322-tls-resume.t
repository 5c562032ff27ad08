# Sessions of TLS are resumed, by tickets and by the cache, whichever worker
# gets the connection; HTTP/2 for the rest of the site is on the same port;
# what comes as early data is no handshake.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use IO::Socket::SSL;

use ChatTest;
use ChatTest::Command qw(run);
use ChatTest::Process;
use ChatTest::Tls;

use constant TRIES => 6;        # enough for two workers to have had some

my %servers = (
    tickets => 'ssl_session_cache off; ssl_session_tickets on;',
    cache   => 'ssl_session_cache shared:TLS:1m; ssl_session_tickets off;',
    none    => 'ssl_session_cache off; ssl_session_tickets off;',
    early   => 'ssl_session_cache shared:TLS:1m; ssl_early_data on;'
        . ' access_log early.log;',
);
my %tls = map { $_ => ChatTest::Tls->new } sort keys %servers;
my $chat = ChatTest->new(
    workers => 2,
    http    => join '', map {
        $tls{$_}->server($servers{$_}, $_ eq 'early' ? 'http2' : '')
    } sort keys %servers,
);

# one certificate for all
$_->certify($chat) for values %tls;
$chat->start;

for my $version ('TLSv1_2', 'TLSv1_3') {
    for my $how ('tickets', 'cache') {
        subtest "$version is resumed with $how" => sub {
            my @reused = reused($how, $version);

            is(shift @reused, 0, 'the first one is not');
            is(scalar(grep { $_ } @reused), TRIES - 1, 'all others are');
        };
    }

    subtest "$version is not resumed where neither is" => sub {
        is(scalar(grep { $_ } reused('none', $version)), 0, 'none');
    };
}

subtest 'HTTP/2 and WebSocket on one port' => sub {
    my @h2 = ('curl', '-sS', '--http2', '--cacert', $tls{early}->certificate,
              '-o', '/dev/null', '-w', '%{http_version} %{http_code}');
    my $url = 'https://localhost:' . $tls{early}->port;
    my $alice = $chat->connect(user => 'alice', $tls{early}->client(
        SSL_alpn_protocols => ['http/1.1']));

    is($alice->{socket}->alpn_selected, 'http/1.1', 'WebSocket takes this');
    ok($alice->request('ping'), 'and it works');

    is((run(@h2, "$url/healthz"))[1], '2 200', 'another location has HTTP/2');
    is((run(@h2, "$url/chat"))[1], '2 505', 'which is nothing for WebSocket');
    ok($alice->request('ping'), 'the session goes on');
};

# Who has seen early data can send it again, but cannot complete the handshake.

subtest 'early data that somebody repeats' => sub {
    my $alice = $chat->token('alice');
    my %request = (
        healthz => "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        chat    => join("\r\n", 'GET /chat HTTP/1.1', 'Host: x',
            'Upgrade: websocket', 'Connection: upgrade',
            'Sec-WebSocket-Version: 13',
            'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
            'Sec-WebSocket-Protocol: chat.v1',
            "Authorization: Bearer $alice", '', ''),
    );

    repeat($request{healthz});
    ok(wait_until { logged('GET /healthz HTTP/1.1" 200') == 2 },
       'is answered elsewhere');

    my $mark = $chat->logs->marks;

    repeat($request{chat});
    ok(wait_until { logged('GET /chat HTTP/1.1" 425') == 1 },
       'but is no handshake');
    unlike($chat->logs->since($mark), qr/session opened/, 'nobody is let in');
};

done_testing;


# whether each of several connections in a row was resumed

sub reused ($how, $version) {
    my %client = $tls{$how}->client(
        SSL_version       => $version,
        SSL_session_cache => IO::Socket::SSL::Session_Cache->new(10),
        SSL_session_key   => 'nginx',
    );
    my @reused;

    # with a context that ends, its sessions would be forgotten
    $client{tls}{SSL_reuse_ctx} =
        IO::Socket::SSL::SSL_Context->new($client{tls});

    for (1 .. TRIES) {
        my $client = $chat->connect(user => 'alice', %client);

        $client->request('ping') for 1 .. 2;
        push @reused, $client->{socket}->get_session_reused ? 1 : 0;
        $client->disconnect;
    }

    return @reused;
}


# Has a client send this as early data of a session that is resumed, to us, and
# sends the same to nginx.

sub repeat ($request) {
    my $base = $chat->directory . '/early';
    my @client = ('openssl', 's_client', '-tls1_3', '-ign_eof', '-connect');
    my $trap = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')
        // die "cannot listen: $!";

    write_file("$base.first",
               "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    write_file("$base.request", $request);

    run('sh', '-c', '"$@" -sess_out "$0.session" < "$0.first"', $base, @client,
        '127.0.0.1:' . $tls{early}->port);

    my $victim = ChatTest::Process->new(
        name    => 'openssl',
        log     => "$base.log",
        command => ['sh', '-c', 'exec "$@" -sess_in "$0.session"'
                    . ' -early_data "$0.request"', $base, @client,
                    '127.0.0.1:' . $trap->sockport],
    );

    $victim->start;

    my $flight = read_flight(scalar $trap->accept);

    state $nginx = [];
    push @$nginx, IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                      PeerPort => $tls{early}->port)
        // die "cannot connect: $!";

    $victim->end('KILL');
    syswrite $nginx->[-1], $flight;

    return;
}


# all up to a record of application data

sub read_flight ($socket) {
    my $bytes = '';
    my $bits = '';

    vec($bits, fileno $socket, 1) = 1;

    while (!has_application_data($bytes)) {
        select my $ready = $bits, undef, undef, 60 or last;
        sysread $socket, $bytes, 16_384, length $bytes or last;
    }

    return $bytes;
}


sub has_application_data ($bytes) {
    while (length $bytes >= 5) {
        my ($type, undef, $length) = unpack 'Cnn', $bytes;

        last if length $bytes < 5 + $length;
        return 1 if $type == 23;
        substr $bytes, 0, 5 + $length, '';
    }

    return 0;
}


# how often that is in the access log

sub logged ($text) {
    open my $file, '<', $chat->directory . '/early.log' or return 0;
    local $/ = undef;

    return scalar(() = <$file> =~ /\Q$text\E/g);
}


sub write_file ($name, $text) {
    open my $file, '>', $name or die "$name: $!";
    print $file $text;
    close $file or die "$name: $!";

    return;
}
