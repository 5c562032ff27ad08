# Waiting for a condition, with a deadline.

package ChatTest::Wait;

use v5.36;

use Carp qw(croak);
use Exporter qw(import);
use Time::HiRes qw(time);

our @EXPORT_OK = qw(wait_until);

use constant INTERVAL => 0.02;


# wait_until { condition } seconds; returns what the condition returned, and
# dies if it did not come true in time

sub wait_until :prototype(&;$) ($condition, $seconds = 10) {
    my $deadline = time + $seconds;

    while (1) {
        my $result = $condition->();

        return $result if $result;
        croak "not so within $seconds s" if time > $deadline;

        select my $none = undef, my $no_one = undef, undef, INTERVAL;
    }
}

1;
