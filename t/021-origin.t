# Which pages may connect: the Origin header.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(with => [], server => <<'END');
    location = /own {
        chat_websocket on;
        chat_token_cookie chat_token;
    }

    location = /listed {
        chat_websocket on;
        chat_token_cookie chat_token;
        chat_origin https://app.example.com http://localhost:3000;
    }

    location = /any {
        chat_websocket on;
        chat_token_cookie chat_token;
        chat_origin any;
    }
END
$chat->start;

my $own = 'http://127.0.0.1:' . $chat->port;


sub status_is ($path, $by, $origin, $status) {
    my $client = $chat->handshake(path => $path, by => $by,
                                  user => 'alice', origin => $origin);

    is($client->status, $status, "a page of $origin, token by $by");

    return;
}


subtest 'with a cookie only pages of the same host may connect' => sub {
    status_is('/own', 'cookie', $own, 101);
    status_is('/own', 'cookie', 'https://evil.example.com', 403);
    status_is('/own', 'cookie', 'http://127.0.0.1', 403);
    status_is('/own', 'cookie', "$own.evil.example.com", 403);
    status_is('/own', 'cookie', 'null', 403);
};

subtest 'with another token any page may, unless origins are listed' => sub {
    for my $by (qw(header protocol)) {
        status_is('/own', $by, 'https://evil.example.com', 101);
        status_is('/listed', $by, 'https://evil.example.com', 403);
        status_is('/listed', $by, 'https://app.example.com', 101);
    }
};

subtest 'a list of origins stands for itself' => sub {
    status_is('/listed', 'cookie', 'https://app.example.com', 101);
    status_is('/listed', 'cookie', 'http://localhost:3000', 101);
    status_is('/listed', 'cookie', 'HTTPS://APP.example.com', 101);
    status_is('/listed', 'cookie', 'http://app.example.com', 403);
    status_is('/listed', 'cookie', 'https://app.example.com:8443', 403);
    status_is('/listed', 'cookie', 'https://app.example.com.evil.com', 403);
    status_is('/listed', 'cookie', $own, 403);
};

subtest 'any means any' => sub {
    status_is('/any', 'cookie', 'https://evil.example.com', 101);
    status_is('/any', 'cookie', 'null', 101);
};

subtest 'programs, which send no Origin, are not asked for one' => sub {
    my $client = $chat->handshake(path => '/listed', user => 'alice');

    is($client->status, 101, 'token in the header');

    $client = $chat->handshake(path => '/own', user => 'alice',
                               by => 'cookie');
    is($client->status, 403, 'but a cookie is a sign of a browser');
};

subtest 'two origins are none' => sub {
    my $client = $chat->handshake(path => '/own', user => 'alice',
        by => 'cookie', headers => { Origin => [$own, 'http://evil.com'] });

    is($client->status, 400, 'status');
};

subtest 'a refusal is one line in the log, at level info' => sub {
    my $marks = $chat->logs->marks;

    status_is('/listed', 'header', 'https://evil.example.com', 403);
    like($chat->logs->since($marks), qr/\[info\] .*chat: .*origin/i, 'info');
};

done_testing;
