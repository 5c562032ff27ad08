# chat-jwks fetches keys over https, and takes nothing that is not what it
# should be: then the file stays as it is.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Command qw(run);
use ChatTest::Provider qw(jwk make_key);

use constant { DONE => 0, FAILED => 1, USAGE => 2 };

my $chat = ChatTest->new(with => []);
my $directory = $chat->directory;
my @program = $chat->program('chat-jwks');
my $file = "$directory/jwks.json";
my $provider = ChatTest::Provider->new(directory => $directory);
my $key = jwk(make_key('ES256'), kid => 'one');


# the exit code, and what it says; it has time, also on a machine that is busy

sub fetch (%o) {
    my %options = (url => $provider->url, file => $file,
                   'ca-file' => $provider->ca, timeout => '50s', %o);
    my @line = map { ("--$_", $options{$_}) }
        grep { defined $options{$_} } sort keys %options;
    my ($code, $text) = run(@program, '--once', @line);

    return ($code, $text);
}


sub content () {
    open my $in, '<', $file or return undef;
    local $/ = undef;

    return <$in>;
}


# that nothing changes, and why

sub refuses ($why, $what, %o) {
    my $before = content();
    my ($code, $text) = fetch(%o);

    is($code, FAILED, "$what: exit code");
    like($text, $why, 'the reason');
    is(content(), $before, 'the file is as it was');

    return;
}


subtest 'keys come into the file' => sub {
    my $text = $provider->publish($key);
    my ($code, $log) = fetch();

    is($code, DONE, 'exit code') or diag($log);
    is(content(), $text, 'as they are');
    is((stat $file)[2] & 0777, 0644, 'all may read it');
    like($log, qr/the keys are new.*"keys":1/, 'it says so');
    like($provider->last_request,
         qr{^GET /jwks\.json HTTP/1\.1\r\n}, 'the request');
    like($provider->last_request, qr{^User-Agent: chat-jwks/}m, 'who asks');
    ok(!-e "$file.new", 'nothing is left beside it');
};

subtest 'the same keys leave the file alone' => sub {
    my @before = stat $file;
    my ($code, $log) = fetch('log-level' => 'info');

    is($code, DONE, 'exit code');
    like($log, qr/the keys are the same/, 'it says so');
    is_deeply([(stat $file)[1, 9]], [@before[1, 9]], 'the very same file');
};

subtest 'other keys replace it' => sub {
    my $inode = (stat $file)[1];
    my $text = $provider->publish($key, jwk(make_key('RS256'), kid => 'two'));

    is((fetch())[0], DONE, 'exit code');
    is(content(), $text, 'what it says now');
    isnt((stat $file)[1], $inode, 'it is another file');

    # longer before, and shorter
    $text = $provider->publish($key);
    is((fetch())[0], DONE, 'fewer keys');
    is(content(), $text, 'what it says now');
};

subtest 'settings come from the environment, too' => sub {
    local $ENV{CHAT_JWKS_URL} = $provider->url;
    local $ENV{CHAT_JWKS_FILE} = $file;
    local $ENV{CHAT_JWKS_CA_FILE} = $provider->ca;

    is((run(@program, '--once'))[0], DONE, 'exit code');
};

subtest 'wrong usage is exit code 2' => sub {
    my @wrong = (
        [qr/option is missing/, url => undef],
        [qr/option is missing/, file => undef],
        [qr/only https is fetched/, url => $provider->url =~ s/https/http/r],
        [qr/only https is fetched/, url => "file://$file"],
        [qr/not a URL/, url => 'nothing at all'],
        [qr/user or a password/, url => 'https://me:secret@localhost/'],
        [qr/cannot be "0"/, interval => 0],
        [qr/no such log level/, 'log-level' => 'loud'],
    );

    for (@wrong) {
        my ($why, %o) = @$_;
        my ($code, $text) = fetch(%o);

        is($code, USAGE, join ' ', map { $_ // 'none' } %o);
        like($text, $why, 'the reason');
        unlike($text, qr/secret/, 'nothing secret is told');
    }

    like((run(@program, '--help'))[1],
         qr/--min-interval TIME .*\(CHAT_JWKS_MIN_INTERVAL\)/, '--help');
};

subtest 'an answer that is not 200 is refused' => sub {
    for my $status (500, 404, 403, 204, 301, 302, 307, 308) {
        $provider->answer(
            status  => $status,
            body    => encode({ keys => [$key] }),
            headers => ["Location: https://localhost:" . $provider->port
                        . "/elsewhere"],
        );
        my $asked = $provider->asked;

        refuses(qr/not 200.*"status":$status/, $status);
        is($provider->asked, $asked + 1, 'and a redirect is not followed');
    }
};

subtest 'who cannot prove to be it is refused' => sub {
    for my $certificate (qw(expired elsewhere stranger)) {
        $provider->answer(certificate => $certificate,
                          body => encode({ keys => [$key] }));
        refuses(qr/the keys cannot be fetched/, $certificate);
    }

    $provider->publish($key);
    refuses(qr/certificate/, 'an authority that the system does not know',
            'ca-file' => undef);

    $provider->answer(way => 'plain', body => encode({ keys => [$key] }));
    refuses(qr/the keys cannot be fetched/, 'no TLS', timeout => '2s');

    refuses(qr/the keys cannot be fetched/, 'no certificates',
            'ca-file' => "$directory/nothing.pem");
};

subtest 'it waits no longer than it is told to' => sub {
    for my $way (qw(mute hang drip)) {
        my $began = time;

        $provider->answer(way => $way, body => ' ' x 60_000);
        refuses(qr/the keys cannot be fetched/, $way, timeout => '1s');
        cmp_ok(time - $began, '<', 30, 'which is soon');
    }
};

subtest 'it reads no more than 64 kB' => sub {
    my %set = (keys => [$key]);
    my $room = 65_536 - length encode(\%set);

    $provider->answer(body => encode(\%set) . ' ' x $room);
    is((fetch())[0], DONE, '64 kB are');
    $provider->publish($key);
    is((fetch())[0], DONE, 'and less again');

    $provider->answer(body => encode(\%set) . ' ' x ($room + 1));
    refuses(qr/bigger than 64 kB/, 'a byte more');
    $provider->answer(way => 'endless');
    refuses(qr/bigger than 64 kB/, 'one that does not tell how much');
    $provider->answer(way => 'headers');
    refuses(qr/the keys cannot be fetched/, 'headers without end');
};

subtest 'what is no set of keys is refused' => sub {
    my $set = encode({ keys => [$key] });
    my @bad = (
        '', 'garbage', '<html></html>', '{}', '[]', 'null', '{"keys":{}}',
        '{"keys":[]}', '{"keys":[{"kty":"oct","k":"AAAA"}]}', $set . 'x',
        substr($set, 0, -1), '{"keys":[],' . substr($set, 1),
        encode({ keys => [{ %$key, use => 'enc' }] }), "\xEF\xBB\xBF$set",
        "\x1F\x8B" . 'x' x 100,
    );

    for my $body (@bad) {
        $provider->answer(body => $body);
        refuses(qr/"level":"err"/, substr $body =~ s/[^ -~]/?/gr, 0, 40);
    }

    $provider->answer(body => $set, length => 60_000);
    refuses(qr/the keys cannot be fetched/, 'cut off');
    $provider->answer(body => $set, length => length($set) - 1);
    refuses(qr/"level":"err"/, 'cut off by its length');
};

subtest 'a provider that is not there is one that fails' => sub {
    refuses(qr/the keys cannot be fetched/, 'no such port',
            url => 'https://localhost:1/');
    refuses(qr/the keys cannot be fetched/, 'no such host',
            url => 'https://nowhere.invalid/');
};

subtest 'neither a proxy nor a user of the environment is taken' => sub {
    my $text = $provider->publish($key, jwk(make_key('EdDSA'), kid => 'three'));

    local $ENV{https_proxy} = 'http://127.0.0.1:1';
    local $ENV{ALL_PROXY} = 'http://127.0.0.1:1';

    open my $netrc, '>', "$directory/.netrc" or die $!;
    print $netrc "machine localhost login me password secret\n";
    close $netrc;
    local $ENV{HOME} = $directory;

    is((fetch())[0], DONE, 'exit code');
    is(content(), $text, 'what it says now');
    unlike($provider->last_request, qr/^(?:Authorization|Cookie):/mi,
           'no credentials');
};

done_testing;
