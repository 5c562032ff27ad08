# Tokens as an identity provider would issue them, and its keys.

package ChatTest::Token;

use v5.36;

use Carp qw(croak);
use Crypt::PK::ECC;
use Crypt::PK::Ed25519;
use Crypt::PK::RSA;
use Digest::SHA qw(hmac_sha256);
use Exporter qw(import);
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);

our @EXPORT_OK = qw(make_key make_token public_jwk public_jwks public_pem
    sign_text sign_token);

my $json = JSON::PP->new->canonical->utf8;

# how each algorithm signs; HS256 takes a secret, the others an object of
# Crypt::PK
my %signers = (
    HS256 => sub ($key, $text) { hmac_sha256($text, $key) },
    RS256 => sub ($key, $text) { $key->sign_message($text, 'SHA256', 'v1.5') },
    PS256 => sub ($key, $text) {
        $key->sign_message($text, 'SHA256', 'pss', 32);
    },
    ES256 => sub ($key, $text) {
        $key->sign_message_rfc7518($text, 'SHA256');
    },
    EdDSA => sub ($key, $text) { $key->sign_message($text) },
);


# make_token($secret, sub => 'alice', ...): a claim that is undef is left out

sub make_token ($secret, %claims) {
    %claims = (exp => time + 3600, %claims);

    for my $name (keys %claims) {
        delete $claims{$name} if !defined $claims{$name};
    }

    return sign_token($secret, { alg => 'HS256', typ => 'JWT' }, \%claims);
}


# any header, any claims; either may be a string, to be taken as it is.  It is
# signed by $alg, whatever the header says.

sub sign_token ($key, $header, $claims, $alg = 'HS256') {
    my $text = join '.', map {
        encode_base64url(ref $_ ? $json->encode($_) : $_)
    } $header, $claims;

    return $text . '.' . encode_base64url(sign_text($key, $text, $alg));
}


# the bytes of a signature

sub sign_text ($key, $text, $alg = 'HS256') {
    my $signer = $signers{$alg} or croak "no algorithm $alg";

    return $signer->($key, $text);
}


# a new private key: RSA and its bits, such as RSA2048, the name of a curve, or
# Ed25519

sub make_key ($kind) {
    return _generate('Crypt::PK::RSA', $1 / 8) if $kind =~ /^RSA(\d+)$/;
    return _generate('Crypt::PK::Ed25519') if $kind eq 'Ed25519';
    return _generate('Crypt::PK::ECC', $kind);
}


sub _generate ($class, @how) {
    my $key = $class->new;

    $key->generate_key(@how);

    return $key;
}


# BEGIN PUBLIC KEY, the curve by its name

sub public_pem ($key) {
    return $key->export_key_pem($key->isa('Crypt::PK::RSA') ? 'public_x509'
                              : $key->isa('Crypt::PK::ECC') ? 'public_short'
                              :                               'public');
}


# public_jwk($key, kid => 'a', ...): members beside those of the key itself

sub public_jwk ($key, %more) {
    return { %{ $key->export_key_jwk('public', 1) }, %more };
}


sub public_jwks (@keys) { return $json->encode({ keys => \@keys }) }

1;
