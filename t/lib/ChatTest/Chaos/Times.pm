# Times as the protocol tells them, RFC 3339 UTC with milliseconds, and as ms
# since 1970.

package ChatTest::Chaos::Times;

use v5.36;

use Exporter qw(import);
use Time::Local qw(timegm_modern);

our @EXPORT_OK = qw(ms_of);


sub ms_of ($text) {
    my ($year, $month, $day, $hour, $minute, $second, $ms) =
        $text =~ /\A(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{3})Z\z/
        or die "no time: $text\n";

    return $ms + 1000 * timegm_modern($second, $minute, $hour, $day,
                                      $month - 1, $year);
}

1;
