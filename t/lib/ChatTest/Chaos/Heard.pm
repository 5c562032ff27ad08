# What a client was told, judged: line by line as it was recorded, once it is
# known what has happened (ChatTest::Chaos::Truth).
#
# Two things are followed for each conversation.  What comes live: from the
# answer to the join on every event, in order, none twice, until the session
# leaves or is put out, and then nothing.  And what the client holds, over all
# its sessions: what it had, what answers to joins brought, what came live.
# Both are a ChatTest::Chaos::Way.
#
# A client that says how far it got is told to start over exactly if it has
# seen what was lost.  An answer from before the loss needs no such word: it
# tells of a revision that was lost, too.

package ChatTest::Chaos::Heard;

use v5.36;

use List::Util qw(max);

use ChatTest::Chaos::Truth qw(THING VALUE TIME);
use ChatTest::Chaos::Way;

my %TAKE = (
    open    => '_open',
    down    => '_down',
    ask     => '_ask',
    reply   => '_reply',
    refused => '_answered',
    event   => '_event',
    receipt => '_ephemeral',
    typing  => '_ephemeral',
    hint    => '_hint',
    reset   => '_reset',
    forget  => '_forget',
    ready   => '_ready',
);


# who: see ChatTest::Chaos::Records; truth; report

sub new ($class, %o) {
    return bless {
        %o, asked => {}, live => {}, held => {}, early => {}, now => 0,
        skipped => 0, events => 0, resets => 0, hints => 0, at_end => 0, late => 0,
    }, $class;
}


# a line, or the end

sub take ($self, $line) {
    return $self->_end if !$line;

    my ($what, $time, @more) = @$line;
    my $method = $TAKE{$what} // return;

    $self->{now} = $time;
    $self->$method(@more);

    return;
}


# late: how long after somebody else it heard an event at the most (ms)

sub late ($self) { return $self->{late} }


sub counts ($self) {
    return map { $_ => $self->{$_} } qw(events resets skipped hints);
}


sub _place ($self, $conversation) {
    return "$self->{who}{tenant}/$conversation";
}


sub _wrong ($self, $what, $place, $revision = undef, $time = $self->{now}) {
    $self->{report}->($what, client => $self->{who}{name}, place => $place,
                      revision => $revision, time => $time);

    return;
}


# The session ------------------------------------------------------------

sub _open ($self, $url) {
    $self->{asked} = {};

    return;
}


sub _down ($self, $why) {
    $self->_stop_live($_) for sort keys %{ $self->{live} };

    return;
}


sub _ask ($self, $id, $try, $type, $data, $what = '') {
    $self->{asked}{$id} = [$type, $data, $what eq 'probe']
        if $type =~ /^conversation\.(?:join|leave)\z/;

    return;
}


sub _answered ($self, $id, $error) {
    delete $self->{asked}{$id};

    return;
}


sub _reply ($self, $id, $data) {
    my ($type, $asked, $probe) = @{ delete $self->{asked}{$id} // return };

    if ($type eq 'conversation.leave') {
        $self->_stop_live($self->_place($asked->{conversationId}));

    } elsif ($asked->{conversations}) {
        $self->_batch($asked->{conversations}, $data->{conversations});

    } else {
        $self->_joined($asked, $data, $probe);
    }

    return;
}


sub _batch ($self, $asked, $answers) {
    for my $i (0 .. $#$asked) {
        my $id = $asked->[$i]{conversationId};
        my $answer = $answers->[$i];

        if (!$answer || $answer->{conversationId} ne $id) {
            $self->_wrong('the answer to a batch is not in its order',
                          $self->_place($id));

        } elsif (!$answer->{error}) {
            $self->_joined($asked->[$i], $answer, 0);
        }
    }

    return;
}


# Joins ------------------------------------------------------------------

sub _joined ($self, $asked, $data, $probe) {
    my $place = $self->_place($asked->{conversationId});
    my $had = $asked->{afterRevision};

    $self->_check_reset($place, $had, $data);
    $self->_check_answer($place, $had, $data)
        if defined $had && !$data->{reset};

    $self->_hold($place, $had, $data) if !$probe;

    my $live = $self->{live}{$place};

    if ($live) {
        $live->{admitted} = max $live->{admitted}, $data->{revision};

    } elsif ($data->{complete}) {
        $self->{live}{$place} = {
            way      => ChatTest::Chaos::Way->new($self->{truth}, $place,
                                                  $data->{revision}),
            admitted => $data->{revision},
        };
    }

    return;
}


sub _check_reset ($self, $place, $had, $data) {
    my $good = !defined $had || $self->{truth}->good($place, $had);

    if ($data->{reset}) {
        $self->{resets}++;
        $self->_wrong('told to start over, though nothing was lost that it had'
                      . " seen (it had $had)", $place, $data->{revision})
            if $good;

    } elsif (!$good && $self->{truth}->good($place, $data->{revision})) {
        $self->_wrong("not told to start over: it had seen $had, which was"
                      . ' lost', $place, $data->{revision});
    }

    return;
}


# the events in it, each for itself and all together

sub _check_answer ($self, $place, $had, $data) {
    my $way = ChatTest::Chaos::Way->new($self->{truth}, $place, $had);
    my $last = $had;

    for my $number (@{ $data->{events} }) {
        my ($where, $revision) = $self->{who}{text}->($number);

        $self->_wrong("the answer to a join after $had is not in order: "
                      . "$revision after $last", $place, $revision)
            if $where ne $place || $revision <= $last;
        $way->get($revision, $self->{now});
        $last = $revision;
    }

    $self->_wrong("the answer to a join tells of $last, and ends at "
                  . $data->{revision}, $place, $last)
        if $last > $data->{revision} && $last != $had;

    return if !$data->{complete};

    $way->reach($data->{revision}, $self->{now}) if $data->{revision} > $last;
    $self->{skipped} += $way->skipped;
    $self->_missing($way, $place, "the answer to a join after $had");

    return;
}


sub _missing ($self, $way, $place, $where) {
    my ($missing) = $way->missing;

    return if !$missing;
    $self->_wrong("$where misses $missing->[0]", $place, @$missing);
    $way->start($way->revision);

    return;
}


# What the client holds after that; as in ChatTest::Chaos::Holding.

sub _hold ($self, $place, $had, $data) {
    my $held = $self->{held}{$place};

    if (!defined $had || $data->{reset}) {
        $held = $self->{held}{$place} = ChatTest::Chaos::Way->new(
            $self->{truth}, $place, $data->{revision});
        $self->_got($place, $_) for splice @{ $self->{early}{$place} // [] };
        return;
    }

    return if !$held;

    $self->_got($place, ($self->{who}{text}->($_))[1]) for @{ $data->{events} };
    $held->reach($data->{revision}, $self->{now})
        if $data->{revision} > $held->revision;
    $self->_missing($held, $place, 'what the client holds')
        if $data->{complete};

    return;
}


sub _got ($self, $place, $revision) {
    my $held = $self->{held}{$place}
        // return push @{ $self->{early}{$place} }, $revision;

    $held->get($revision, $self->{now}) if $revision > $held->revision;

    return;
}


sub _forget ($self, $conversation, $why) {
    my $place = $self->_place($conversation);
    my $held = delete $self->{held}{$place};

    delete $self->{early}{$place};
    $self->_cut($held, $place, 'what the client held') if $held;

    return;
}


# Live -------------------------------------------------------------------

sub _event ($self, $number) {
    my ($place, $revision) = $self->{who}{text}->($number);
    my $live = $self->{live}{$place};

    my $first = $self->{truth}->get($place, $revision)->[TIME];

    $self->{events}++;
    $self->{late} = max $self->{late}, $self->{now} - $first;
    $self->_got($place, $revision);

    return $self->_wrong('an event of what it does not listen to', $place,
                         $revision) if !$live;

    my $way = $live->{way};

    if (!$live->{reset}) {
        $self->_wrong("live $revision after " . $way->revision, $place,
                      $revision) if $revision <= $way->revision;
        $self->_check_loss($way, $place, $revision);
        $way->get($revision, $self->{now});

    } else {
        $way->start($revision);
        $live->{reset} = 0;
    }

    $self->_put_out($place, $live, $revision);

    return;
}


sub _check_loss ($self, $way, $place, $revision) {
    my $had = $way->revision;
    my $truth = $self->{truth};

    $self->_wrong("live $revision, though it had seen $had, which was lost, "
                  . 'and was not told to start over', $place, $revision)
        if !$truth->good($place, $had) && $truth->good($place, $revision);

    return;
}


# Who was let in later than the event was is not put out by it.

sub _put_out ($self, $place, $live, $revision) {
    my $event = $self->{truth}->get($place, $revision);
    my ($thing, $value) = @$event[THING, VALUE];
    my $out = $thing eq 'd' || $thing eq "u $self->{who}{user}"
        && ($value eq '' || $value eq 'blocked');

    $self->_stop_live($place) if $out && $revision > $live->{admitted};

    return;
}


sub _stop_live ($self, $place) {
    my $live = delete $self->{live}{$place} // return;

    $self->{skipped} += $live->{way}->skipped;
    $self->_cut($live->{way}, $place, 'what came live') if !$live->{reset};

    return;
}


# The end of a way, at any place of it: what is missing may have been about to
# be told by an event that did not come any more.

sub _cut ($self, $way, $place, $where) {
    my @missing = $way->missing or return;

    $way->rest;
    $self->_missing($way, $place, $where);

    return;
}


sub _ephemeral ($self, $conversation, $user, $what, @more) {
    my $place = $self->_place($conversation);

    $self->_wrong("\"$what\" of what it does not listen to", $place)
        if !$self->{live}{$place};

    return;
}


# Who listens is told by the events themselves.  Who was told to start over may
# have been put out by what was lost.

sub _hint ($self, $type, $conversation, $user = undef) {
    my $place = $self->_place($conversation);
    my $live = $self->{live}{$place};

    $self->{hints}++;
    $self->_wrong("the hint $type of what it listens to", $place)
        if $live && !$live->{reset};
    $self->_wrong("the hint $type tells of $user", $place)
        if defined $user && $user ne $self->{who}{user};

    return;
}


sub _reset ($self, $conversation) {
    my $place = $self->_place($conversation);
    my $live = $self->{live}{$place};

    $self->{resets}++;
    return $self->_wrong('told to start over what it does not listen to',
                         $place) if !$live;

    # who asks again for what it had may be told what is newer than the loss
    my @had = ($live->{way}->revision, $live->{admitted});

    $self->_wrong("told to start over, though nothing was lost that it had seen"
                  . " (it had @had)", $place, max @had)
        if !$live->{reset} && !grep { !$self->{truth}->good($place, $_) } @had;
    @$live{qw(reset admitted)} = (1, 0);

    return;
}


# The end ----------------------------------------------------------------

sub _ready ($self, $what, $conversation = undef, @more) {
    my $place = defined $conversation ? $self->_place($conversation) : '';

    $self->_wrong("$more[0] was never heard live, $more[1] was the last",
                  $place, $more[0]) if $what eq 'deaf';
    $self->_wrong('it could not be joined again in the end', $place)
        if $what eq 'stuck';
    $self->{at_end} = 1 if $what eq 'end';

    return;
}


sub _end ($self) {
    return $self->_wrong('its records do not reach to the end', '')
        if !$self->{at_end} && $self->{who}{name} !~ /^setup/;

    for my $place (sort keys %{ $self->{live} }) {
        my $held = $self->{held}{$place} // next;
        my $is = $self->{truth}{stored}{conversations}{$place}{revision};

        $self->_wrong('the client has come to ' . $held->revision
                      . ", it should be $is", $place, $is)
            if $held->revision != $is;
        $self->_missing($held, $place, 'what the client holds');
    }

    return;
}

1;
