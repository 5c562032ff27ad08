# How often each duration was seen, as bench/lib/histogram.c prints it; those of
# several processes make one.

package Bench::Histogram;

use v5.36;

use Exporter qw(import);
use List::Util qw(max sum);
use POSIX qw(ceil);

our @EXPORT_OK = qw(percentile total unite);


# "us:count,us:count" ... => { us => count }

sub unite (@texts) {
    my %count;

    for my $text (@texts) {
        for my $bucket (split /,/, $text) {
            my ($us, $count) = split /:/, $bucket;

            $count{$us} += $count;
        }
    }

    return \%count;
}


sub total ($count) { return sum(0, values %$count) }


# The smallest duration that so many hundredths of all are not longer than
# (nearest rank); 0 where there are none.

sub percentile ($count, $hundredths) {
    my $rank = ceil(total($count) * $hundredths / 100);
    my $seen = 0;

    for my $us (sort { $a <=> $b } keys %$count) {
        $seen += $count->{$us};
        return $us if $seen >= $rank;
    }

    return 0;
}

1;
