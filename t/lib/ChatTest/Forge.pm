# Tokens as attackers make them, from a row of t/attacks/tokens.tsv.

package ChatTest::Forge;

use v5.36;

use Carp qw(croak);
use Digest::SHA qw(hmac_sha256 hmac_sha384 hmac_sha512);
use Math::BigInt;
use MIME::Base64 qw(encode_base64url encode_base64);

use ChatTest::Token qw(make_key public_jwk public_jwks public_pem sign_text);

# the order of P-256 (FIPS 186-4, D.1.2.3) and of Ed25519 (RFC 8032, 5.1)
my $n = Math::BigInt->from_hex('ffffffff00000000ffffffffffffffff'
                             . 'bce6faada7179e84f3b9cac2fc632551');
my $l = Math::BigInt->from_hex('10000000000000000000000000000000'
                             . '14def9dea2f79cd65812631a5cf5d3ed');

# what the columns head and claims are without more, by key
my %alg = (hs => 'HS256', rsa => 'RS256', ps => 'PS256', ec => 'ES256',
           ed => 'EdDSA');

my %macs = (sha256 => \&hmac_sha256, sha384 => \&hmac_sha384,
            sha512 => \&hmac_sha512);

# what can be done to a signature: its bytes, and an argument
my %bytes = (
    none => sub ($s, $) { '' },
    zero => sub ($s, $len) { "\0" x $len },
    ff   => sub ($s, $len) { "\xff" x $len },
    one  => sub ($s, $len) { "\0" x ($len - 1) . "\1" },
    cut  => sub ($s, $len) { substr $s, 0, $len },
    more => sub ($s, $len) { $s . "\0" x $len },
    wide => sub ($s, $len) { "\0" x $len . $s },
    flip => sub ($s, $at) { substr($s, $at, 1) ^.= "\1"; $s },
    der  => sub ($s, $) { _der($s) },
    r    => sub ($s, $number) { _number($number) . substr $s, 32 },
    s    => sub ($s, $number) { substr($s, 0, 32) . _number($number) },
    high => sub ($s, $) {
        substr($s, 0, 32) . _bytes($n - _integer(substr $s, 32));
    },
    order => sub ($s, $) {
        substr($s, 0, 32) . reverse _bytes($l
            + _integer(scalar reverse substr $s, 32));
    },
);

# and to a part of the token, once it is text
my %texts = (
    pad     => sub ($t) { $t . '=' },
    loose   => sub ($t) { $t =~ s/(.)\z/_next_digit($1)/er },
    plain   => sub ($t) { $t =~ tr{-_}{+/}r },
    newline => sub ($t) { substr($t, 10, 0) = "\n"; $t },
);


# the keys that nginx trusts, and those of nobody

sub new ($class) {
    my %key = (
        hs => 'a secret of more than thirty-two bytes',
        rsa => make_key('RSA2048'),
        ec => make_key('secp256r1'),
        ed => make_key('Ed25519'),
        'other-rsa' => make_key('RSA2048'),
        'other-ec' => make_key('secp256r1'),
        'other-ed' => make_key('Ed25519'),
        weak => make_key('RSA1024'),
        p384 => make_key('secp384r1'),
        k1 => make_key('secp256k1'),
    );

    $key{ps} = $key{rsa};

    return bless { key => \%key }, $class;
}


# the files of the keys, and the directives that name them

sub files ($self) {
    my %key = %{ $self->{key} };

    return (
        'hs.key' => $key{hs},
        (map { ("$_.pem" => public_pem($key{$_})) } qw(rsa ec ed)),
        'attacks.json' => public_jwks(
            map { public_jwk($key{$_}, kid => $_, alg => $alg{$_}) }
            qw(rsa ps ec ed)),
    );
}


sub directives ($self) {
    return <<~'END';
        chat_token_key HS256 hs.key kid=hs;
        chat_token_key RS256 rsa.pem kid=rsa;
        chat_token_key PS256 rsa.pem kid=ps;
        chat_token_key ES256 ec.pem kid=ec;
        chat_token_key EdDSA ed.pem kid=ed;
        END
}


# the token of a row: key, head, claims and form, as the table explains them

sub token ($self, $row) {
    my ($name) = $row->{key} =~ /^([\w-]+)/;
    my $head = _write($row->{head}, sprintf '"alg":"%s","kid":"%s"',
                      $alg{$name} // '', $name);
    my $claims = _write($row->{claims}, '"sub":"eve","exp":@+600');
    my %part = (h => encode_base64url($head), c => encode_base64url($claims));
    my $signature = $self->_sign($row->{key}, "$part{h}.$part{c}");

    my $form = $row->{form} eq '-' ? '{h}.{c}.{s}' : $row->{form};

    $form =~ s/\{([hcs])(?::(\w+)(?:=(\w+))?)?\}/
               _part($1, \%part, $signature, $2, $3)/gex;

    return _unescape($form);
}


# "-": the usual members; ",more": with more of them; else it is all of it

sub _write ($text, $usual) {
    $text = $text eq '-'     ? "{$usual}"
          : $text =~ /^,/    ? "{$usual$text}"
          :                    $text;

    return _unescape($text);
}


# <00> is a byte, <x*65> a text so many times, @+600 a time from now

sub _unescape ($text) {
    $text =~ s/<([0-9a-f]{2})>/chr hex $1/ge;
    $text =~ s/<(.+?)\*(\d+)>/$1 x $2/ge;
    $text =~ s/\@([+-]\d+)/time + $1/ge;

    return $text;
}


sub _part ($letter, $part, $signature, $what = undef, $argument = undef) {
    my $of_bytes = defined $what ? $bytes{$what} : undef;

    return $part->{$letter} if $letter ne 's' && !defined $what;
    return $texts{$what}->($part->{$letter})
        if $letter ne 's' && $texts{$what};

    croak "unknown: $letter:$what" if defined $what
        && ($letter ne 's' || !($of_bytes || $texts{$what}));

    $signature = $of_bytes->($signature, $argument) if $of_bytes;
    my $text = encode_base64url($signature);

    return defined $what && !$of_bytes ? $texts{$what}->($text) : $text;
}


# key, key/ALG, key~hash with RSA, mac(FILE) or mac(FILE)/hash

sub _sign ($self, $how, $text) {
    my %files = $self->files;

    return $macs{ $2 // 'sha256' }->($text, $files{$1})
        if $how =~ m{^mac\(([\w.-]+)\)(?:/(\w+))?$};

    my ($name, $kind) = $how =~ m{^([\w-]+)(?:/([\w-]+))?$}
        or croak "no such key: $how";
    my $key = $self->{key}{$name} // croak "no such key: $name";

    return $key->sign_message($text, 'SHA256', 'pss', $1)
        if ($kind // '') =~ /^salt(\d+)$/;
    return $key->sign_message($text, $1, 'v1.5')
        if ($kind // '') =~ /^(SHA\d+)$/;

    return sign_text($key, $text, $kind // $alg{ $name =~ s/^other-//r }
                                  // croak "which algorithm? $how");
}


# Numbers -----------------------------------------------------------------

sub _integer ($bytes) { return Math::BigInt->from_bytes($bytes) }

sub _bytes ($integer) {
    my $hex = $integer->to_hex;

    return pack 'H*', '0' x (64 - length $hex) . $hex;
}

sub _number ($name) {
    return _bytes($name eq 'n'    ? $n
                : $name eq 'max'  ? Math::BigInt->from_hex('f' x 64)
                :                   Math::BigInt->new($name));
}

sub _der ($raw) {
    my $body = join '', map {
        my $integer = s/^\0+(?=.)//sr;

        $integer = "\0$integer" if ord($integer) & 0x80;
        "\x02" . chr(length $integer) . $integer;
    } substr($raw, 0, 32), substr($raw, 32);

    return "\x30" . chr(length $body) . $body;
}

# of the digits whose last bits are nothing, another one for the same bytes

sub _next_digit ($digit) {
    my $digits = join '', 'A' .. 'Z', 'a' .. 'z', 0 .. 9, '-', '_';

    return substr $digits, index($digits, $digit) + 1, 1;
}

1;
