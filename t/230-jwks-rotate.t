# Keys come and go at the identity provider, and nginx follows by itself: no
# reload, and sessions notice nothing.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp qw(tempdir);

use ChatTest;
use ChatTest::Command qw(must_run);
use ChatTest::Provider;

my @ALGORITHMS = qw(ES256 RS256 EdDSA);

# nginx and chat-jwks meet there, and nginx may be another user
my $own = tempdir('chat-jwks-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $own;

my $chat = ChatTest->new(with => [], workers => 2, server => <<"END");
    location = /provider {
        chat_websocket on;
        chat_token_jwks $own/jwks.json refresh=unix:$own/jwks.sock;
    }
END

my $directory = $chat->directory;
my $provider = ChatTest::Provider->new(directory => $directory);
my $service = $chat->command('jwks', 'chat-jwks', '--url', $provider->url,
    '--file', "$own/jwks.json", '--socket', "unix:$own/jwks.sock",
    '--ca-file', $provider->ca, '--interval', '1h', '--min-interval', '1s',
    '--timeout', '50s');


# a key of the provider, by its number: a file of its own

sub make_key ($n) {
    my @kind = (['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
                ['rsa', '-pkeyopt', 'rsa_keygen_bits:2048'],
                ['ed25519']);

    must_run('openssl', 'genpkey', '-out', "$directory/$n.pem", '-algorithm',
             @{ $kind[$n % 3] });

    return;
}


sub publish (@numbers) {
    my $text = $chat->chatctl_must('jwk',
        map { ('--key', "$directory/$_.pem") } @numbers);

    $provider->answer(body => $text);

    return;
}


sub token ($n, @more) {
    return $chat->chatctl_must('token', '--user', 'alice', '--token-key-file',
                               "$directory/$n.pem", @more) =~ s/\n\z//r;
}


# How often it may have fetched since: once a second, whatever happens; and one
# that was under way may not have been counted before.

sub may_fetch ($since) {
    return 3 + time - $since;
}


sub try_key ($n) {
    my $client = $chat->handshake(path => '/provider', token => token($n));
    my $status = $client->status;

    $client->disconnect if $status == 101;

    return $status;
}


# chat-jwks may be about to write it anew, so once may not be enough

sub break_file () {
    open my $out, '>', "$own/broken" or die $!;
    print $out '{"keys":';
    close $out;
    rename "$own/broken", "$own/jwks.json" or die $!;

    return;
}


# both workers follow, each at its own moment

sub becomes ($n, $status, $what) {
    return ok(eval {
        wait_until { !grep { try_key($n) != $status } 1 .. 20 };
    }, "$what: $status");
}


make_key($_) for 0 .. 4;
$chat->start;


subtest 'before there are keys nobody is let in' => sub {
    is(try_key(0), 401, 'refused');
    is($chat->handshake(path => '/provider')->status, 101,
       'but who has no token may get one in time');
};

subtest 'then there are' => sub {
    publish(0);
    $service->start;
    becomes(0, 101, 'the first key');
    is(try_key(1), 401, 'another one is not known');
};

my $alice = $chat->connect(path => '/provider', token => token(0));

subtest 'a new key is found because a token names it' => sub {
    for my $n (1, 2) {
        my ($asked, $began) = ($provider->asked, time);

        is(try_key($n), 401, "$ALGORITHMS[$n]: at first it is refused");
        publish(0 .. $n);
        becomes($n, 101, 'within seconds it is taken');
        cmp_ok($provider->asked - $asked, '<=', may_fetch($began),
               'the set was fetched anew');
    }

    is(try_key($_), 101, "key $_ is still taken") for 0 .. 2;
};

subtest 'a session is renewed with a token of another key' => sub {
    ok($alice->request('authenticate', { token => token(2) }), 'renewed');
};

subtest 'a key that is not in the set any more is not taken any more' => sub {
    publish(2, 3);
    try_key(3);
    becomes(3, 101, 'the new one');
    becomes(0, 401, 'the old one');
    is(try_key(2), 101, 'the one between');
    ok($alice->request('ping'), 'a session of the old one lives');
};

subtest 'made up keys do not make it fetch more often' => sub {
    my ($asked, $began) = ($provider->asked, time);

    for my $n (1 .. 60) {
        my $client = $chat->handshake(path => '/provider',
                                      token => token(2, '--kid', "none $n"));
        is($client->status, 401, 'refused') if $client->status != 401;
    }

    cmp_ok($provider->asked - $asked, '<=', may_fetch($began),
           'once a second at most');
    is(try_key(2), 101, 'good tokens are taken meanwhile');
};

subtest 'a provider that fails takes nothing away' => sub {
    $provider->answer(status => 500);
    is(try_key(4), 401, 'an unknown key');
    ok(eval { wait_until { $chat->logs->text('jwks') =~ /"status":500/ } },
       'it was asked for');
    $provider->answer(body => '{"keys":[]}');
    ok(eval { wait_until { $chat->logs->text('jwks') =~ /no set of keys/ } },
       'and answered with nothing');
    is(try_key(2), 101, 'those that are known are taken');

    publish(2, 4);
    becomes(4, 101, 'it comes when the provider is well');
};

subtest 'a file that somebody has broken takes nothing away either' => sub {
    ok(eval { wait_until {
        break_file();
        $chat->logs->text('nginx') =~ /keys in \S+ cannot be used/;
    } }, 'nginx tells');
    is(try_key(4), 101, 'the old keys are taken');

    publish(2, 3, 4);
    try_key(3);
    becomes(3, 101, 'the next good set is taken');
};

subtest 'nobody there to ask is no harm' => sub {
    $service->end('KILL');
    publish(1);
    is(try_key(1), 401, 'an unknown key is refused');
    is(try_key(4), 101, 'a known one is not');

    $service->start;
    becomes(1, 101, 'and all goes on');
    becomes(4, 401, 'as it should');
};

subtest 'all that without a reload, and the session noticed nothing' => sub {
    ok($alice->request('ping'), 'it lives');
    unlike($chat->logs->text('nginx'), qr/reconfiguring/, 'no reload');
    unlike($chat->logs->text($_), qr/eyJ[\w-]{20}/, "no token in $_")
        for qw(nginx jwks);
};

$service->end;
done_testing;
