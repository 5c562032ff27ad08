# A user of a conversation: requests and events by the words of a script.

package ChatTest::Client;

use v5.36;

use parent 'ChatTest::Session';

use Carp qw(croak);

use ChatTest::Json qw(encode);

use constant WINDOW => 16;      # unanswered requests

# a call that fails is the script's, wherever in here it was noticed
our @CARP_NOT = qw(ChatTest::Session);


sub join ($self, $conversation, $after = undef) {
    return $self->request('conversation.join', {
        conversationId => $conversation,
        defined $after ? (afterRevision => $after) : (),
    });
}


# Several at once: names, or pairs [name, after this revision].  Returns the
# elements of the answer.

sub join_all ($self, @conversations) {
    my $data = $self->request('conversation.join', join_list(@conversations));

    return @{ $data->{conversations} };
}


# The same with all of them; returns the events by conversation.

sub resume_all ($self, %after) {
    my %events;

    while (%after) {
        my %before = %after;

        for my $join ($self->join_all(map { [$_ => $after{$_}] }
                                      sort keys %after))
        {
            my $name = $join->{conversationId};

            croak "$name: a reset" if $join->{reset};
            croak "$name: $join->{error}{code}" if $join->{error};

            push @{ $events{$name} }, @{ $join->{events} };
            $after{$name} = $join->{revision};
            delete $after{$name} if $join->{complete};
        }

        croak 'the joins did not get on'
            if !grep { ($after{$_} // -1) != $before{$_} } keys %before;
    }

    return \%events;
}


sub join_list (@conversations) {
    return { conversations => [map {
        my ($name, $after) = ref $_ ? @$_ : ($_);

        { conversationId => $name,
          defined $after ? (afterRevision => $after) : () };
    } @conversations] };
}


sub leave ($self, $conversation) {
    return $self->request('conversation.leave',
                          { conversationId => $conversation });
}


sub say ($self, $conversation, $content, $client_id = undef) {
    return $self->request('message.send', {
        conversationId => $conversation,
        content        => $content,
        defined $client_id ? (clientMessageId => $client_id) : (),
    });
}


# many messages, WINDOW of them unanswered at a time; returns the replies' data

sub say_all ($self, $conversation, @contents) {
    my (@open, @answers);

    while (@contents || @open) {
        if (@contents && @open < WINDOW) {
            push @open, $self->post('message.send', {
                conversationId => $conversation,
                content        => shift @contents,
            });
            next;
        }

        my $reply = $self->reply(shift @open);
        croak 'message.send failed: ' . encode($reply->{error})
            if !$reply->{ok};
        push @answers, $reply->{data};
    }

    return @answers;
}


# Joins, again and again until the answer is complete; returns all events.

sub resume ($self, $conversation, $after) {
    my @events;

    while (1) {
        my $join = $self->join($conversation, $after);

        croak 'a reset' if $join->{reset};
        push @events, @{ $join->{events} };
        return @events if $join->{complete};

        croak 'the join did not get on' if $join->{revision} <= $after;
        $after = $join->{revision};
    }
}


sub hear ($self, $conversation) {
    return $self->expect('message.created', sub {
        $_->{conversationId} eq $conversation
    });
}


sub history ($self, $conversation, %range) {
    return $self->request('history.get',
                          { conversationId => $conversation, %range });
}

1;
