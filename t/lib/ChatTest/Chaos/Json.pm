# JSON, quickly, and the same text for the same value.

package ChatTest::Chaos::Json;

use v5.36;

use Cpanel::JSON::XS ();
use Exporter qw(import);

our @EXPORT_OK = qw(decode encode read_lines);

my $json = Cpanel::JSON::XS->new->utf8->canonical->allow_nonref;


sub decode ($text) { return $json->decode($text) }
sub encode ($data) { return $json->encode($data) }


# calls a function for each line of a file; a last one that was not finished is
# left out

sub read_lines ($file, $function) {
    open my $lines, '<', $file or die "cannot read $file: $!\n";

    while (my $line = <$lines>) {
        last if $line !~ /\n\z/;
        $function->($json->decode($line));
    }

    return;
}

1;
