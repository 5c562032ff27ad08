# The story of one thing that went wrong: all that was asked of it, answered,
# heard, by whom and when, the faults around it, and what is stored.

package ChatTest::Chaos::Story;

use v5.36;

use POSIX qw(strftime);

use ChatTest::Chaos::Biography;
use ChatTest::Chaos::Json qw(encode);
use ChatTest::Chaos::Truth qw(THING KIND VALUE);

use constant {
    AROUND => 15_000,           # ms before and after
    CLOSE  => 500,              # the same, for what one client hears
    LONG   => 200,              # characters of a line
};


# what is wrong, in a line

sub line ($fault) {
    my @where = map { defined $fault->{$_} ? "$_ $fault->{$_}" : () }
        qw(client place revision);

    push @where, _time($fault->{time}) if defined $fault->{time};

    return "$fault->{what} (" . join(', ', @where) . ')';
}


sub _time ($ms) {
    return strftime('%H:%M:%S', gmtime $ms / 1000) . sprintf '.%03d',
        $ms % 1000;
}


sub tell ($check, $fault) {
    return _of_user($check, $fault) if defined $fault->{user};

    my $place = $fault->{place} || return '';
    my $thing = _thing($check, $fault);
    my @lines = (_recorded($check, $fault, $thing),
                 _faults($check, $fault));

    return join '', "The story of " . ($thing // $place) . ":\n",
        _in_order(@lines), _stored($check, $place, $thing);
}


sub _of_user ($check, $fault) {
    return join '', "The story of $fault->{user}:\n",
        _in_order(ChatTest::Chaos::Biography::lines($check, $fault),
                  _faults($check, $fault, 3));
}


sub _in_order (@lines) {
    return map { '  ' . _time($_->[0]) . '  ' . _short($_->[1]) . "\n" }
        sort { $a->[0] <=> $b->[0] } @lines;
}


sub _thing ($check, $fault) {
    my $event = defined $fault->{revision}
        && $check->truth->get(@$fault{qw(place revision)});

    return $event ? $event->[THING] : undef;
}


# Of everybody what concerns the thing; of the client that noticed it, what
# happened to it and its place around that time.

sub _recorded ($check, $fault, $thing) {
    my ($place, $time) = @$fault{qw(place time)};
    my $revisions = _revisions($check, $place, $thing, $fault->{revision});
    my ($message) = ($thing // '') =~ /^[mr] (\S+)/;
    my ($kept) = grep { $_->{data}{id} eq ($message // '') }
        @{ $check->stored->{messages}{$place} // [] };
    my %names = map { $_ => 1 } $message // (), $kept && $kept->{client} // ();
    my @lines;

    $check->records->clients(sub ($who) {
        my %open;
        my $noticed = $who->{name} eq ($fault->{client} // '');

        return sub ($line) {
            my ($what, $at, @more) = @{ $line // return };
            my $away = $noticed && defined $time ? abs($at - $time) : 9e15;
            my $near = $away < ($what eq 'event' ? CLOSE : AROUND);

            push @lines, [$at, "$who->{name} ($who->{user}): $_"]
                for _told($who, $place, \%names, $revisions, \%open, $near,
                          $what, @more);
        };
    });

    return @lines;
}


# those of all events of the thing

sub _revisions ($check, $place, $thing, $revision) {
    my $truth = $check->truth;
    my %revisions = map { $_ => 1 } $revision // ();

    return \%revisions if !defined $thing;

    for ($truth->revisions($place)) {
        $revisions{$_} = 1 if $truth->get($place, $_)->[THING] eq $thing;
    }

    return \%revisions;
}


# what a line says of it, if anything; names: the ids of the message

sub _told ($who, $place, $names, $revisions, $open, $near, $what, @more) {
    my $in_place = sub ($data) {
        return ref $data eq 'HASH' && defined $data->{conversationId}
            && "$who->{tenant}/$data->{conversationId}" eq $place;
    };

    if ($what eq 'ask') {
        my ($id, $try, $type, $data) = @more;
        my $here = $in_place->($data);
        my $of_it = $here && grep { $names->{ $data->{$_} // '' } }
            qw(messageId clientMessageId);

        $open->{$id} = [$type, $here, $of_it, $data];
        return $of_it || $here && $near && $type =~ /join|leave/
            ? _short("asks $id $type " . encode($data)) : ();
    }

    if ($what =~ /^(?:reply|refused|lost)\z/) {
        my ($id, $data) = @more;
        my ($type, $here, $of_it, $asked) = @{ delete $open->{$id} // [''] };
        my $revision = ref $data eq 'HASH' && $data->{revision};
        my @brings = _brought($who, $place, $revisions, $data);

        return _short("$what $id $type " . encode($asked) . ' '
                      . encode({ %{ $data // {} }, events => '...' }))
            if $of_it || $here && ($revision && $revisions->{$revision}
                                   || @brings
                                   || $near && $type =~ /join|leave/);
        return ();
    }

    if ($what eq 'event') {
        my ($where, $revision) = $who->{text}->($more[0]);

        return $where eq $place && ($revisions->{$revision} || $near)
            ? "hears $revision" : ();
    }

    return _short("$what " . join ' ', map { $_ // '-' } @more)
        if $near && ($what =~ /^(?:open|up|down|ready)\z/
                     || $what =~ /^(?:reset|forget)\z/
                        && "$who->{tenant}/$more[0]" eq $place);
    return ();
}


# the revisions of interest in the answer to a join

sub _brought ($who, $place, $revisions, $data) {
    return () if ref $data ne 'HASH';

    return grep {
        my ($where, $revision) = $who->{text}->($_);

        $where eq $place && $revisions->{$revision};
    } @{ $data->{events} // [] };
}


sub _short ($text) {
    return length $text > LONG ? substr($text, 0, LONG) . '...' : $text;
}


sub _faults ($check, $fault, $times = 1) {
    my $time = $fault->{time} // return;

    return map {
        my $ms = 1000 * $_->{t};

        abs($ms - $time) < $times * AROUND
            ? [$ms, "--- $_->{fault} " . ($_->{target} // '')
               . " ($_->{phase})"] : ();
    } $check->faults_made;
}


sub _stored ($check, $place, $thing) {
    my $stored = $check->stored;
    my $conversation = $stored->{conversations}{$place};
    my @text = ('  stored: ' . (!$conversation ? 'no such conversation'
                                : encode($conversation)));
    my ($message) = ($thing // '') =~ /^[mr] (\S+)/;

    push @text, '  generations: '
        . encode($stored->{generations}{$place} // {});
    push @text, map { "  stored: " . _short(encode($_)) }
        grep { $_->{data}{id} eq $message } @{ $stored->{messages}{$place} }
            if defined $message;

    return join("\n", @text) . "\n";
}

1;
