# Tokens and keys do not stay in the memory of a worker: nothing of a
# signature is found there once it has been checked.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Memory qw(find_in_memory);
use ChatTest::Port qw(take_port);
use MIME::Base64 qw(decode_base64url);

my ($up, $lock) = take_port;

# the plain module: sanitizers keep copies of their own

my $chat = ChatTest->new(with => [], plain => 1, files => { file => "x\n" },
    http => 'chat_token_cookie chat_token; chat_auth_timeout 1m;', server => <<"END");
    access_log access.log;

    location = /query {
        chat_websocket on;
        chat_token_query on;
    }

    location = /file {
        chat_auth on;
        chat_token_query on;
        root .;
    }
END
$chat->start;

my $own = 'http://127.0.0.1:' . $chat->port;
my ($worker) = $chat->workers;
my $serial = 0;


# a token like no other, good or not, as long as one of a public key if asked

sub token (%o) {
    my $pad = $o{long} ? 'x' x $o{long} : '';

    return $chat->token('alice', n => ++$serial, pad => $pad,
                        exp => time + ($o{bad} ? -600 : 600));
}


# text and bytes of the signature, in pieces: half of it would be too much

sub pieces ($token) {
    my ($text) = $token =~ /([^.]*)\z/;
    my $bytes = decode_base64url($text);

    return map({ substr $text, $_, 16 } 0 .. length($text) - 16),
        map { substr $bytes, $_, 12 } 0 .. length($bytes) - 12;
}


# the worker may be at it still when its answer has come

sub is_gone ($token, $what) {
    my @found;

    ok(eval { wait_until {
        @found = find_in_memory($worker, pieces($token));
        !@found;
    } 3 }, $what) or diag(join "\n", @found);

    return;
}


subtest 'the search finds what is there' => sub {
    my $nobody = $chat->handshake;
    my $id = $chat->token('alice');

    $nobody->send_bytes(substr
        ChatTest::Frame::make_frame(mask => "\0\0\0\0", payload => $id),
        0, -1);
    ok(wait_until { find_in_memory($worker, pieces($id)) }, 'half a frame');
};

my @kept;      # connections that live while the search is made

subtest 'of handshakes' => sub {
    for my $by (qw(header protocol cookie query)) {
        for my $bad (0, 1) {
            for my $long (0, 700, 2000) {
                for my $origin (undef, $own) {
                    my $token = token(bad => $bad, long => $long);
                    my $client = $chat->handshake(path => '/query',
                        by => $by, token => $token, origin => $origin);

                    $client->welcome if !$bad && $client->status == 101;
                    push @kept, $client;
                    is_gone($token, join ' ', $by, $bad ? 'bad' : 'good',
                            $long, $origin // '', $client->status);
                }
            }
        }
    }
};

subtest 'of chat_auth' => sub {
    my %request = (
        header => sub ($t) { ('/file', "Authorization: Bearer $t") },
        cookie => sub ($t) { ('/file', "Cookie: a=b; chat_token=$t") },
        query  => sub ($t) { ("/file?a=b&token=$t", 'X: y') },
    );

    for my $by (sort keys %request) {
        for my $bad (0, 1) {
            for my $long (0, 700, 2000) {
                my $token = token(bad => $bad, long => $long);
                my ($path, $header) = $request{$by}->($token);
                my $client = $chat->handshake(whole =>
                    "GET $path HTTP/1.1\r\nHost: a\r\n$header\r\n\r\n");

                push @kept, $client;
                is_gone($token, "$by $long " . $client->status);
            }
        }
    }
};

subtest 'of authenticate' => sub {
    for my $bad (0, 1) {
        for my $long (0, 700, 5000) {
            my $token = token(bad => $bad, long => $long);
            my $client = $chat->handshake;

            $client->reply($client->post('authenticate',
                                         { token => $token }));
            push @kept, $client;
            is_gone($token, $bad ? 'bad' : 'good');

            $token = token(bad => $bad, long => $long);
            $client = $chat->connect(user => 'alice');
            $client->reply($client->post('authenticate',
                                         { token => $token }));
            push @kept, $client;
            is_gone($token, ($bad ? 'bad' : 'good') . ', a renewal');

            $token = token(bad => $bad, long => $long);
            $client = $chat->connect(user => 'alice');
            $client->send_slowly(ChatTest::Frame::make_frame(payload =>
                encode({ type => 'authenticate', id => 'slow',
                         data => { token => $token } })));
            $client->reply('slow');
            push @kept, $client;
            is_gone($token, ($bad ? 'bad' : 'good') . ', byte by byte');

            $token = token(bad => $bad, long => $long);
            my $text = encode({ type => 'authenticate', id => 'parts',
                                data => { token => $token } });
            my @parts = $text =~ /(.{1,50})/g;
            $client = $chat->connect(user => 'alice');
            $client->send_frame(opcode => $_ ? CONTINUATION : TEXT,
                fin => $_ == $#parts, payload => $parts[$_])
                for 0 .. $#parts;
            $client->reply('parts');
            push @kept, $client;
            is_gone($token, ($bad ? 'bad' : 'good') . ', in fragments');
        }
    }
};

subtest 'a half frame that never ends' => sub {
    my $token = token();
    my $marks = $chat->logs->marks;
    my $frame = ChatTest::Frame::make_frame(payload => encode({
        type => 'authenticate', id => 1, data => { token => $token } }));
    my $client = $chat->handshake;

    $client->send_bytes(substr $frame, 0, -1);
    $client->disconnect;
    wait_until { $chat->logs->since($marks) =~ /ended with 1006/ };
    is_gone($token, 'once its session is over');
};

# what is kept of a secret is the hash of it and of the two pads of HMAC

subtest 'a secret is nowhere' => sub {
    my $key = $chat->secret;
    my %process = (worker => $worker, master => $chat->part('nginx')->{pid});

    for my $process (sort keys %process) {
        for my $piece (substr($key, 0, 16), substr($key, 30, 16),
                       substr($key, -16))
        {
            my @found = find_in_memory($process{$process}, $piece);

            is(scalar @found, 0, "in the $process") or diag(join "\n", @found);
        }
    }
};

done_testing;
