# Whether a text holds a token: any 16 characters in a row of its signature.

package ChatTest::Leak;

use v5.36;

use Exporter qw(import);

our @EXPORT_OK = qw(leaks);

use constant PIECE => 16;


# where in the text something of these tokens is, with what stands around it

sub leaks ($text, @tokens) {
    my @found;

    for my $token (@tokens) {
        my ($signature) = $token =~ /([^.]*)\z/;

        for my $from (0 .. length($signature) - PIECE) {
            my $at = index $text, substr $signature, $from, PIECE;

            next if $at < 0;
            push @found, substr $text, $at < 200 ? 0 : $at - 200, 300;
            last;
        }
    }

    return @found;
}

1;
