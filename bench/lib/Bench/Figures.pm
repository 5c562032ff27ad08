# What is made of several figures.

package Bench::Figures;

use v5.36;

use Exporter qw(import);
use List::Util qw(max min);

our @EXPORT_OK = qw(median range);


sub median (@figures) {
    my @sorted = sort { $a <=> $b } @figures;
    my $middle = @sorted / 2;

    return @sorted % 2 ? $sorted[$middle]
        : ($sorted[$middle - 1] + $sorted[$middle]) / 2;
}


# "1.61 to 1.75"

sub range ($format, @figures) {
    return join ' to ', map { sprintf $format, $_ } min(@figures),
        max(@figures);
}

1;
