# Keys from a file that somebody else writes: they come and go while nginx runs.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Metrics qw(parse_metrics);
use ChatTest::Token qw(make_key public_jwk public_jwks);


my %key = map { $_ => make_key('Ed25519') } qw(a b c);
my %jwk = map { $_ => public_jwk($key{$_}, kid => $_) } keys %key;

my $chat = ChatTest->new(with => [], workers => 2,
    files => { 'jwks.json' => public_jwks($jwk{a}) }, server => <<~'END');
    location = /a {
        chat_websocket on;
        chat_token_jwks jwks.json;
    }

    location = /both {
        chat_websocket on;
        chat_token_jwks jwks.json;
        chat_token_key HS256 token.key;
    }

    location = /later {
        chat_websocket on;
        chat_token_jwks later.json;
    }
    END

my $file = $chat->directory . '/jwks.json';


# a token of a key: by its kid, by another one, or by none (undef)

sub token ($name, $kid = $name) {
    return sign_token($key{$name}, { alg => 'EdDSA',
                                     defined $kid ? (kid => $kid) : () },
                      { sub => 'alice', exp => time + 600 }, 'EdDSA');
}


sub status ($token, $path = '/a') {
    return $chat->handshake(path => $path, token => $token)->status;
}


# each worker has to say so, and a connection goes to any of them

sub becomes ($status, $token, $path, $what) {
    my $seen = 0;
    my $ok = eval {
        wait_until {
            $seen = status($token, $path) == $status ? $seen + 1 : 0;
            $seen == 20;
        };
    };

    ok($ok, $what);

    return;
}


sub write_whole ($text, $name = $file) {
    open my $handle, '>', "$name.new" or die $!;
    print $handle $text;
    close $handle or die $!;
    rename "$name.new", $name or die $!;

    return;
}


sub metric ($name) {
    my ($value) = parse_metrics($chat->http(path => '/metrics')->body);

    return $value->{$name};
}


$chat->start;

subtest 'the keys of a file are keys' => sub {
    is(status(token('a')), 101, 'the one that is in it');
    is(status(token('a', undef)), 101, 'which serves tokens without a kid');
    is(status(token('b')), 401, 'not one that is not');
    is(status(token('b', 'a')), 401, 'nor by the kid of another');
    is(status($chat->token('alice')), 401,
       'and the keys of the level above do not count here');
    is(status(token('a'), '/both'), 101, 'beside others: of the file');
    is(status($chat->token('alice'), '/both'), 101, 'and the others');
};

subtest 'keys come and go without a reload, and sessions stay' => sub {
    my $alice = $chat->connect(path => '/a', token => token('a'));

    write_whole(public_jwks(@jwk{qw(a b)}));
    becomes(101, token('b'), '/a', 'a new one is there');
    is(status(token('a')), 101, 'beside the old one');
    is(status(token('b'), '/both'), 101, 'in all locations of the file');

    write_whole(public_jwks($jwk{b}));
    becomes(401, token('a'), '/a', 'an old one is gone');
    ok($alice->request('ping'), 'who came in with it stays');
    is($alice->refused('authenticate', { token => token('a') })->{code},
       'unauthorized', 'and needs a newer token to renew it');
    ok($alice->request('authenticate', { token => token('b') }), 'such as b');
};

my %bad = (
    'cut off'      => substr(public_jwks(@jwk{qw(a b c)}), 0, 150),
    'empty'        => '',
    'no JSON'      => '<html>502 Bad Gateway</html>',
    'of no keys'   => '{"keys":[]}',
    'of a secret'  => public_jwks({ kty => 'oct', k => 'A' x 43 }),
    'with two of the same name' => public_jwks(@jwk{qw(a a)}),
    'too long'     => public_jwks($jwk{a}) . ' ' x 65536,
);

subtest 'a bad set changes nothing' => sub {
    for my $what (sort keys %bad) {
        my $failed = metric('chat_jwks_loads_total{result="failed"}');

        write_whole($bad{$what});
        wait_until {
            metric('chat_jwks_loads_total{result="failed"}') == $failed + 2
        };
        is(status(token('b')), 101, "$what: the old key is one");
        is(status(token('a')), 401, 'and no other');
    }

    is(metric('chat_jwks_stale'), 4, 'two nodes, two files are told');
    is(() = $chat->logs->text('nginx') =~ /it has no usable key/g, 4,
       'each is logged once by each process');

    unlink $file;
    wait_until {
        $chat->logs->text('nginx') =~ /No such file.*there is no file.*jwks/s
    };
    is(status(token('b')), 101, 'nor does a file that is gone');

    write_whole(public_jwks(@jwk{qw(b c)}));
    becomes(101, token('c'), '/a', 'a good one is taken again');
    is(metric('chat_jwks_stale'), 2, 'and told');
};

subtest 'a file may be written later' => sub {
    is(status(token('a'), '/later'), 401, 'no file, no keys');
    write_whole(public_jwks($jwk{a}), $chat->directory . '/later.json');
    becomes(101, token('a'), '/later', 'until it is there');
    is(metric('chat_jwks_stale'), 0, 'nothing is stale');
};

subtest 'a reload needs a good file' => sub {
    write_whole('{"keys":');
    $chat->reload;
    wait_until {
        $chat->logs->text('nginx') =~ /\[emerg\].*cannot be used/
    };
    is(status(token('b')), 101, 'what runs goes on');

    write_whole(public_jwks($jwk{c}));
    becomes(401, token('b'), '/a', 'and reads what comes');

    my @old = sort($chat->workers);

    $chat->reload;
    wait_until { "@{[ sort($chat->workers) ]}" ne "@old" };
    becomes(101, token('c'), '/a', 'a good one is read by those who are new');
};

$chat->logs->allow(qr/\[emerg\].*jwks\.json/);

done_testing;
