# JSON for tests: decoded to look at, and raw where every byte counts.

package ChatTest::Json;

use v5.36;

use Exporter qw(import);
use JSON::PP ();

our @EXPORT_OK = qw(decode encode raw_member);

my $json = JSON::PP->new->canonical->utf8->allow_nonref;

# a value, without a look at what is in it: brackets are balanced, and strings
# are skipped

my $value = qr{
    (?<value>
        "(?: [^"\\] | \\. )*+"
        | [\[\{] (?: [^\[\]\{\}"]++ | (?&value) )*+ [\]\}]
        | [-+.0-9a-zA-Z]++
    )
}xs;


sub decode ($text) { return $json->decode($text) }
sub encode ($data) { return $json->encode($data) }


# the value of the first member of that name, as the bytes that it came in

sub raw_member ($text, $name) {
    return $text =~ /"\Q$name\E"\s*:\s*$value/ ? $+{value} : undef;
}

1;
