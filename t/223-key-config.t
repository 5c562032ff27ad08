# Files of keys: what nginx takes, and what it says of those that it does not.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Token qw(make_key public_jwk public_jwks public_pem);

my %key = map { $_ => make_key($_) } qw(RSA2048 RSA1024 secp256r1 secp384r1
                                        Ed25519);
my %files = (
    (map { ("$_.pem" => public_pem($key{$_})) } keys %key),
    'private.pem' => $key{Ed25519}->export_key_pem('private'),
    'rsa1.pem'    => $key{RSA2048}->export_key_pem('public'),
    'rsa.der'     => $key{RSA2048}->export_key_der('public_x509'),
    'two.pem'     => public_pem($key{Ed25519}) x 2,
    'text.pem'    => "no key\n",
    'long.pem'    => public_pem($key{Ed25519}) . '#' x 16384,
    'keys.json'   => public_jwks(public_jwk($key{Ed25519}, kid => 'a')),
    'other.json'  => public_jwks(public_jwk($key{Ed25519}, kid => 'a')),
    'bad.json'    => '{"keys":[]}',
);


sub check ($directives) {
    return ChatTest->check_config(location => $directives,
                                  files    => \%files);
}


my @good = (
    'chat_token_key RS256 RSA2048.pem;',
    'chat_token_key PS256 RSA2048.pem kid=a;',
    'chat_token_key ES256 secp256r1.pem;',
    'chat_token_key EdDSA Ed25519.pem;',
    'chat_token_key RS256 RSA2048.pem kid=a;'
        . 'chat_token_key PS256 RSA2048.pem kid=b;',
    'chat_token_jwks keys.json;',
    'chat_token_jwks keys.json refresh=unix:/run/x.sock;'
        . 'chat_token_key EdDSA Ed25519.pem;',
);

subtest 'public keys are taken' => sub {
    for my $directives (@good) {
        my ($code, $text) = check($directives);

        is($code, 0, $directives) or diag($text);
        unlike($text, qr/warn|error/, 'without complaint');
    }
};

my @bad = (
    ['chat_token_key RS512 RSA2048.pem;',
        'unknown algorithm "RS512" in "chat_token_key": it must be HS256'],
    ['chat_token_key none RSA2048.pem;', 'unknown algorithm "none"'],
    ['chat_token_key RS256 RSA1024.pem;', 'must have 2048 to 4096 bits'],
    ['chat_token_key RS256 secp256r1.pem;', 'it is not an RSA key'],
    ['chat_token_key PS256 Ed25519.pem;', 'it is not an RSA key'],
    ['chat_token_key ES256 RSA2048.pem;', 'it is not a key of the curve P-256'],
    ['chat_token_key ES256 secp384r1.pem;',
        'it is not a key of the curve P-256'],
    ['chat_token_key EdDSA secp256r1.pem;', 'it is not an Ed25519 key'],
    ['chat_token_key HS256 RSA2048.pem;', 'it is PEM, not a secret'],
    ['chat_token_key HS256 keys.json;', 'it is a JWK, not a secret'],
    ['chat_token_key HS256 rsa.der;', 'it is a key in DER'],
    ['chat_token_jwks https://id.example.com/certs;', 'takes a file, no URL'],
    ['chat_token_key EdDSA private.pem;', 'it holds a private key'],
    ['chat_token_key RS256 rsa1.pem;', 'it is neither a "PUBLIC KEY" nor'],
    ['chat_token_key EdDSA two.pem;', 'it holds more than one key'],
    ['chat_token_key EdDSA text.pem;', 'it is not PEM'],
    ['chat_token_key EdDSA long.pem;', 'is too large'],
    ['chat_token_key EdDSA none.pem;', 'No such file'],
    ['chat_token_key RS256 RSA2048.pem kid=a;'
        . 'chat_token_key ES256 secp256r1.pem kid=a;', 'duplicate kid "a"'],

    ['chat_token_jwks keys.json; chat_token_jwks other.json;',
        '"chat_token_jwks" directive is duplicate'],
    ['chat_token_jwks "";', 'needs the name of a file'],
    ['chat_token_jwks keys.json refresh=/run/x.sock;',
        'it must be "unix:" and an absolute path'],
    ['chat_token_jwks keys.json refresh=unix:x.sock;',
        'it must be "unix:" and an absolute path'],
    ['chat_token_jwks keys.json refresh=unix:/' . 'x' x 107 . ';',
        'of 107 bytes at most'],
    ['chat_token_jwks keys.json kid=a;', 'unknown parameter "kid=a"'],
    ['chat_token_jwks keys.json refresh=unix:/a; }'
        . 'location /b { chat_token_jwks keys.json refresh=unix:/b;',
        'has this file elsewhere with another "refresh"'],
);

subtest 'others are refused, and it is said why' => sub {
    for (@bad) {
        my ($directives, $message) = @$_;
        my ($code, $text) = check($directives);

        isnt($code, 0, substr $directives, 0, 70);
        like($text, qr/\[emerg\] .*\Q$message\E/, 'and why');
    }
};

subtest 'a set of keys may come later' => sub {
    for (['none.json', 'there is no file'], ['bad.json', 'no usable key']) {
        my ($file, $message) = @$_;
        my ($code, $text) = check("chat_token_jwks $file;");

        is($code, 0, $file);
        like($text, qr/\[warn\] .*\Q$message\E/, 'a warning');
        like($text, qr/there are no keys from ".*$file" yet/, 'and no keys');
    }
};

done_testing;
