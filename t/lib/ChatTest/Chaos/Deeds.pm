# What clients have asked for, and what became of it: the requests and their
# answers, read before anything is judged, since what was acknowledged belongs
# to what has happened.
#
# An acknowledged change is { place, type, data, user, client, revision, reply,
# stored => whether the answer waited for PostgreSQL, asked, time, alone =>
# whether this was the only request of its try }.

package ChatTest::Chaos::Deeds;

use v5.36;

use ChatTest::Chaos::Event qw(message_of);

my %CHANGE = map { $_ => 1 } qw(conversation.create conversation.update
    conversation.delete member.add member.update member.remove message.send
    message.edit message.delete reaction.add reaction.remove);
my %MARK = map { $_ => 1 } qw(read.mark delivered.mark);
my %AT_ONCE = map { $_ => 1 } qw(bad_request rate_limited);
my %FREE = map { $_ => 1 } qw(ping conversation.create conversation.list);


# truth; urls; report

sub new ($class, %o) {
    return bless {
        %o, changes => {}, marks => {}, fresh => {}, counts => {}, lost => 0,
    }, $class;
}


sub changes ($self, $place) { return @{ $self->{changes}{$place} // [] } }
sub places ($self)          { return sort keys %{ $self->{changes} } }
sub marks ($self)           { return $self->{marks} }
sub fresh ($self)           { return $self->{fresh} }
sub counts ($self)          { return $self->{counts} }


# a client; what is returned takes its lines

sub reader ($self, $who) {
    my %own = (
        who => $who, asked => {}, order => {}, last => {}, tries => {},
        stored => 0, fresh => 0,
    );
    my %take = (
        open => sub ($time, $url) {
            $own{stored} = $self->{urls}[$url]{ack} eq 'stored';
            @own{qw(asked order last)} = ({}, {}, {});
        },
        ask => sub ($time, $id, $try, $type, $data, @more) {
            $self->_ask(\%own, $time, $id, $try, $type, $data);
        },
        reply => sub ($time, $id, $data) {
            $self->_reply(\%own, $time, $id, $data);
        },
        refused => sub ($time, $id, $error) {
            $self->_answered(\%own, $time, $id, $error->{code});
        },
        lost => sub ($time, $id) { $self->{lost}++ },
        event => sub ($time, $number) {
            $self->{truth}->heard($who->{text}->($number), $time);
        },
        ready => sub ($time, $what, @more) {
            $own{fresh} = 1 if $what eq 'fresh';
        },
    );

    return sub ($line) {
        my ($what, @more) = @{ $line // return };

        $take{$what}->(@more) if $take{$what};
    };
}


sub _ask ($self, $own, $time, $id, $try, $type, $data) {
    my $conversation = $data->{conversationId};
    my $asked = $own->{asked}{$id} = {
        type => $type, data => $data, asked => $time, try => $try,
        place => defined $conversation
            ? "$own->{who}{tenant}/$conversation" : undef,
    };

    $own->{tries}{$try}++;
    push @{ $own->{order}{ $asked->{place} } }, $id
        if defined $conversation && !$FREE{$type};
    $self->_mark($own, $asked) if $MARK{$type};

    return;
}


# Requests for a conversation are answered in their order, but for those that
# are refused before they begin.

sub _answered ($self, $own, $time, $id, $code = '') {
    my $asked = delete $own->{asked}{$id}
        // die "$own->{who}{name}: a reply to $id, which was not asked\n";
    my $order = defined $asked->{place} && !$FREE{ $asked->{type} }
        ? $own->{order}{ $asked->{place} } : [$id];

    $self->{report}->("request $id was answered before $order->[0]",
                      client => $own->{who}{name}, time => $time,
                      place => $asked->{place})
        if $order->[0] != $id && !$AT_ONCE{$code};
    @$order = grep { $_ != $id } @$order;

    return $asked;
}


sub _reply ($self, $own, $time, $id, $data) {
    my $asked = $self->_answered($own, $time, $id);
    my $type = $asked->{type};

    $self->{counts}{$type}++;
    $asked->{time} = $time;

    if ($CHANGE{$type}) {
        $self->_change($own, $asked, $data);

    } elsif ($type eq 'conversation.join') {
        $self->_heard($own, $time, $_->{events})
            for $data->{conversations} ? @{ $data->{conversations} } : $data;
    }

    push @{ $self->{fresh}{ $own->{who}{name} } },
        { who => $own->{who}, %$asked, reply => $data } if $own->{fresh};

    return;
}


sub _heard ($self, $own, $time, $events) {
    for my $number (@{ $events // [] }) {
        $self->{truth}->heard($own->{who}{text}->($number), $time);
    }

    return;
}


# every mark that was asked for may have been taken

sub _mark ($self, $own, $asked) {
    push @{ $self->{marks}{ $asked->{place} }{ $own->{who}{user} } }, $asked;

    return;
}


# Changes ----------------------------------------------------------------

sub _change ($self, $own, $asked, $reply) {
    my $who = $own->{who};

    $asked->{place} //= "$who->{tenant}/$reply->{conversationId}";

    my $change = {
        %$asked, user => $who->{user}, client => $who->{name},
        revision => $reply->{revision}, reply => $reply,
        stored => $own->{stored}, alone => $own->{tries}{ $asked->{try} } == 1,
    };

    push @{ $self->{changes}{ $asked->{place} } }, $change;
    $self->_in_order($own, $change);

    my $event = $self->_event_of($change) // return;

    @$event{qw(conversation revision)} =
        ($asked->{place} =~ s{^[^/]+/}{}r, $reply->{revision});
    $self->{truth}->add($who->{tenant}, $event);
    $self->{truth}->heard(@$change{qw(place revision time)});

    return;
}


# So are the changes that they make.  What changed nothing has the revision that
# was there, which goes back when the one before is lost.

sub _in_order ($self, $own, $change) {
    my ($place, $revision, $reply) = @$change{qw(place revision reply)};
    my $last = $own->{last}{$place} // 0;

    return if $reply->{duplicate} || $FREE{ $change->{type} };

    $self->{report}->(
        "$change->{type} has $revision, the request before it had $last",
        client => $change->{client}, place => $place, revision => $revision,
        time => $change->{time})
        if $revision < $last && $self->{truth}->good($place, $last);
    $own->{last}{$place} = $revision;

    return;
}


# What must be the event of that revision; undef if that is not certain.

sub _event_of ($self, $change) {
    my ($type, $data, $reply) = @$change{qw(type data reply)};

    return message_of({
        %$data, id => $reply->{id}, senderId => $change->{user},
        map { $_ => $reply->{$_} } qw(timestamp sequenceNumber revision),
    }) if $type eq 'message.send';

    return { thing => "m $data->{messageId}", kind => 'u' }
        if $type eq 'message.edit';
    return { thing => 'd', kind => 'deleted', value => '' }
        if $type eq 'conversation.delete';

    return undef;
}

1;
