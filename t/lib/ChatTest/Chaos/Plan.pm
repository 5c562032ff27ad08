# What is done to whom and when, as a seed has it: the same seed, kinds and
# time give the same plan.
#
# A fault that is "together" begins while the one before may still be there;
# the others begin some time after everything is whole again.  No two at once
# are of the same place.

package ChatTest::Chaos::Plan;

use v5.36;

use List::Util qw(shuffle);

use constant {
    FIRST    => 2,              # seconds before the first
    TOGETHER => 0.3,            # how many of them
    PAUSE    => [1.5, 4.5],     # seconds after the one before is over
    SOON     => [0.1, 2],       # or after it has begun
    REPAIR   => 0.2,            # what making it whole takes, at least
};


# The faults in turn: n, kind, place, hold (seconds), pause, together, and
# pick, three numbers below 1 for what else there is to choose.
#
#   seed, seconds; kinds => { name => { copies, places => [...],
#                                       hold => [least, most] } }
#
# Kinds come from a deck of cards, so that even a short run has many.

sub make ($class, %o) {
    my ($kinds, $seconds) = @o{qw(kinds seconds)};
    my @deck = map { ($_) x $kinds->{$_}{copies} } sort keys %$kinds;
    my (@plan, @cards);
    my $at = FIRST;

    srand $o{seed};

    while (@deck) {
        @cards = shuffle(@deck) if !@cards;

        my $fault = _fault(shift @cards, $kinds, scalar @plan);
        my $length = $fault->{hold} + REPAIR;

        $at += $fault->{pause} + ($fault->{together} ? 0 : $length);
        last if $at > $seconds;

        push @plan, $fault;
    }

    return @plan;
}


sub _fault ($name, $kinds, $n) {
    my $kind = $kinds->{$name};
    my @places = @{ $kind->{places} };
    my $together = $n > 0 && rand() < TOGETHER;

    return {
        n        => $n + 1,
        kind     => $name,
        place    => $places[rand @places],
        together => $together,
        pause    => _between($together ? SOON : PAUSE),
        hold     => _between($kind->{hold}),
        pick     => [map { 0 + sprintf '%.4f', rand } 1 .. 3],
    };
}


sub _between ($range) {
    my ($least, $most) = @$range;

    return 0 + sprintf '%.2f', $least + rand() * ($most - $least);
}


# a line of it, for people

sub line ($class, $fault) {
    return sprintf '%4d  %-18s %-10s for %5.2f s, %.2f s after the one before '
        . '%s', @$fault{qw(n kind place hold pause)},
        $fault->{together} ? 'began' : 'was over';
}

1;
