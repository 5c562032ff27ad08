# Kinds of handshakes, and an endpoint for each: "bare" is chat_echo, which asks
# nobody for a token; "none" a chat endpoint without one, where one may
# authenticate later; the others bring a token of that algorithm.  RSA has 2048
# bits.

package Bench::Kinds;

use v5.36;

use Bench::Shakes qw(request_of);
use ChatTest::Token qw(make_key public_pem sign_token);

use constant LIFETIME => 3600;          # of tokens, in seconds

my %make = (
    HS256 => sub { join '', map { chr 33 + int rand 90 } 1 .. 32 },
    RS256 => sub { make_key('RSA2048') },
    PS256 => sub { make_key('RSA2048') },
    ES256 => sub { make_key('secp256r1') },
    EdDSA => sub { make_key('Ed25519') },
);

my @algorithms = qw(HS256 RS256 PS256 ES256 EdDSA);


sub new ($class) {
    return bless { map { $_ => $make{$_}->() } @algorithms }, $class;
}


sub names ($self) { return ('bare', 'none', @algorithms) }


# for Bench::Node

sub locations ($self, $directory) {
    my $text = "location = /bare { chat_echo on; }\n";

    for my $algorithm (@algorithms) {
        my $file = "$directory/$algorithm.key";
        my $key = $self->{$algorithm};

        open my $out, '>', $file or die "$file: $!\n";
        print $out ref $key ? public_pem($key) : $key;
        close $out or die "$file: $!\n";

        $text .= "location = /$algorithm { chat_websocket on;"
            . " chat_token_key $algorithm $file; }\n";
    }

    return $text;
}


sub request ($self, $kind) {
    my $key = $self->{$kind};

    return request_of($kind eq 'none' ? '/HS256' : "/$kind") if !$key;

    return request_of("/$kind",
                      sign_token($key, { alg => $kind, typ => 'JWT' },
                                 { sub => 'alice', exp => time + LIFETIME },
                                 $kind));
}

1;
