# A user who sends many messages in one conversation and does not give up: some
# are unanswered at a time, what gets no answer, "unavailable" or "timeout" is
# repeated under the same clientMessageId, a lost connection is made anew and
# resumed.  It keeps account of all that came.
#
# Nothing here waits but for a connection: give it a turn() when something can
# be read, and every few milliseconds.

package Bench::Sender;

use v5.36;

use Carp qw(croak);
use Time::HiRes qw(time);

use ChatTest::Json qw(encode);
use ChatTest::Uuid qw(uuid);

use constant {
    WINDOW => 8,        # two senders make sixteen
    PAUSE  => 0.1,      # before something is tried again
    SILENT => 20,       # seconds without a reply: four times what the server
                        # has for a request
};


# chat, user, conversation, count

sub new ($class, %o) {
    return bless {
        %o,
        number => {},       # client id => which message of ours
        again  => [],       # client ids to be sent again
        tries  => {},       # client id => how often it was sent
        open   => {},       # request id => [client id, when it was sent]
        acked  => {},       # client id => data of the reply
        heard  => [],       # data of message.created, in the order it came
        seen   => 0,        # the highest revision
        after  => 0,        # nothing is tried before this time
        counts => {},
    }, $class;
}


sub user ($self)   { return $self->{user} }
sub client ($self) { return $self->{client} }
sub joined ($self) { return $self->{joined} }
sub paused ($self) { return $self->{paused} }
sub acked ($self)  { return $self->{acked} }
sub heard ($self)  { return @{ $self->{heard} } }
sub open ($self)   { return scalar keys %{ $self->{open} } }


# sent, repeated, duplicate, reconnects, resets, or the code of an error

sub count_of ($self, $what) { return $self->{counts}{$what} // 0 }


# what the message of a client id says

sub content ($self, $client_id) {
    my $number = $self->{number}{$client_id} // return undef;

    return "message $number of $self->{user}";
}


# whoever is paused sends nothing new, but goes on to read

sub pause ($self, $paused) {
    $self->{paused} = $paused;

    return;
}


# loses the connection, with all that is under way on it

sub cut ($self) {
    $self->{client}->disconnect('reset');
    $self->_lose;

    return;
}


# whose node the next connection must not land on

sub keep_away_from ($self, $other) {
    $self->{other} = $other->client;

    return;
}


# asks for a sign of life; answered() tells whether it came, and with it all
# that the server had sent before

sub ping ($self) {
    $self->{ping} = $self->{client}->post('ping');

    return;
}


sub answered ($self) { return !defined $self->{ping} }


sub turn ($self) {
    return if time < $self->{after};
    return if !$self->{client} && !$self->_connect;

    my $alive = $self->{client}->poll(\my @messages);

    for (@messages) {
        $_->{type} eq 'reply' ? $self->_reply($_) : $self->_event($_);
    }

    if ($alive) {
        $self->_send;

    } else {
        $self->_lose;
    }

    return;
}


sub _connect ($self) {
    $self->{client} = eval {
        $self->{chat}->connect(user => $self->{user}, other => $self->{other});
    };

    if (!$self->{client}) {
        $self->{after} = time + PAUSE;
        return 0;
    }

    $self->_join;

    return 1;
}


sub _join ($self) {
    $self->{join} = $self->{client}->post('conversation.join', {
        conversationId => $self->{conversation},
        afterRevision  => $self->{seen},
    });

    return;
}


sub _lose ($self) {
    for my $id (sort { $b <=> $a } keys %{ $self->{open} }) {
        $self->_again($id);
    }

    $self->{client} = undef;
    $self->{joined} = 0;
    $self->{counts}{reconnects}++;

    return;
}


# what is sent again goes before what is new

sub _again ($self, $id) {
    unshift @{ $self->{again} }, (delete $self->{open}{$id})->[0];

    return;
}


sub _send ($self) {
    $self->_check_age;
    return if $self->{paused} || !$self->{joined} || time < $self->{after};

    while ($self->open < WINDOW) {
        my $client_id = shift @{ $self->{again} } // $self->_next // last;
        my $id = $self->{client}->post('message.send', {
            conversationId  => $self->{conversation},
            clientMessageId => $client_id,
            content         => $self->content($client_id),
        });

        $self->{open}{$id} = [$client_id, time];
        $self->{counts}{sent}++;
        $self->{counts}{repeated}++ if $self->{tries}{$client_id}++;
    }

    return;
}


# The client id of a new message.  It is made when the message is, as clients
# do: ids older than what the server remembers have to wait for PostgreSQL.

sub _next ($self) {
    my $number = keys %{ $self->{number} };

    return undef if $number == $self->{count};

    my $client_id = uuid();
    $self->{number}{$client_id} = $number + 1;

    return $client_id;
}


sub _check_age ($self) {
    my $oldest = time - SILENT;

    for my $id (keys %{ $self->{open} }) {
        $self->_wrong("no reply to request $id within " . SILENT . ' s')
            if $self->{open}{$id}[1] < $oldest;
    }

    return;
}


sub _reply ($self, $reply) {
    my $id = $reply->{id};

    if (!$reply->{ok}) {
        $self->_refused($reply);

    } elsif ($id eq $self->{join}) {
        $self->_joined($reply->{data});

    } elsif (defined $self->{ping} && $id eq $self->{ping}) {
        $self->{ping} = undef;

    } elsif ($self->{open}{$id}) {
        $self->_acknowledged((delete $self->{open}{$id})->[0], $reply);

    } else {
        $self->_wrong("a reply to nothing: $reply->{raw}");
    }

    return;
}


sub _refused ($self, $reply) {
    my $code = $reply->{error}{code};

    $self->_wrong($reply->{raw}) if $code !~ /^(?:unavailable|timeout)$/;

    $self->{counts}{$code}++;
    $self->{after} = time + PAUSE;

    $reply->{id} eq $self->{join} ? $self->_join : $self->_again($reply->{id});

    return;
}


sub _acknowledged ($self, $client_id, $reply) {
    my $data = $reply->{data};

    $self->_wrong("acknowledged twice: $reply->{raw}")
        if $self->{acked}{$client_id};

    if ($data->{duplicate}) {
        $self->_wrong("sent once, and a duplicate: $reply->{raw}")
            if $self->{tries}{$client_id} == 1;
        $self->{counts}{duplicate}++;
    }

    $self->{acked}{$client_id} = $data;

    return;
}


sub _joined ($self, $data) {
    if ($data->{reset}) {
        $self->_wrong('told to start over, though nothing was lost');
    }

    $self->_event($_) for @{ $data->{events} };

    $self->_wrong("the join reaches $data->{revision}, $self->{seen} is seen")
        if $data->{revision} < $self->{seen};

    $self->{seen} = $data->{revision};
    $self->{joined} = $data->{complete};
    $self->_join if !$data->{complete};

    return;
}


sub _event ($self, $event) {
    my $revision = $event->{data}{revision};

    $self->_wrong('told to start over, though nothing was lost')
        if $event->{type} eq 'conversation.reset';

    return if !defined $revision;

    $self->_wrong(encode($event->{data}) . " after revision $self->{seen}")
        if $revision <= $self->{seen};

    $self->{seen} = $revision;
    push @{ $self->{heard} }, $event->{data}
        if $event->{type} eq 'message.created';

    return;
}


sub _wrong ($self, $what) {
    croak "$self->{user}: $what";
}

1;
