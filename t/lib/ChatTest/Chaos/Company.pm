# Whom a client watches, and what it knows of them: the states as they were
# told last.  On every new connection it asks for them anew.

package ChatTest::Chaos::Company;

use v5.36;

use Time::HiRes qw(time);

use constant {
    AGAIN  => 0.5,              # seconds before it asks again, at least
    TYPING => 3,                # seconds between starts of who types
};


sub new ($class, %o) {
    return bless {
        %o, wanted => {}, watched => {}, asked => {}, again_at => 0,
        typing => {},
    }, $class;
}


# it wants to know of these from now on

sub want ($self, @users) {
    $self->{wanted}{$_} = 1 for @users;

    return;
}


sub wanted ($self) { return sort keys %{ $self->{wanted} } }


# what it knows: { status, lastSeen, text }; undef if it is not told

sub view ($self, $user) { return $self->{watched}{$user} }


sub down ($self) {
    @$self{qw(watched asked typing again_at)} = ({}, {}, {}, 0);

    return;
}


sub turn ($self, $now) {
    return if $now < $self->{again_at};

    my @missing = grep { !$self->{watched}{$_} && !$self->{asked}{$_} }
        $self->wanted;

    $self->_subscribe(@missing) if @missing;

    return;
}


sub _subscribe ($self, @users) {
    my $asked = $self->{asked};

    @$asked{@users} = (1) x @users;
    $self->{client}->ask('presence.subscribe', { userIds => \@users },
                         ended => sub ($reply) {
        delete @$asked{@users};

        if (!$reply || !$reply->{ok}) {
            $self->{again_at} = time
                + ($reply && $reply->{error}{retryAfter} // AGAIN);
            return;
        }

        for (grep { $self->{wanted}{ $_->{userId} } }
             @{ $reply->{data}{states} }) {
            $self->{watched}{ $_->{userId} } = $_;
        }
    });

    return;
}


# asks once more for what it is told already

sub look_again ($self, $user) {
    return 0 if !$self->{watched}{$user};

    $self->_subscribe($user);

    return 1;
}


sub forget ($self, $user) {
    delete $self->{wanted}{$user} // return 0;
    return 0 if !delete $self->{watched}{$user};

    $self->{client}->ask('presence.unsubscribe', { userIds => [$user] });

    return 1;
}


# Offline and never seen: perhaps no conversation is shared any more, and then
# nothing more will be told; so it asks anew.  Who looked so when it asked, and
# is told of nevertheless, is so as a member of a conversation, and only for as
# long: it asks again for that one, too.

sub changed ($self, $state) {
    my ($user, $watched) = ($state->{userId}, $self->{watched});
    my $had = $watched->{$user} // return;

    $watched->{$user} = $state;

    if (_is_stranger($state)) {
        delete $watched->{$user};
        $self->{again_at} = time + AGAIN;

    } elsif (_is_stranger($had)) {
        $self->_subscribe($user);
    }

    return;
}


sub _is_stranger ($state) {
    return $state->{status} eq 'offline' && !defined $state->{lastSeen};
}


# begins to type, goes on, or stops

sub type ($self, $id, $stops) {
    my $since = $self->{typing}{$id};

    if ($stops) {
        return 0 if !delete $self->{typing}{$id};
    } else {
        return 0 if defined $since && time < $since + TYPING;
        $self->{typing}{$id} = time;
    }

    $self->{client}->ask($stops ? 'typing.stop' : 'typing.start',
                         { conversationId => $id });

    return 1;
}

1;
