# How far members have read, and got messages, in the end: at least as far as
# was acknowledged, at most as far as anything asked for.
#
# Marks begin anew when somebody becomes a member.  They are stored a second
# later, so a loss of Redis may take the last of them.

package ChatTest::Chaos::Marks;

use v5.36;

use List::Util qw(any max);

use ChatTest::Chaos::Truth qw(TIME);

# how long a mark may wait to be stored (ms)
use constant UNSTORED => 60_000;


# truth, deeds, stored, losses, report

sub new ($class, %o) { return bless { %o, checked => 0 }, $class }


sub checked ($self) { return $self->{checked} }


sub check ($self) {
    my $stored = $self->{stored};

    for my $place (sort keys %{ $stored->{members} }) {
        my $members = $stored->{members}{$place};

        for my $user (sort keys %$members) {
            my $role = $members->{$user}{role};

            $self->_member($place, $user, $members->{$user})
                if defined $role && $role ne 'blocked';
        }
    }

    return;
}


sub _member ($self, $place, $user, $is) {
    my ($since, $time) = $self->_since($place, $user);
    my @marks = @{ $self->{deeds}->marks->{$place}{$user} // [] };
    my @own = grep { $_->{sender} eq $user }
        @{ $self->{stored}{messages}{$place} // [] };

    for my $kind (qw(read delivered)) {
        my @counting = grep { $kind eq 'delivered'
                              || $_->{type} eq 'read.mark' } @marks;
        my $low = max 0, (map { $_->{data}{sequenceNumber} }
                          grep { $self->_certain($place, $time, $_) }
                              @counting),
            (map { $_->{data}{sequenceNumber} }
                 grep { $_->{created} > $since
                        && $self->_marked($place, $_->{created}) } @own);
        my $high = max $self->_sequence_at($place, $since),
            (map { $_->{data}{sequenceNumber} } @counting, @own);

        $self->{checked}++;
        $self->_wrong("$user has $kind up to $is->{$kind}, it must be from "
                      . "$low to $high", $place)
            if $is->{$kind} < $low || $is->{$kind} > $high;
    }

    return;
}


sub _wrong ($self, $what, $place) {
    $self->{report}->("marks: $what", place => $place);

    return;
}


# The last event by which the user came, went, or everything began; and the
# time at which that was known, 0 if it was from the start.

sub _since ($self, $place, $user) {
    my $truth = $self->{truth};
    my $alive = $truth->alive($place);

    for my $revision (reverse @$alive) {
        my $event = $truth->get($place, $revision);
        my ($thing) = @$event;

        return ($revision, $event->[TIME] // 0)
            if $thing =~ /^[cd]\z/ || $thing eq "u $user";
    }

    return (0, 0);
}


# the last message at that revision

sub _sequence_at ($self, $place, $revision) {
    return max 0, map { $_->{data}{sequenceNumber} }
        grep { $_->{created} <= $revision }
            @{ $self->{stored}{messages}{$place} // [] };
}


# It was answered, in this life of the membership, was of a message that
# everybody could know of, and was stored before anything was lost.

sub _certain ($self, $place, $since, $mark) {
    my ($asked, $time) = @$mark{qw(asked time)};
    my $messages = $self->{stored}{messages}{$place} // [];
    my $message = $messages->[$mark->{data}{sequenceNumber} - 1] // return 0;
    my $event = $self->{truth}->get($place, $message->{created});

    return 0 if !defined $time || $asked <= $since
        || !$event || !defined $event->[TIME] || $event->[TIME] >= $asked;

    return $self->_kept($asked, $time);
}


# whether the mark that a message makes for its sender must be there

sub _marked ($self, $place, $revision) {
    my $event = $self->{truth}->get($place, $revision);
    my $time = $event && $event->[TIME];

    return defined $time && $self->_kept($time, $time);
}


# what was marked from then to then was stored before anything was lost

sub _kept ($self, $from, $to) {
    return !any { $_->{begin} <= $to + UNSTORED && $_->{end} >= $from }
        @{ $self->{losses} };
}

1;
