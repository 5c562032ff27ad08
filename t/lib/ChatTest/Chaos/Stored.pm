# What is stored against what has happened: messages, reactions, members,
# settings, as the latest events tell them, and nothing else; the sequence
# numbers 1, 2, 3 ... in the order of the revisions.

package ChatTest::Chaos::Stored;

use v5.36;

use ChatTest::Chaos::Event qw(message_of settings_of);
use ChatTest::Chaos::Truth qw(THING KIND VALUE);


# truth, stored, report

sub new ($class, %o) { return bless {%o}, $class }


# Messages that are stored have happened, whether anybody heard of them or not.
# Comes before anything is judged.

sub teach ($self) {
    my ($truth, $messages) = ($self->{truth}, $self->{stored}{messages});

    for my $place (sort keys %$messages) {
        my ($tenant) = split m{/}, $place;

        for (map { $_->{data} } @{ $messages->{$place} }) {
            $_->{conversationId} = $place =~ s{^[^/]+/}{}r;
            $truth->add($tenant, {
                %{ message_of($_) }, revision => $_->{revision},
                conversation => $_->{conversationId},
            });
        }
    }

    return;
}


sub _wrong ($self, $what, $place, $revision = undef) {
    $self->{report}->("stored: $what", place => $place,
                      revision => $revision);

    return;
}


sub check ($self) {
    my ($truth, $stored) = @$self{qw(truth stored)};

    $self->_wrong($_, '') for @{ $stored->{wrong} };

    for my $place ($truth->places) {
        my $conversation = $stored->{conversations}{$place} // next;
        my $last = $truth->alive($place)->[-1] // 0;

        $self->_wrong("the conversation is at $conversation->{revision}, but "
                      . "there was $last", $place, $last)
            if $conversation->{revision} < $last;

        my $latest = $self->_latest($place);

        if ($conversation->{deleted}) {
            $self->_wrong('the conversation is deleted, but there is more',
                          $place, $last) if %$latest;
            next;
        }

        $self->_messages($place, $latest);
        $self->_sequences($place);
        $self->_reactions($place, $latest);
        $self->_members($place, $latest);
        $self->_settings($place, $latest);
    }

    return;
}


# the revision of the latest event of each thing

sub _latest ($self, $place) {
    my $truth = $self->{truth};
    my %latest;

    for my $revision (@{ $truth->alive($place) }) {
        my ($thing, $kind) = @{ $truth->get($place, $revision) };

        if ($thing eq 'd') {
            %latest = ();
            next;
        }

        $latest{$thing} = $revision;
    }

    return \%latest;
}


sub _messages ($self, $place, $latest) {
    my %stored = map { ("m $_->{data}{id}" => $_->{data}{revision}) }
        @{ $self->{stored}{messages}{$place} // [] };

    for my $thing (grep { /^m / } sort keys %$latest) {
        my $is = $stored{$thing};

        $self->_wrong("there is no $thing", $place, $latest->{$thing})
            if !defined $is;
        $self->_wrong("$thing is as of $is, but there was $latest->{$thing}",
                      $place, $latest->{$thing})
            if defined $is && $is != $latest->{$thing};
    }

    return;
}


sub _sequences ($self, $place) {
    my @messages = @{ $self->{stored}{messages}{$place} // [] };
    my $last = $self->{stored}{conversations}{$place}{sequence};
    my ($n, $before) = (0, 0);

    for (@messages) {
        my ($sequence, $revision) = @{ $_->{data} }{qw(sequenceNumber
                                                       revision)};

        $n++;
        return $self->_wrong("sequence $sequence where $n should be", $place,
                             $revision) if $sequence != $n;
        $self->_wrong("sequence $sequence was made at $_->{created}, the one "
                      . "before at $before", $place, $revision)
            if $_->{created} <= $before;
        $before = $_->{created};
    }

    $self->_wrong("there are $n messages, and the last is $last", $place)
        if $n != $last;

    return;
}


# those of a message that was deleted are gone

sub _reactions ($self, $place, $latest) {
    my $truth = $self->{truth};
    my %stored = %{ $self->{stored}{reactions}{$place} // {} };

    for my $thing (grep { /^r / } sort keys %$latest) {
        my $revision = $latest->{$thing};
        my ($message) = $thing =~ /^r (\S+)/;
        my $told = $latest->{"m $message"};
        my $there = $truth->get($place, $revision)->[VALUE] eq 'added'
            && !($told && $truth->get($place, $told)->[KIND] eq 'd');
        my $is = delete $stored{$thing};

        $self->_wrong("$thing is " . (defined $is ? 'there' : 'not there'),
                      $place, $revision) if $there != defined $is;
        $self->_wrong("$thing is as of $is, but there was $revision", $place,
                      $revision) if $there && defined $is && $is < $revision;
    }

    return;
}


# Those who become members by the first message or mark in a channel are not
# told; nor are those who were members from the start.

sub _members ($self, $place, $latest) {
    my $stored = $self->{stored}{members}{$place} // {};

    for my $thing (grep { /^u / } sort keys %$latest) {
        my $user = substr $thing, 2;
        my $role = $self->{truth}->get($place, $latest->{$thing})->[VALUE];
        my $is = $stored->{$user} // {};
        my $has = $is->{silent} ? '' : $is->{role} // '';

        $self->_wrong("$user is \"$has\", and was told as \"$role\"", $place,
                      $latest->{$thing}) if $has ne $role;
    }

    return;
}


sub _settings ($self, $place, $latest) {
    my $revision = $latest->{s} // return;
    my $told = $self->{truth}->get($place, $revision)->[VALUE];
    my $is = settings_of($self->{stored}{conversations}{$place});

    for (sort keys %$told) {
        $self->_wrong("$_ is \"$is->{$_}\", and was told as \"$told->{$_}\"",
                      $place, $revision) if $is->{$_} ne $told->{$_};
    }

    return;
}

1;
