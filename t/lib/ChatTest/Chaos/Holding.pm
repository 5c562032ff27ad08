# What a client holds: of each conversation the highest revision that it has
# applied, and as much of the state as it takes to choose what to do next.
#
# A conversation is { id, slot, known => revision, or undef if nothing is held,
# live => whether events come, asked => whether a join is under way, left => how
# often it was left, wanted, join_at, early => events that wait for the answer,
# heard => revision up to where events came live, role, sequence,
# recent => [{ id, sequence, sender }], members => { user => role } }

package ChatTest::Chaos::Holding;

use v5.36;

use List::Util qw(max);
use Time::HiRes qw(time);

use constant {
    RECENT  => 60,
    BATCH   => 200,
    KEEPING => 0.5,     # chance to keep what is held of what cannot be joined
};

my $batches = 1;        # whether the server knows them


sub new ($class, %o) {
    return bless { %o, conversations => {} }, $class;
}


sub all ($self)      { return values %{ $self->{conversations} } }
sub get ($self, $id) { return $self->{conversations}{$id} }


# a conversation that it has learnt of

sub add ($self, $id, %o) {
    return $self->{conversations}{$id} //= {
        id => $id, known => undef, live => 0, asked => 0, wanted => 1,
        left => 0, join_at => 0, sequence => 0, recent => [], early => [],
        members => {}, %o,
    };
}


sub drop ($self, $id) {
    my $c = delete $self->{conversations}{$id} // return;

    $self->_forget($c, 'dropped');

    return;
}


# Joining ----------------------------------------------------------------

sub down ($self) {
    @$_{qw(live asked barred)} = (0, 0, 0) for $self->all;

    return;
}


# perhaps all at once

sub up ($self) {
    my @wanted = grep { $_->{wanted} } $self->all;

    return if !@wanted || !$batches || rand > 0.5;

    $_->{asked} = 1 for @wanted;
    $self->_batch(splice @wanted, 0, BATCH) while @wanted;

    return;
}


sub turn ($self, $now) {
    for my $c ($self->all) {
        $self->join($c)
            if $c->{wanted} && !$c->{live} && !$c->{asked}
                && $now >= $c->{join_at};
    }

    return;
}


sub _place ($c) {
    return {
        conversationId => $c->{id},
        defined $c->{known} ? (afterRevision => $c->{known}) : (),
    };
}


sub join ($self, $c) {
    my @then = @$c{qw(known left)};

    $c->{asked} = 1;
    $self->{client}->ask('conversation.join', _place($c), ended => sub ($r) {
        $self->_joined($c, @then, $r);
    });

    return;
}


sub _batch ($self, @wanted) {
    my @then = map { [@$_{qw(known left)}] } @wanted;
    my $data = { conversations => [map { _place($_) } @wanted] };

    $self->{client}->ask('conversation.join', $data, ended => sub ($r) {
        $batches = 0 if $r && !$r->{ok}
            && $r->{error}{code} eq 'unsupported';

        my $each = $r && $r->{ok} ? $r->{data}{conversations} : [];

        for my $i (0 .. $#wanted) {
            my $one = $each->[$i];

            $self->_joined($wanted[$i], @{ $then[$i] },
                           !$one ? $r
                           : $one->{error} ? { ok => 0, %$one }
                           : { ok => 1, data => $one });
        }
    });

    return;
}


# The answer; had: what was said to be held.  Nothing of it counts if that was
# forgotten meanwhile, and who has left since is not let in by it; left: how
# often it had then.

sub _joined ($self, $c, $had, $left, $reply) {
    $c->{asked} = 0;

    if (!$reply || !$reply->{ok}) {
        $c->{join_at} = time + 0.2 + rand;
        $self->_barred($c) if $reply && $reply->{error}
            && $reply->{error}{code} =~ /^(?:not_found|forbidden)$/;
        return;
    }

    my $data = $reply->{data};
    my $fresh = !defined $had || $data->{reset};

    return if !$fresh && !defined $c->{known};

    $c->{role} = $data->{role};
    $c->{sequence} = $data->{sequenceNumber};

    if ($fresh) {
        $self->_forget($c, 'reset') if $data->{reset};
        $c->{known} = $data->{revision};
        $self->_apply($c, @$_) for splice @{ $c->{early} };
        $self->_load($c);

    } else {
        $self->_apply($c, $_->{type}, $_->{data}) for @{ $data->{events} };
        $c->{known} = max $c->{known}, $data->{revision};
    }

    return if $c->{left} != $left;

    if ($data->{complete} && !$c->{live}) {
        @$c{qw(live heard)} = (1, $data->{revision});
        $c->{barred} = 0;
    }

    $self->join($c) if !$data->{complete};

    return;
}


sub _barred ($self, $c) {
    $c->{barred} = 1;
    $c->{join_at} = time + 0.5 + rand 3;
    $c->{live} = 0;
    $self->_forget($c, 'not found') if rand > KEEPING;

    return;
}


# the last messages, of which it had no events

sub _load ($self, $c) {
    $self->{client}->ask('history.get', {
        conversationId => $c->{id},
        beforeSequence => $c->{sequence} + 1,
        limit          => 20,
    }, ended => sub ($reply) {
        return if !$reply || !$reply->{ok};

        for (grep { !$_->{deletedAt} } @{ $reply->{data}{messages} }) {
            $self->_note($c, $_);
        }
    });

    return;
}


# Stops listening for a while, or for good.

sub leave ($self, $c, $seconds) {
    $c->{join_at} = time + $seconds;
    $c->{live} = 0;
    $c->{left}++;
    $self->{client}->ask('conversation.leave', { conversationId => $c->{id} });

    return;
}


# What is heard ----------------------------------------------------------

sub event ($self, $type, $data) {
    my $c = $self->get($data->{conversationId}) // return;

    $c->{heard} = $data->{revision};

    # a repeated join has told it already
    return if defined $c->{known} && $data->{revision} <= $c->{known};

    $self->_apply($c, $type, $data);

    if ($type eq 'conversation.deleted'
        || $type eq 'member.left' && $data->{userId} eq $self->{client}{user})
    {
        $c->{live} = 0;
        $c->{join_at} = time + rand 2;
        $self->_forget($c, $type);
    }

    return;
}


sub reset ($self, $id) {
    my $c = $self->get($id) // return;

    $self->_forget($c, 'reset');
    $self->join($c);

    return;
}


sub _forget ($self, $c, $why) {
    $self->{client}->record->write(forget => $c->{id}, $why);
    $c->{known} = undef;
    $c->{early} = [];
    $c->{recent} = [];
    $c->{members} = {};

    return;
}


# On a session that was told to start over, events come before the answer to
# its join, and some are newer than that.

sub _apply ($self, $c, $type, $data) {
    return push @{ $c->{early} }, [$type, $data] if !defined $c->{known};
    return if $data->{revision} <= $c->{known};

    $c->{known} = $data->{revision};

    if ($type =~ /^message\.(?:created|updated)\z/) {
        $c->{sequence} = max $c->{sequence}, $data->{sequenceNumber};
        $self->_note($c, $data) if $type eq 'message.created';

    } elsif ($type eq 'message.deleted') {
        @{ $c->{recent} } = grep { $_->{id} ne $data->{id} } @{ $c->{recent} };

    } elsif ($type =~ /^member\./) {
        $self->_member($c, $type, $data);
    }

    return;
}


sub _note ($self, $c, $message) {
    my $recent = $c->{recent};

    push @$recent, {
        id       => $message->{id},
        sequence => $message->{sequenceNumber},
        sender   => $message->{senderId},
    };
    shift @$recent if @$recent > RECENT;

    return;
}


sub _member ($self, $c, $type, $data) {
    my ($user, $role) = @$data{qw(userId role)};

    $c->{members}{$user} = $type eq 'member.left' ? $role // 'out' : $role;
    $c->{role} = $role if $user eq $self->{client}{user};

    return;
}

1;
