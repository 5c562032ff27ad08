# Waiting for a condition, with a deadline.

package ChatTest::Wait;

use v5.36;

use Carp qw(croak);
use Exporter qw(import);
use Time::HiRes qw(time);

our @EXPORT_OK = qw(wait_until wait_within PATIENCE);

# Seconds, the one deadline of all that only has to come at some time: a machine
# that does ten other things is slow, not wrong.
use constant PATIENCE => 60;

use constant INTERVAL => 0.02;


# wait_until { condition }; returns what the condition returned, and dies if it
# did not come true.  More seconds than PATIENCE may be given, fewer are not
# heard.

sub wait_until :prototype(&;$) ($condition, $seconds = PATIENCE) {
    return _wait($condition, $seconds > PATIENCE ? $seconds : PATIENCE);
}


# wait_within { condition } seconds: the same where the time is what is promised,
# or where the condition should not come true

sub wait_within :prototype(&$) ($condition, $seconds) {
    return _wait($condition, $seconds);
}


sub _wait ($condition, $seconds) {
    my $deadline = time + $seconds;

    while (1) {
        my $result = $condition->();

        return $result if $result;
        croak "not so within $seconds s" if time > $deadline;

        select my $none = undef, my $no_one = undef, undef, INTERVAL;
    }
}

1;
