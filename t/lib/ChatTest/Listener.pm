# A user who listens to several conversations, and keeps of each what a client
# has to keep: the highest revision.  Joins one by one or several at once, at any
# time, leaves, connects anew.  What is heard in which order is noted, and what
# must not be: an event that is not expected, or old.
#
# Nothing here waits: turn() takes in what has come.

package ChatTest::Listener;

use v5.36;

use ChatTest::Client;

use constant AGAIN => qr/^(?:unavailable|timeout|rate_limited)$/;


# chat, user, conversations => [...]; options: for ChatTest::connect()

sub new ($class, %o) {
    my $self = bless {
        options => {},
        known   => {},      # conversation => highest revision
        floor   => {},      # the same of what came live, or is behind that
        heard   => {},      # conversation => [revisions], as they came
        faults  => [],
        sessions => 0,
        %o,
    }, $class;

    $self->{known}{$_} = 0 for @{ $o{conversations} };
    $self->{heard}{$_} = [] for @{ $o{conversations} };
    $self->connect;

    return $self;
}


sub faults ($self) { return @{ $self->{faults} } }
sub heard ($self, $name) { return $self->{heard}{$name} }
sub idle ($self) { return !%{ $self->{open} } }


sub connect ($self) {
    $self->{client}->disconnect if $self->{client};
    $self->{client} = $self->{chat}->connect(user => $self->{user},
                                             %{ $self->{options} });
    $self->{open} = {};         # request id => what is done with its reply
    $self->{live} = {};
    $self->{sessions}++;

    return;
}


# joins from what is known, as one request each or one for all

sub join_each ($self, @names) {
    for my $name (@names) {
        $self->_post('conversation.join', {
            conversationId => $name, afterRevision => $self->{known}{$name},
        }, sub ($reply) {
            $self->_joined($reply->{ok} ? $reply->{data}
                           : { conversationId => $name, %$reply });
        });
    }

    return;
}


sub join_all ($self, @names) {
    my $list = ChatTest::Client::join_list(
        map { [$_ => $self->{known}{$_}] } @names);

    $self->_post('conversation.join', $list, sub ($reply) {
        return if !$reply->{ok} && $reply->{error}{code} =~ AGAIN;
        return $self->_fault($reply->{raw}) if !$reply->{ok};

        $self->_joined($_) for @{ $reply->{data}{conversations} };
    });

    return;
}


sub leave ($self, $name) {
    $self->_post('conversation.leave', { conversationId => $name }, sub {
        $self->{live}{$name} = 0;
    });

    return;
}


# whether it is in all of them, and has heard up to these revisions

sub has ($self, %last) {
    return !grep { !$self->{live}{$_} || $self->{known}{$_} != $last{$_} }
        keys %last;
}


# those that have to be joined

sub missing ($self) {
    return grep { !$self->{live}{$_} } sort keys %{ $self->{known} };
}


sub turn ($self) {
    my $alive = $self->{client}->poll(\my @messages);

    for my $message (@messages) {
        if ($message->{type} ne 'reply') {
            $self->_live($message);
            next;
        }

        (delete $self->{open}{ $message->{id} })->($message);
    }

    $self->connect if !$alive;

    return;
}


sub _post ($self, $type, $data, $take) {
    $self->{open}{ $self->{client}->post($type, $data) } = $take;

    return;
}


sub _joined ($self, $join) {
    my $name = $join->{conversationId};

    if ($join->{error}) {
        $self->_fault("$name: $join->{error}{code}")
            if $join->{error}{code} !~ AGAIN;
        return;
    }

    $self->_fault("$name: a reset") if $join->{reset};
    $self->_hear($name, $_->{data}{revision}) for @{ $join->{events} };

    $self->{known}{$name} = $join->{revision}
        if $join->{revision} > $self->{known}{$name};
    $self->{floor}{$name} = $self->{known}{$name} if !$self->{live}{$name};
    $self->{live}{$name} = $join->{complete};

    return;
}


sub _live ($self, $event) {
    my $data = $event->{data};
    my $name = $data->{conversationId} // return;
    my $revision = $data->{revision} // return;

    $self->_fault("$name: $revision without being joined")
        if !$self->{live}{$name};
    $self->_fault("$name: $revision after $self->{floor}{$name}")
        if $revision <= $self->{floor}{$name};

    $self->{floor}{$name} = $revision;
    $self->_hear($name, $revision);

    return;
}


# One that is live and joins again is told of events in two ways, either of
# which may be the first.

sub _hear ($self, $name, $revision) {
    return if $revision <= $self->{known}{$name};

    push @{ $self->{heard}{$name} }, $revision;
    $self->{known}{$name} = $revision;

    return;
}


sub _fault ($self, $what) {
    push @{ $self->{faults} }, "$self->{user}, session $self->{sessions}: "
        . $what;

    return;
}

1;
