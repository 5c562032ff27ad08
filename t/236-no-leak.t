# What must not be told: tokens to logs, what one may not see to strangers, and
# what a server is made of to anybody.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Leak qw(leaks);
use ChatTest::Port qw(take_port);
use Time::HiRes ();

my ($dead, $lock) = take_port;

my $chat = ChatTest->new(
    http   => <<~'END',
        log_format all '"$request" $request_uri $args $query_string $uri '
                       '$status "$http_referer" "$sent_http_location" '
                       '$chat_user $chat_auth_status';
        chat_token_cookie chat_token;
        server_tokens off;
        END
    server => <<~"END");
        access_log access.log all;

        location = /query {
            chat_websocket on;
            chat_token_query on;
        }

        location = /page {
            chat_auth on;
            chat_token_query on;
            root .;
        }

        location = /away {
            chat_auth on;
            chat_token_query on;
            proxy_pass http://127.0.0.1:$dead;
        }

        location /old/ {
            chat_token_query on;
            return 302 /page?moved=1&\$args;
        }

        location /inside/ {
            chat_token_query on;
            try_files /nothing /page?was=1&\$args;
        }
        END
$chat->start;
$chat->logs->file('access');
$chat->wait_ready;

my $host = '127.0.0.1:' . $chat->port;
my @tokens;

my %outcome = (
    good       => sub ($n) { $chat->token('alice', n => $n) },
    expired    => sub ($n) { $chat->token('alice', n => $n, exp => 1) },
    'not JSON' => sub ($n) { sign_token($chat->secret, '{"alg":', "x$n") },
    'none'     => sub ($n) { sign_token("x$n", { alg => 'none' }, {}) },
    'spaced'   => sub ($n) { sign_token($chat->secret,
        qq({ "alg" : "HS256", "n" : $n }), '{}') },
    'forged'   => sub ($n) { make_token("k$n" x 32, sub => 'alice') },
    'cut'      => sub ($n) { substr $chat->token('alice', n => $n), 0, -9 },
);
my $serial = 0;


sub token ($outcome) {
    push @tokens, $outcome{$outcome}->(++$serial);

    return $tokens[-1];
}


sub raw ($path, @headers) {
    return eval {
        $chat->handshake(whole => join("\r\n", "GET $path HTTP/1.1",
            "Host: $host", 'Connection: close', @headers) . "\r\n\r\n");
    };
}


subtest 'no log has a token: handshakes' => sub {
    for my $outcome (sort keys %outcome) {
        for my $by (qw(header protocol cookie query)) {
            for my $origin (undef, "http://$host", 'https://evil.example') {
                $chat->handshake(path => '/query', by => $by,
                    token => token($outcome), origin => $origin)
                    ->disconnect;
            }
        }
    }

    pass('made');
};

subtest 'chat_auth, redirects, and a server behind that is away' => sub {
    for my $outcome (sort keys %outcome) {
        for my $path (qw(/page /away /old/x /inside/x /nothing)) {
            raw($path, 'Authorization: Bearer ' . token($outcome));
            raw($path, 'Cookie: chat_token=' . token($outcome));
            raw("$path?a=b&token=" . token($outcome) . '&c=d');
            raw("$path?tok%65n=" . token($outcome));
        }
    }

    pass('made');
};

subtest 'requests that nginx refuses' => sub {
    for my $outcome (sort keys %outcome) {
        my $t = token($outcome);

        raw("/query?token=$t x");
        raw("/query?token=$t", 'Host: twice');
        raw('/page', "Authorization: Bearer $t", "Authorization: Bearer $t");
        raw('/page', "Authorization: Bearer $t\0");
        raw('/page', "Authorization: Bearer\0 $t");
        raw('/page', "Authorization: Bearer $t" . 'x' x 9000);
        raw('/page', "$t: x", "Auth orization: $t");
        raw('/page', "Referer: http://$host/query?token=$t", 'Host:');
        raw("/query?token=$t", "\x01: y");
        raw("/query?token=$t/../../..", 'Content-Length: -1');
    }

    pass('made');
};

subtest 'authenticate, whatever comes of it' => sub {
    for my $outcome (sort keys %outcome) {
        for my $user (undef, 'alice', 'bob') {
            for my $text ('{"type":"authenticate","id":1,"data":{"token":"%s"}}',
                          '{"type":"authenticate","data":{"token":"%s"}',
                          '{"type":"%s"}', '%s', '{"type":"ping","id":"%s"}',
                          '{"type":"message.send","id":"%s","data":7}')
            {
                my $client = $user ? $chat->connect(user => $user)
                    : $chat->handshake;

                $client->send_text(sprintf $text, token($outcome));
                eval { $client->request('ping') };
                $client->disconnect;
            }
        }
    }

    pass('made');
};

subtest 'and so nothing of them is there' => sub {
    for my $log (qw(nginx access redis persist)) {
        my @found = leaks($chat->logs->text($log), @tokens);

        ok(!@found, $log) or diag(join "\n---\n", @found[0 .. ($#found > 4
                                                            ? 4 : $#found)]);
    }

    like($chat->logs->text('nginx'), qr/chat: .*token/, 'they are spoken of');
    cmp_ok(scalar @tokens, '>', 300, scalar(@tokens) . ' tokens');
};

subtest 'a stranger cannot tell what there is' => sub {
    my $owner = $chat->connect(user => 'owner',
                               claims => { roles => ['admin'] });

    $owner->request('conversation.create',
        { conversationId => 'secret', type => 'group', name => 'Plans' });
    my $message = $owner->request('message.send',
        { conversationId => 'secret', content => 'x' });
    $chat->wait_stored;

    my $other = $chat->token('owner', tid => 'other', roles => ['admin']);
    my %m = (messageId => $message->{id});
    my %requests = (
        'conversation.join'   => {},
        'conversation.leave'  => {},
        'conversation.update' => { name => 'Mine' },
        'conversation.delete' => {},
        'member.add'          => { userId => 'mallory' },
        'member.update'       => { userId => 'owner', role => 'member' },
        'member.remove'       => { userId => 'owner' },
        'member.list'         => {},
        'message.send'        => { content => 'x' },
        'message.edit'        => { %m, content => 'y' },
        'message.delete'      => { %m },
        'reaction.add'        => { %m, emoji => 'x' },
        'reaction.remove'     => { %m, emoji => 'x' },
        'history.get'         => {},
        'read.mark'           => { sequenceNumber => 1 },
        'delivered.mark'      => { sequenceNumber => 1 },
        'typing.start'        => {},
        'typing.stop'         => {},
        'presence.get'        => {},
    );

    for my $token ($chat->token('mallory'), $chat->token('owner2',
                   roles => ['admin']), $other)
    {
        my $mallory = $chat->connect(token => $token);

        for my $type (sort keys %requests) {
            my %answer;

            for my $id ('secret', 'nothin') {
                my $raw = $mallory->reply($mallory->post($type,
                    { conversationId => $id, %{ $requests{$type} } }));

                $answer{$id} = $mallory->raw =~ s/"id":\d+/"id":0/r;
                is($raw->{error}{code}, $type =~ /^(?:typing|presence)/
                       ? $raw->{error}{code} : 'not_found', "$type of $id")
                    if !$raw->{ok};
            }

            is($answer{secret}, $answer{nothin},
               "$type: the answer is the same, byte for byte");
        }

        my ($join) = $mallory->join_all('secret');
        my ($none) = $mallory->join_all('nothin');
        delete @$_{qw(conversationId)} for $join, $none;
        is_deeply($join, $none, 'in a join of several');
        unlike(encode($mallory->request('conversation.list')), qr/secret|Plans/,
               'nor is it in the list');
    }
};

subtest 'what is refused says nothing of what refuses it' => sub {
    my @answers = (
        raw('/page'), raw('/query'), raw('/page', 'Authorization: Bearer x'),
        $chat->handshake(token => 'x'), $chat->handshake(http => '1.0'),
        $chat->handshake(headers => { 'Sec-WebSocket-Version' => 8 }),
        $chat->handshake(path => '/query', by => 'cookie', token => 'x',
                         origin => 'https://evil.example'),
    );

    for my $answer (@answers) {
        is($answer->header('Server'), 'nginx', 'server_tokens off');
        is_deeply([sort keys %{ decode($answer->body)->{error} }],
                  [qw(code message)], $answer->body =~ s/\n//r);
        unlike($answer->body, qr/nginx|openssl|hiredis|redis|\.c\b|0x/i,
               'no names');
    }
};

done_testing;
