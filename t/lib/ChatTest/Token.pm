# Tokens as an identity provider would issue them: JWT, signed with HS256.

package ChatTest::Token;

use v5.36;

use Digest::SHA qw(hmac_sha256);
use Exporter qw(import);
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);

our @EXPORT_OK = qw(make_token sign_token);

my $json = JSON::PP->new->canonical->utf8;


# make_token($secret, sub => 'alice', ...): a claim that is undef is left out

sub make_token ($secret, %claims) {
    %claims = (exp => time + 3600, %claims);

    for my $name (keys %claims) {
        delete $claims{$name} if !defined $claims{$name};
    }

    return sign_token($secret, { alg => 'HS256', typ => 'JWT' }, \%claims);
}


# any header, any claims; either may be a string, to be taken as it is

sub sign_token ($secret, $header, $claims) {
    my $text = join '.', map {
        encode_base64url(ref $_ ? $json->encode($_) : $_)
    } $header, $claims;

    return $text . '.' . encode_base64url(hmac_sha256($text, $secret));
}

1;
