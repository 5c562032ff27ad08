# The table of origins, t/attacks/origins.tsv: each is let in or refused as it
# says, and who is refused opens no session.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Leak qw(leaks);
use ChatTest::Metrics qw(parse_metrics);
use ChatTest::Table qw(read_table unescape);

my $chat = ChatTest->new(with => [], files => { 'auth' => "content\n" },
    http => 'chat_token_cookie chat_token;', server => <<'END');
    access_log access.log;

    location = /own {
        chat_websocket on;
    }

    location = /listed {
        chat_websocket on;
        chat_origin https://app.example.com http://localhost:3000
                    http://[::1]:3000 https://xn--bcher-kva.example;
    }

    location = /wild {
        chat_websocket on;
        chat_origin https://*.example.com https://*.example.org:8443;
    }

    location = /any {
        chat_websocket on;
        chat_origin any;
    }

    location = /auth {
        chat_auth on;
        root .;
        error_page 405 =200 /auth;
    }
END
$chat->start;
$chat->logs->file('access');

my $host = '127.0.0.1:' . $chat->port;
my %given = (host => $host, own => "http://$host");
my $good = $chat->token('alice');

my %by = (
    cookie   => "Cookie: chat_token=$good",
    header   => "Authorization: Bearer $good",
    protocol => "Sec-WebSocket-Protocol: chat.v1, bearer.$good",
);


sub request_of ($row) {
    my ($path, $post) = $row->{place} =~ /^(\w+)(-post)?$/;
    my @lines = (
        ($post ? 'POST' : 'GET') . " /$path HTTP/1.1",
        'Host: ' . unescape($row->{host}, %given),
        $path eq 'auth' ? ('Connection: close', 'Content-Length: 0') : (
            'Upgrade: websocket', 'Connection: Upgrade',
            'Sec-WebSocket-Version: 13',
            'Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==',
        ),
        $by{ $row->{by} } // (),
    );

    push @lines, map { 'Origin: ' . unescape($_, %given) }
        length $row->{origin} ? split / \| /, $row->{origin} : ''
        if $row->{origin} ne '-';

    return join("\r\n", @lines) . "\r\n\r\n";
}


sub sessions () {
    my ($value) = parse_metrics($chat->http(path => '/metrics')->body);

    return $value->{chat_sessions};
}


my @rows = read_table('origins');

cmp_ok(scalar @rows, '>=', 50, scalar(@rows) . ' origins');

for my $row (@rows) {
    my $client = $chat->handshake(whole => request_of($row));
    my $answer = $client->status;

    $answer .= ', with a session' if $answer != 101 && sessions() != 0;
    $answer .= ', and not as alice' if $answer eq 101
        && $row->{place} ne 'echo' && $row->{by} ne 'none'
        && $client->welcome->{userId} ne 'alice';

    is($answer, $row->{expected},
       "line $row->{line}, $row->{place}: $row->{name}");

    $client->disconnect;
    wait_until { sessions() == 0 } if $client->status == 101;
}

subtest 'nothing of a token is in a log' => sub {
    for my $log (qw(nginx access)) {
        my @found = leaks($chat->logs->text($log), $good);

        ok(!@found, $log) or diag(join "\n---\n", @found);
    }
};

done_testing;
