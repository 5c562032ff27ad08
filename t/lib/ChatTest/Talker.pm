# A user who does not give up: says a number of messages in one conversation,
# a few unanswered at a time, repeats what was not answered under the same
# clientMessageId, reconnects when the connection is lost, and resumes.
#
# Nothing here waits, so that a script can run several, and do harm meanwhile:
#
#     wait_until { $_->turn for @talkers; all { $_->done } @talkers } 30;

package ChatTest::Talker;

use v5.36;

use Carp qw(croak);
use Time::HiRes qw(time);

use constant {
    WINDOW => 16,
    PAUSE  => 0.1,      # before something is tried again
};


# chat, user, conversation, count; options: for ChatTest::connect()

sub new ($class, %o) {
    return bless {
        options => {},
        todo    => [map { "$o{user}-$_" } 1 .. $o{count} // 0],
        open    => {},      # request id => client id
        heard   => [],      # data of message.created, in the order it came
        seen    => 0,       # the highest revision
        lost    => 0,
        resets  => 0,
        after   => 0,       # nothing is tried before this time
        %o,
    }, $class;
}


# on another node than another one, which has had its first turn

sub elsewhere_than ($self, $other) {
    $self->{options}{node_other_than} = $other->{client};

    return;
}


sub heard ($self)  { return @{ $self->{heard} } }
sub lost ($self)   { return $self->{lost} }
sub resets ($self) { return $self->{resets} }
sub said ($self)   { return $self->{count} - $self->left }


sub left ($self) {
    return @{ $self->{todo} } + keys %{ $self->{open} };
}


# whether all that it had to say is answered, and it hears

sub done ($self) {
    return $self->{joined} && !$self->left;
}


sub turn ($self) {
    return if time < $self->{after};
    return if !$self->{client} && !$self->_connect;

    my $alive = $self->{client}->poll(\my @messages);

    for (@messages) {
        $_->{type} eq 'reply' ? $self->_answered($_) : $self->_take($_);
    }

    if (!$alive) {
        $self->_lose;
        return;
    }

    $self->_say if $self->{joined};

    return;
}


sub _connect ($self) {
    my $client = eval {
        $self->{chat}->connect(user => $self->{user}, %{ $self->{options} });
    };

    if (!$client) {
        $self->{after} = time + PAUSE;
        return 0;
    }

    $self->{client} = $client;
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


# what was not answered is to be said again, before the rest

sub _lose ($self) {
    unshift @{ $self->{todo} }, $self->_unanswered;

    $self->{open} = {};
    $self->{client} = undef;
    $self->{joined} = 0;
    $self->{lost}++;

    return;
}


sub _unanswered ($self) {
    return map { $self->{open}{$_} }
        sort { $a <=> $b } keys %{ $self->{open} };
}


sub _say ($self) {
    my $todo = $self->{todo};

    while (@$todo && keys %{ $self->{open} } < WINDOW) {
        my $client_id = shift @$todo;
        my $id = $self->{client}->post('message.send', {
            conversationId  => $self->{conversation},
            clientMessageId => $client_id,
            content         => $client_id,
        });

        $self->{open}{$id} = $client_id;
    }

    return;
}


sub _answered ($self, $reply) {
    my $id = $reply->{id};
    my $again = !$reply->{ok};

    if ($again && $reply->{error}{code} !~ /^(?:unavailable|timeout)$/) {
        croak "$self->{user}: $reply->{raw}";
    }

    if ($again) {
        $self->{after} = time + PAUSE;
    }

    if ($id eq $self->{join}) {
        $again ? $self->_join : $self->_joined($reply->{data});
        return;
    }

    my $client_id = delete $self->{open}{$id}
        // croak "$self->{user}: a reply to nothing: $reply->{raw}";

    push @{ $self->{todo} }, $client_id if $again;

    return;
}


sub _joined ($self, $data) {
    if ($data->{reset}) {
        $self->{resets}++;
        $self->{seen} = 0;
        $self->{heard} = [];
        $self->_join;
        return;
    }

    $self->_take($_) for @{ $data->{events} };
    $self->{seen} = $data->{revision} if $data->{revision} > $self->{seen};
    $self->{joined} = $data->{complete};
    $self->_join if !$data->{complete};

    return;
}


sub _take ($self, $event) {
    if ($event->{type} eq 'conversation.reset') {
        $self->_joined({ reset => 1 });
        return;
    }

    my $revision = $event->{data}{revision} // return;

    croak "$self->{user}: revision $revision after $self->{seen}"
        if $revision <= $self->{seen};

    $self->{seen} = $revision;
    push @{ $self->{heard} }, $event->{data}
        if $event->{type} eq 'message.created';

    return;
}

1;
