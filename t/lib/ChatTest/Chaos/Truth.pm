# What has happened, as anybody saw it or was told of it: of each conversation
# the events by their revisions.  What is stored in the end tells which of them
# have survived; an event of which nobody knows is not here.
#
# An event is kept as an array, see the constants.

package ChatTest::Chaos::Truth;

use v5.36;

use Exporter qw(import);

use constant {
    THING    => 0,
    KIND     => 1,
    VALUE    => 2,      # undef: it is known that there is one, not what it says
    TIME     => 3,      # ms, when it was first heard of
    SEQUENCE => 4,
    CONTENT  => 5,
    GENERATION => 2 ** 32,
};

our @EXPORT_OK = qw(THING KIND VALUE TIME SEQUENCE CONTENT generation_of);


# stored: see ChatTest::Chaos::Storage; report: sub ($what, %where)

sub new ($class, %o) {
    return bless { %o, events => {}, alive => {} }, $class;
}


sub generation_of ($revision) { return int $revision / GENERATION }


# Takes in what an event says.  The same revision must always be the same.

sub add ($self, $tenant, $event) {
    my $place = "$tenant/$event->{conversation}";
    my $revision = $event->{revision};
    my $known = $self->{events}{$place}{$revision};

    if (!$known) {
        $self->{events}{$place}{$revision} =
            [@$event{qw(thing kind value)}, undef, @$event{qw(sequence content)}];
        return;
    }

    my $wrong = _differs($known, $event);

    $self->{report}->("a revision was handed out twice: $wrong",
                      place => $place, revision => $revision) if $wrong;

    if (!defined $known->[VALUE]) {
        @$known[KIND, VALUE, CONTENT] = @$event{qw(kind value content)};

    } elsif (ref $known->[VALUE] && ref $event->{value}) {
        $known->[VALUE] = { %{ $known->[VALUE] }, %{ $event->{value} } };
    }

    return;
}


sub _differs ($known, $event) {
    my ($thing, $kind, $value) = @$known;

    return "$thing, and $event->{thing}" if $thing ne $event->{thing};
    return '' if !defined $value || !defined $event->{value};
    return "$kind of $thing, and $event->{kind}" if $kind ne $event->{kind};

    if (!ref $value) {
        return $value eq $event->{value} ? ''
            : "$thing is \"$value\", and \"$event->{value}\"";
    }

    for (grep { exists $value->{$_} } keys %{ $event->{value} }) {
        return "$_ is \"$value->{$_}\", and \"$event->{value}{$_}\""
            if $value->{$_} ne $event->{value}{$_};
    }

    return '';
}


sub heard ($self, $place, $revision, $time) {
    my $event = $self->{events}{$place}{$revision} // return;

    $event->[TIME] = $time
        if !defined $event->[TIME] || $time < $event->[TIME];

    return;
}


sub get ($self, $place, $revision) {
    return $self->{events}{$place}{$revision};
}


sub places ($self) { return sort keys %{ $self->{events} } }


sub revisions ($self, $place) {
    return sort { $a <=> $b } keys %{ $self->{events}{$place} };
}


# Whether what has this revision, or whoever has seen it, has survived.

sub good ($self, $place, $revision) {
    my $last = $self->{stored}{generations}{$place}
                              { generation_of($revision) };

    return $revision == 0 || defined $last && $revision <= $last;
}


# the revisions of what has survived, in order; once all is added

sub alive ($self, $place) {
    return $self->{alive}{$place} //=
        [grep { $self->good($place, $_) } $self->revisions($place)];
}


# where in these the first one above a revision is

sub above ($self, $place, $revision) {
    my $alive = $self->alive($place);
    my ($low, $high) = (0, scalar @$alive);

    while ($low < $high) {
        my $middle = int(($low + $high) / 2);

        if ($alive->[$middle] > $revision) {
            $high = $middle;
        } else {
            $low = $middle + 1;
        }
    }

    return $low;
}


# The changes of a conversation are counted through, across generations, so no
# two survivors have the same number, nor are they in another order.

sub check ($self) {
    for my $place ($self->places) {
        my ($last, $before) = (0, 0);

        for my $revision (@{ $self->alive($place) }) {
            my $n = $revision % GENERATION;

            $self->{report}->("two changes have the number $n: $before, "
                              . $revision, place => $place,
                              revision => $revision) if $n <= $last;
            ($last, $before) = ($n, $revision);
        }
    }

    return;
}

1;
