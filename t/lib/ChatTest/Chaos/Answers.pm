# Whether what was acknowledged is so: each change against what has happened,
# conversation by conversation, in the order of the revisions.
#
# - It has survived, unless Redis lost it, which excuses only acknowledgements
#   that did not wait for PostgreSQL, shortly before that.
# - Its revision is that of an event that says just this; or nothing had to be
#   changed, and then the state at that revision is as it was asked for.
# - A client id has one message, and every answer to it is the same; only the
#   first is no duplicate.

package ChatTest::Chaos::Answers;

use v5.36;

use Digest::MD5 qw(md5_base64);

use ChatTest::Chaos::Event qw(settings_of);
use ChatTest::Chaos::Json qw(encode);
use ChatTest::Chaos::Truth qw(THING KIND VALUE CONTENT);

# how long what was accepted may wait to be stored: as long as PostgreSQL is
# away (ms)
use constant UNSTORED => 180_000;

# the event that a change makes, and what it makes of that thing; undef: what
# cannot be foretold
my %MADE = (
    'message.send'        => sub ($d, $r) { ("m $r->{id}", 'c') },
    'message.edit'        => sub ($d, $r) { ("m $d->{messageId}", 'u') },
    'message.delete'      => sub ($d, $r) { ("m $d->{messageId}", 'd') },
    'reaction.add'        => sub ($d, $r) { (_reaction($d), 'added') },
    'reaction.remove'     => sub ($d, $r) { (_reaction($d), 'removed') },
    'member.add'          => sub ($d, $r) { ("u $d->{userId}",
                                             $d->{role} // 'member') },
    'member.update'       => sub ($d, $r) { ("u $d->{userId}", $d->{role}) },
    'member.remove'       => sub ($d, $r) { ("u $d->{userId}", '') },
    'conversation.create' => sub ($d, $r) { ('c', undef) },
    'conversation.update' => sub ($d, $r) { ('s', settings_of($d)) },
    'conversation.delete' => sub ($d, $r) { ('d', '') },
);

# the kind of an event of that thing
my %KIND = (m => 'd', r => undef, u => 'member', s => 'updated',
            c => 'created', d => 'deleted');

# what changes something whenever it succeeds
my %ALWAYS = map { $_ => 1 } qw(message.send message.edit member.remove
    conversation.delete);


sub _reaction ($data) {
    return "r $data->{messageId} $data->{user} $data->{emoji}";
}


# truth, deeds, losses => [{ begin, end }] in ms, report

sub new ($class, %o) { return bless {%o}, $class }


# What was acknowledged has happened, even if nobody heard of it.  Comes after
# everything else that is known, before anything is judged.

sub teach ($self) {
    my ($truth, $deeds) = @$self{qw(truth deeds)};

    for my $place ($deeds->places) {
        my ($tenant, $id) = split m{/}, $place, 2;

        # of the others one may have changed nothing: who was answered later
        for my $change (sort { _certain($b) <=> _certain($a)
                               || $a->{time} <=> $b->{time} }
                        $deeds->changes($place))
        {
            my ($revision, $reply) = @$change{qw(revision reply)};

            next if $reply->{duplicate} || $truth->get($place, $revision);
            $truth->add($tenant, { _event_of($change), conversation => $id,
                                   revision => $revision });
            $truth->heard($place, $revision, $change->{time});
        }
    }

    return;
}


sub _certain ($change) {
    my $type = $change->{type};

    return $ALWAYS{$type} || $type eq 'conversation.create' ? 1 : 0;
}


sub _event_of ($change) {
    my ($thing, $made) = $MADE{ $change->{type} }->(
        { %{ $change->{data} }, user => $change->{user} }, $change->{reply});
    my $of = substr $thing, 0, 1;

    return (
        thing => $thing,
        kind  => $KIND{$of} // ($made eq 'added' ? '+' : '-'),
        value => $of eq 'm' ? undef : $made,
    );
}


sub check ($self) {
    my ($truth, $deeds) = @$self{qw(truth deeds)};

    for my $place ($deeds->places) {
        my @changes = sort { $a->{revision} <=> $b->{revision} }
            $deeds->changes($place);

        $self->_survived($_) for @changes;
        $self->_happened($place,
            grep { $truth->good($place, $_->{revision}) } @changes);
        $self->_once($place, grep { $_->{type} eq 'message.send'
            && defined $_->{data}{clientMessageId} } @changes);
    }

    return;
}


sub _wrong ($self, $what, $change) {
    $self->{report}->("$change->{type} that was acknowledged with "
                      . "$change->{revision}: $what",
                      map { $_ => $change->{$_} }
                          qw(place revision client time));

    return;
}


sub _survived ($self, $change) {
    return if $self->{truth}->good(@$change{qw(place revision)});

    return $self->_wrong('it is lost, and had been stored', $change)
        if $change->{stored};

    my $excused = grep {
        $_->{end} >= $change->{asked}
            && $_->{begin} <= $change->{time} + UNSTORED
    } @{ $self->{losses} };

    $self->_wrong('it is lost', $change) if !$excused;
    $self->{lost}++;

    return;
}


sub lost ($self) { return $self->{lost} // 0 }


# Each with the state at its revision -------------------------------------

sub _happened ($self, $place, @changes) {
    my $truth = $self->{truth};
    my $alive = $truth->alive($place);
    my ($i, %state) = (0);

    for my $change (@changes) {
        while ($i < @$alive && $alive->[$i] <= $change->{revision}) {
            _follow(\%state, $truth->get($place, $alive->[$i++]));
        }

        my $event = $truth->get(@$change{qw(place revision)});
        my $wrong = $self->_judge($change, $event, \%state);

        $self->_wrong($wrong, $change) if $wrong;
    }

    return;
}


sub _follow ($state, $event) {
    my ($thing, $kind, $value) = @$event;

    if ($thing eq 'd') {
        %$state = ();

    } elsif (ref $value) {
        $state->{$thing} = { %{ $state->{$thing} // {} }, %$value };

    } else {
        $state->{$thing} = $thing =~ /^m / ? $kind : $value;
    }

    return;
}


sub _judge ($self, $change, $event, $state) {
    my ($type, $data, $reply) = @$change{qw(type data reply)};
    my ($thing, $made) = $MADE{$type}->({ %$data, user => $change->{user} },
                                        $reply);

    return $self->_told($change, $event, $made)
        if $event && $event->[THING] eq $thing;
    return '' if !$event && !$ALWAYS{$type};    # nobody has heard of it
    return "there is no such event, but \"$event->[THING]\""
        if $ALWAYS{$type} || $type eq 'conversation.create'
            && !$reply->{duplicate};

    # a change that was none

    my $is = $state->{$thing};

    return '' if !defined $is || !defined $made
        || $self->_silent($change, $is);

    if (ref $made) {
        my ($other) = grep { ($is->{$_} // $made->{$_}) ne $made->{$_} }
            keys %$made;

        return defined $other ? "$other is \"$is->{$other}\"" : '';
    }

    return $is eq $made ? '' : "$thing is \"$is\"";
}


# who is told as gone from a channel may have become a member again by a message
# or a mark

sub _silent ($self, $change, $is) {
    my ($place, $type) = @$change{qw(place type)};
    my $conversation = $self->{truth}{stored}{conversations}{$place} // {};

    return $is eq '' && $type =~ /^member\./
        && ($conversation->{type} // '') eq 'channel';
}


# It is about the same thing; perhaps of another request, which left nothing to
# do.

sub _told ($self, $change, $event, $made) {
    my ($type, $data) = @$change{qw(type data)};
    my $is = $event->[THING] =~ /^m / ? $event->[KIND] : $event->[VALUE];

    return '' if !defined $is || !defined $made
        || $self->_silent($change, $is);

    if (ref $made) {
        my ($other) = grep { ($is->{$_} // $made->{$_}) ne $made->{$_} }
            keys %$made;

        return defined $other ? "$other became \"$is->{$other}\"" : '';
    }

    return "$event->[THING] became \"$is\"" if $is ne $made;

    return 'its content is another'
        if $type =~ /^message\.(?:send|edit)\z/ && defined $event->[CONTENT]
            && $event->[CONTENT] ne md5_base64(encode($data->{content}));

    return '';
}


# Client ids --------------------------------------------------------------

sub _once ($self, $place, @sends) {
    my %by_id;

    push @{ $by_id{"$_->{user} $_->{data}{clientMessageId}"} }, $_ for @sends;

    for my $sends (map { $by_id{$_} } sort keys %by_id) {
        my ($first, @more) = @$sends;

        $self->_wrong('it was a duplicate, and had been sent once only',
                      $first) if !@more && $first->{alone}
                                 && $first->{reply}{duplicate};
        $self->_same($first, $_) for @more;
        $self->_first(@$sends);
    }

    return;
}


# A message that was lost is sent again, and so is one of a conversation that
# was deleted since.

sub _same ($self, $first, $other) {
    my ($a, $b) = map { $_->{reply} } $first, $other;
    my $same = !grep { $a->{$_} ne $b->{$_} }
        qw(id sequenceNumber revision timestamp);

    return if $same || !$self->{truth}->good(@$first{qw(place revision)})
        || $self->_deleted_between($first, $other);

    $self->_wrong("the message is there twice: $a->{id}, and $b->{id} with "
                  . $b->{revision}, $first);

    return;
}


sub _first ($self, @sends) {
    my %firsts;

    $firsts{ $_->{reply}{id} }++ for grep { !$_->{reply}{duplicate} } @sends;

    for my $id (grep { $firsts{$_} > 1 } sort keys %firsts) {
        my ($one) = grep { $_->{reply}{id} eq $id } @sends;

        $self->_wrong("$firsts{$id} answers say that it was new", $one);
    }

    return;
}


sub _deleted_between ($self, $first, $other) {
    my ($truth, $place) = ($self->{truth}, $first->{place});
    my $alive = $truth->alive($place);

    for (my $i = $truth->above($place, $first->{revision});
         $i < @$alive && $alive->[$i] < $other->{revision}; $i++)
    {
        return 1 if $truth->get($place, $alive->[$i])->[THING] eq 'd';
    }

    return 0;
}

1;
