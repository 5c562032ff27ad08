# chatctl signs tokens with any key that nginx can be given, and prints the
# public halves of keys as a JWK Set.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Crypt::PK::ECC;
use Crypt::PK::Ed25519;
use Crypt::PK::RSA;
use MIME::Base64 qw(decode_base64url);

use ChatTest;
use ChatTest::Command qw(must_run run);

use constant { DONE => 0, FAILED => 1, USAGE => 2 };

my $chat = ChatTest->new(with => []);
my $directory = $chat->directory;

my %key;

# what each signs with: its file, whether --alg is needed, how it is verified

my %ALGORITHMS = (
    RS256 => ['rsa', 0, sub ($text, $sig) {
        $key{rsa}->verify_message($sig, $text, 'SHA256', 'v1.5') }],
    PS256 => ['rsa', 1, sub ($text, $sig) {
        $key{rsa}->verify_message($sig, $text, 'SHA256', 'pss', 32) }],
    ES256 => ['ec', 0, sub ($text, $sig) {
        $key{ec}->verify_message_rfc7518($sig, $text, 'SHA256') }],
    EdDSA => ['ed', 0, sub ($text, $sig) {
        $key{ed}->verify_message($sig, $text) }],
);


sub path ($name) { return "$directory/$name.pem" }


sub save ($name, $text) {
    open my $out, '>', path($name) or die $!;
    print $out $text;
    close $out;

    return path($name);
}


# the key of ES256 in another form, by the arguments of openssl

sub der ($how) {
    my $file = path(join '', 'der', map { s/\W//gr } @$how);

    must_run('openssl', @$how, '-outform', 'DER', '-out', $file,
             $how->[0] eq 'req' ? '-key' : '-in', path('ec'));

    return $file;
}


sub token ($file, @more) {
    local $ENV{CHAT_TOKEN_KEY_FILE} = undef;

    return $chat->chatctl('token', '--user', 'alice', '--token-key-file',
                          $file, @more);
}


# head, claims, what was signed, and with what

sub parts ($token) {
    my ($head, $claims, $signature) = split /\./, $token =~ s/\n\z//r;

    return (decode(decode_base64url($head)),
            decode(decode_base64url($claims)), "$head.$claims",
            decode_base64url($signature));
}


sub jwk (@line) { return $chat->chatctl('jwk', @line) }


must_run('openssl', 'genpkey', '-algorithm', @$_) for
    ['rsa', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', path('rsa')],
    ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', path('ec')],
    ['ed25519', '-out', path('ed')];

%key = (rsa => Crypt::PK::RSA->new(path('rsa')),
        ec  => Crypt::PK::ECC->new(path('ec')),
        ed  => Crypt::PK::Ed25519->new(path('ed')));


subtest 'each algorithm signs what others can verify' => sub {
    for my $alg (sort keys %ALGORITHMS) {
        my ($file, $named, $verify) = @{ $ALGORITHMS{$alg} };

        # r and s of ECDSA begin with a zero byte now and then
        for my $n (1 .. ($alg eq 'ES256' ? 40 : 1)) {
            my ($code, $token) = token(path($file), $named ? ('--alg', $alg)
                                                          : ());

            is($code, DONE, "$alg: exit code") or last;

            my ($head, $claims, $text, $signature) = parts($token);

            is($head->{alg}, $alg, 'the head names it');
            is($claims->{sub}, 'alice', 'the claims');
            ok($verify->($text, $signature), 'the signature is right');
        }
    }
};

subtest 'a token says which key, and has the claims it is given' => sub {
    my ($head, $claims) = parts((token(path('ec'), qw(--kid mine --sid s1
        --jti j1 --tenant acme --name Alice --role admin --ttl 90s)))[1]);

    is_deeply($head, { alg => 'ES256', typ => 'JWT', kid => 'mine' }, 'head');
    is($claims->{exp} - $claims->{iat}, 90, 'ninety seconds');
    delete @$claims{qw(exp iat)};
    is_deeply($claims, { sub => 'alice', tid => 'acme', name => 'Alice',
                         roles => ['admin'], sid => 's1', jti => 'j1' },
              'claims');

    my $secret = "$directory/token.key";

    is((parts((token($secret))[1]))[0]{kid}, undef, 'a secret has none');
    is((parts((token($secret, '--kid', 'mine'))[1]))[0]{kid}, 'mine',
       'but the one it is given');
    is((parts((token(path('ec')))[1]))[0]{kid},
       decode((jwk('--key', path('ec')))[1])->{keys}[0]{kid},
       'a pair has the one that "chatctl jwk" prints');
};

subtest 'a key that nginx would refuse signs nothing' => sub {
    my $pem = sub ($name, @line) {
        return save($name, must_run('openssl', @line) . "\n");
    };
    my $public = save('public', $key{rsa}->export_key_pem('public'));
    my @bad = (
        [FAILED, qr/2048 to 4096/, $pem->('weak', 'genrsa', 1024)],
        [FAILED, qr/must be of P-256/,
         $pem->('p384', qw(ecparam -name secp384r1 -genkey -noout))],
        [FAILED, qr/must be of P-256/,
         $pem->('k1', qw(ecparam -name secp256k1 -genkey -noout))],
        [FAILED, qr/none of the kinds/,
         $pem->('ed448', qw(genpkey -algorithm ed448))],
        [FAILED, qr/with a password/,
         $pem->('locked', 'rsa', '-aes128', '-passout', 'pass:x', '-in',
                path('rsa'))],
        [FAILED, qr/no private key/, $public],
        [FAILED, qr/no private key/, save('cut', substr $key{rsa}
            ->export_key_pem('private'), 0, 300)],
        [FAILED, qr/32 bytes at least/, save('short', 'x' x 31)],
        (map { [FAILED, qr/a key in DER, not a secret/, der($_)] }
         [qw(pkey)], [qw(pkey -pubout)], [qw(pkcs8 -topk8 -nocrypt)],
         [qw(req -x509 -batch -subj /CN=x)]),
        [FAILED, qr/too long/, save('long', 'x' x 8192)],
        [FAILED, qr/No such file/, path('nothing')],
        [USAGE, qr/another kind/, path('rsa'), '--alg', 'ES256'],
        [USAGE, qr/another kind/, path('rsa'), '--alg', 'HS256'],
        [USAGE, qr/another kind/, path('ec'), '--alg', 'PS256'],
        [USAGE, qr/another kind/, "$directory/token.key", '--alg', 'RS256'],
        [USAGE, qr/none of/, path('rsa'), '--alg', 'none'],
        [USAGE, qr/none of/, path('rsa'), '--alg', 'rs256'],
        [USAGE, qr/printed/, path('rsa'), '--kid', "a\nb"],
        [USAGE, qr/1 to 128/, path('rsa'), '--kid', 'a' x 129],
        [USAGE, qr/sid "a b"/, path('rsa'), '--sid', 'a b'],
        [USAGE, qr/jti "a b"/, path('rsa'), '--jti', 'a b'],
    );

    for (@bad) {
        my ($exit, $why, @line) = @$_;
        my ($code, $text) = token(@line);

        is($code, $exit, "@line" =~ s/\n/?/r);
        like($text, $why, 'the reason');
        unlike($text, qr/eyJ/, 'no token');
    }
};

# RFC 7638, 3.1, and RFC 8037, A.3

subtest 'thumbprints are those of the RFCs' => sub {
    my %known = (
        'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs' =>
            Crypt::PK::RSA->new({ kty => 'RSA', e => 'AQAB', n => join('',
                qw(0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx
                   4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi
                   FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6
                   Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb
                   9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFT
                   WhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls
                   1jF44-csFCur-kEgU8awapJzKnqDKgw)) }),
        'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k' =>
            Crypt::PK::Ed25519->new({ kty => 'OKP', crv => 'Ed25519',
                x => '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }),
    );

    for my $thumbprint (sort keys %known) {
        my $pem = save('known', $known{$thumbprint}->export_key_pem('public'));
        my ($code, $text) = jwk('--key', $pem);

        is($code, DONE, 'exit code') or diag($text);
        is(decode($text)->{keys}[0]{kid}, $thumbprint, $thumbprint);
    }
};

subtest 'a set has the public halves and nothing else' => sub {
    my $certificate = path('certificate');
    must_run('openssl', 'req', '-x509', '-key', path('rsa'), '-subj', '/CN=x',
             '-out', $certificate);
    save('ed-public', $key{ed}->export_key_pem('public'));

    my ($code, $text) = jwk('--key', $certificate, '--key', path('ec'),
                            '--key', path('ed-public'), '--kid', 'first',
                            '--kid', 'second', '--alg', 'PS256');
    my @keys = @{ decode($text)->{keys} };

    is($code, DONE, 'exit code');
    is_deeply([map { $_->{kid} } @keys[0, 1]], ['first', 'second'], 'kids');
    is_deeply([map { $_->{alg} } @keys], [qw(PS256 ES256 EdDSA)], 'alg');

    for my $name (qw(rsa ec ed)) {
        my $own = shift @keys;
        my %public = %{ $key{$name}->export_key_jwk('public', 1) };

        delete $public{kid};
        is_deeply($own, { %public, use => 'sig',
                          map { $_ => $own->{$_} } qw(alg kid) }, $name);
    }
};

subtest 'what nginx would not take is not printed' => sub {
    my @bad = (
        [USAGE], [USAGE, '--kid', 'x'],
        [USAGE, '--key', path('ec'), '--kid', 'x', '--kid', 'y'],
        [USAGE, '--key', path('rsa'), '--alg', 'HS256'],
        [FAILED, '--key', path('weak')], [FAILED, '--key', path('p384')],
        [FAILED, '--key', path('ed448')], [FAILED, '--key', path('nothing')],
        [FAILED, '--key', "$directory/token.key"],
        [FAILED, '--key', path('ec'), '--key', path('ec')],
        [FAILED, '--key', path('ec'), '--kid', "a\nb"],
        [FAILED, '--key', path('ec'), '--kid', 'x' x 200],
        [USAGE, '--key', path('ec'), '--kid', 'x' x 3000],
    );

    for (@bad) {
        my ($exit, @line) = @$_;
        my ($code, $text) = jwk(@line);

        is($code, $exit, substr "jwk @line" =~ s/\n/?/r, 0, 100);
        unlike($text, qr/"kty"|BEGIN/, 'nothing of a key');
        like($text, qr/^chatctl: /, 'but a reason');
    }
};

done_testing;
