# The rules about what is said in a conversation of the model: a part of
# ChatTest::Model::Conversation.

package ChatTest::Model::Messages;

use v5.36;

use POSIX qw(ceil);

use ChatTest::Model::Message;
use ChatTest::Model::Rank qw(OPERATOR);

my $UUID = qr/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}
              -[0-9a-f]{12}/x;
my $SENT = qr/\A\{"id":"($UUID)","sequenceNumber":(\d+),"revision":(\d+),
              "timestamp":"([^"]+)","duplicate":(true|false)\}\z/x;


sub _muted ($self, $user) {
    return $self->{read_only} && !$self->least($user, 'moderator');
}


sub _send ($self, $op, $data) {
    my ($user, $client) = ($op->{user}, $data->{clientMessageId});

    return 'bad_request' if $user eq OPERATOR;

    my $known = defined $client ? $self->{clients}{"$user $client"} : undef;

    if ($known) {
        return { take => sub ($reply) {
            return $reply->{data} eq $known ? '' : "expected $known";
        } };
    }

    return 'forbidden' if $self->_muted($user);

    if (defined $data->{replyTo}) {
        my $message = $self->{messages}{ $data->{replyTo} };

        return 'not_found' if !$message || $message->deleted;
    }

    my $slow = $self->_slow($op);

    return 'rate_limited' if $slow eq 'yes';
    return {
        take => sub ($reply) { return $self->_sent($op, $data, $reply) },
        $slow eq 'maybe' ? (maybe => 'rate_limited') : (),
    };
}


# Whether slow mode is in the way.  The clock is the server's: it is only known
# that it looked between sending and receiving.  When somebody sent last is not
# in PostgreSQL, so it may have been forgotten.

sub _slow ($self, $op) {
    my $wait = 1000 * $self->{slow_mode};
    my $member = $self->{members}{ $op->{user} };
    my $sent = $member && $member->{sent};

    return 'no' if !$wait || !$sent || !$self->_slowed($op->{user});

    my $low = $sent->{low} + $wait - $op->{got};
    my $high = $sent->{high} + $wait - $op->{sent};

    return 'no' if $high <= 0;
    $self->{slow} = [$low > 0 ? ceil($low / 1000) : 1, ceil($high / 1000)];

    return $low > 0 && !$sent->{forgotten} ? 'yes' : 'maybe';
}


sub _slowed ($self, $user) {
    return $self->{slow_mode} && !$self->least($user, 'moderator');
}


# Redis has lost what it held of the conversation

sub forget ($self) {
    $_->{sent} && ($_->{sent}{forgotten} = 1) for values %{ $self->{members} };

    return;
}


sub _sent ($self, $op, $data, $reply) {
    my ($id, $sequence, $revision, $time, $duplicate) =
        $reply->{data} =~ $SENT or return 'is not that of a message';
    my $user = $op->{user};

    $_ += 0 for $sequence, $revision;

    return 'is a duplicate' if $duplicate eq 'true';
    return 'is not the next message' if $sequence != $self->last + 1;
    return "the revision does not follow $self->{revision}"
        if !$self->_follows($revision);

    my $message = ChatTest::Model::Message->new(
        conversation => $self->{id},
        id           => $id,
        sender       => $user,
        client       => $data->{clientMessageId},
        content      => ${ $data->{content} },
        time         => $time,
        reply_to     => $data->{replyTo},
        mentions     => $data->{mentions},
        attachments  => $data->{attachments} && ${ $data->{attachments} },
        sequence     => $sequence,
        revision     => $revision,
    );

    $self->{messages}{$id} = $message;
    push @{ $self->{order} }, $message;
    $self->{clients}{"$user $data->{clientMessageId}"} =
        $reply->{data} =~ s/false\}\z/true}/r
        if defined $data->{clientMessageId};

    my $member = $self->_enrol($user);

    @$member{qw(read delivered)} = ($sequence, $sequence);
    $member->{sent} = $self->_slowed($user) ? _moment($op) : undef;

    $self->_event($revision, $message->event,
                  [message => $id, $message->data]);

    return '';
}


# The moment at which an operation takes effect, to be learnt.

sub _moment ($op) { return { low => $op->{sent}, high => $op->{got} } }


sub _message_edit ($self, $op, $data) {
    return 'forbidden' if $self->_muted($op->{user});

    my $message = $self->{messages}{ $data->{messageId} };

    return 'not_found' if !$message || $message->deleted;
    return 'forbidden'
        if $op->{user} ne OPERATOR && $message->{sender} ne $op->{user};

    return { change => sub ($revision) {
        $message->edit(${ $data->{content} }, $revision, _moment($op));
        $self->_event($revision, $message->event,
                      [message => $message->{id}, $message->data]);
    } };
}


sub _message_delete ($self, $op, $data) {
    my $message = $self->{messages}{ $data->{messageId} }
        // return 'not_found';

    return { same => 1 } if $message->deleted;
    return 'forbidden'
        if $message->{sender} ne $op->{user}
        && !$self->least($op->{user}, 'moderator');

    return { change => sub ($revision) {
        $message->erase($op->{user}, $revision, _moment($op));
        $self->_event($revision, $message->event,
                      [deleted => $message->{id}, $message->data]);
    } };
}


sub _reaction_add ($self, $op, $data) {
    my $message = $self->{messages}{ $data->{messageId} };

    return 'bad_request' if $op->{user} eq OPERATOR;
    return 'not_found' if !$message || $message->deleted;
    return { same => 1 } if $message->reacted($op->{user}, $data->{emoji});
    return 'too_large'
        if @{ $message->{reactions} } >= $self->{max_reactions};

    return { change => sub ($revision) {
        $message->react($op->{user}, $data->{emoji});
        $self->_reaction('added', $op, $revision);
    } };
}


sub _reaction_remove ($self, $op, $data) {
    my $message = $self->{messages}{ $data->{messageId} };

    return 'not_found' if !$message || $message->deleted;
    return { same => 1 } if !$message->reacted($op->{user}, $data->{emoji});

    return { change => sub ($revision) {
        $message->unreact($op->{user}, $data->{emoji});
        $self->_reaction('removed', $op, $revision);
    } };
}


sub _reaction ($self, $what, $op, $revision) {
    my $data = $op->{data};

    $self->_event($revision, qq({"type":"reaction.$what","data":)
        . qq({"conversationId":"$self->{id}",)
        . qq("messageId":"$data->{messageId}","userId":"$op->{user}",)
        . qq("emoji":"$data->{emoji}","revision":$revision}}));

    return;
}

1;
