# The way of a reader through the events of a conversation: from a revision on
# it gets every event that has survived, in order; one may be left out only if
# a later one tells of the same thing (or of the end of what it belongs to), and
# had already happened when it was left out.

package ChatTest::Chaos::Way;

use v5.36;

use ChatTest::Chaos::Truth qw(THING TIME);

# ms by which an event may be heard of later than it happened
use constant LATE => 3000;


sub new ($class, $truth, $place, $revision) {
    my $self = bless {
        truth => $truth, place => $place, skipped => 0,
    }, $class;

    $self->start($revision);

    return $self;
}


sub revision ($self) { return $self->{revision} }

# how many events were left out and told by later ones
sub skipped ($self) { return $self->{skipped} }


# anywhere, without having come there

sub start ($self, $revision) {
    $self->{revision} = $revision;
    $self->{next} = $self->{truth}->above($self->{place}, $revision);
    $self->{missing} = {};
    $self->{lost} = [];

    return;
}


# it is told, at that time (ms), that this is how far it got

sub reach ($self, $revision, $now) {
    my ($truth, $place, $missing) = @$self{qw(truth place missing)};
    my $alive = $truth->alive($place);

    while ($self->{next} < @$alive && $alive->[$self->{next}] <= $revision) {
        my $left_out = $alive->[$self->{next}++];
        my $thing = $truth->get($place, $left_out)->[THING];

        push @{ $missing->{$thing} }, [$left_out, $now];
    }

    $self->{revision} = $revision;

    return;
}


# it gets this event

sub get ($self, $revision, $now) {
    my ($truth, $place) = @$self{qw(truth place)};
    my $alive = $truth->alive($place);

    $self->reach($revision - 1, $now)
        if ($alive->[$self->{next}] // 0) < $revision;
    $self->{next}++ if ($alive->[$self->{next}] // 0) == $revision;
    $self->{revision} = $revision;

    $self->_supersede($truth->get($place, $revision)) if %{ $self->{missing} };

    return;
}


sub _supersede ($self, $event) {
    my $missing = $self->{missing};
    my ($thing, $kind) = @$event;
    my ($message) = $kind eq 'd' ? $thing =~ /^m (.*)/ : ();
    my @told = grep {
        $_ eq $thing || $thing eq 'd'
            || defined $message && index($_, "r $message ") == 0;
    } keys %$missing;

    my $happened = ($event->[TIME] // 0) - LATE;

    for (map { @{ delete $missing->{$_} } } @told) {
        $self->{skipped}++;
        push @{ $self->{lost} }, $_ if $happened > $_->[1];
    }

    return;
}


# It ends here; what later events would have told is not missing.

sub rest ($self) {
    my ($truth, $place) = @$self{qw(truth place)};
    my $alive = $truth->alive($place);

    for (my $i = $self->{next}; $i < @$alive && %{ $self->{missing} }; $i++) {
        $self->_supersede($truth->get($place, $alive->[$i]));
    }

    return;
}


# what is missing so far: revisions with the times at which they were left out,
# the lowest first

sub missing ($self) {
    return sort { $a->[0] <=> $b->[0] } @{ $self->{lost} },
        map { @$_ } values %{ $self->{missing} };
}

1;
