# When there was fire, and where, as faults.jsonl tells: times are ms since
# 1970.  A fault that never ended lasts for ever.
#
#     my $fire = ChatTest::Chaos::Fire->new(@faults);
#
# What is promised "within 30 s after a fault" is judged with calm(): the time
# by which things must have been so for at least so many ms of quiet.

package ChatTest::Chaos::Fire;

use v5.36;

use List::Util qw(max min);

use constant {
    REPAIR => 1000,             # ms that a fault's end takes, at most
    NEVER  => 9e15,
};


sub new ($class, @lines) {
    my %faults;

    for my $line (@lines) {
        my $fault = $faults{ $line->{n} } //= {
            kind => $line->{fault}, place => $line->{target} // '',
            loses => $line->{loses} ? 1 : 0, end => NEVER,
        };

        $fault->{ $line->{phase} } = 1000 * $line->{t};
    }

    my @faults = sort { $a->{begin} <=> $b->{begin} } values %faults;

    $_->{end} += REPAIR for @faults;

    return bless { faults => \@faults }, $class;
}


# those at places that match, [begin, end] each, the earliest first

sub at ($self, $places) {
    return map { [@$_{qw(begin end)}] }
        grep { $_->{place} =~ $places } @{ $self->{faults} };
}


# those after which what was acknowledged may be gone

sub losses ($self) {
    return map { [@$_{qw(begin end)}] }
        grep { $_->{loses} } @{ $self->{faults} };
}


# whether any of them meets the time from one to the other

sub meets ($self, $list, $from, $to) {
    return scalar grep { $_->[0] <= $to && $_->[1] >= $from } @$list;
}


# The latest time before which there were so many ms without any fault.

sub calm ($self, $time, $ms) {
    my $left = $ms;

    for my $fault (reverse @{ $self->{faults} }) {
        next if $fault->{begin} >= $time;

        my $quiet = max 0, $time - $fault->{end};

        return $time - $left if $quiet >= $left;

        $left -= $quiet;
        $time = min $time, $fault->{begin};
    }

    return $time - $left;
}

1;
