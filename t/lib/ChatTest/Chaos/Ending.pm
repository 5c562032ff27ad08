# What clients do when the faults are over.  All must see each other as they are
# soon, see ChatTest::Chaos::Agreement, and likewise when some have gone.  They
# finish what is under way; then each looks where its conversations are, and waits until it has heard
# all of that live; then it comes back over an undisturbed connection, resumes,
# and reads everything afresh, as the user sees it.
#
# The records say "ready" with: unlike with user, what was to be seen and what
# was; agreed with the phase and seconds; finished; heard, or deaf with conversation,
# revision and what was heard last; resumed, or stuck with a conversation;
# fresh, after which come the final states; end.

package ChatTest::Chaos::Ending;

use v5.36;

use Time::HiRes qw(time);

use ChatTest::Chaos::Agreement;

use constant {
    FINISH => 60,
    HEAR   => 45,               # a node compares its rooms every 30 s
    RESUME => 60,
    READ   => 120,
    PAGE   => 200,
};


# crowd, number: of this process, processes; topology; slots; records: where
# these are; meet => sub ($what): whether all processes have come so far;
# final: urls

sub run ($class, %o) {
    my $self = bless { %o, clients => $o{crowd}{clients} }, $class;

    $o{crowd}->quieten;
    $_->deafen(0) for @{ $self->{clients} };

    $self->_agree;
    $self->_finish;
    $self->_hear;
    $self->_resume;
    $self->_read;
    $_->record->write(ready => 'end') for @{ $self->{clients} };

    return;
}


# Views that were there under fire, and when some users have gone.

sub _agree ($self) {
    my @clients = @{ $self->{clients} };
    my $all = $self->_agreement('all');

    $self->_agreement('some', before => $all,
                      leave => [grep { $_->{user} =~ /[45]\z/ } @clients]);
    $_->stay for @clients;

    return;
}


sub _agreement ($self, $phase, %o) {
    my $agreement = ChatTest::Chaos::Agreement->new(
        phase => $phase, %$self, %o);

    $_->stay for @{ $self->{clients} };
    $_->stay_away for @{ $o{leave} // [] };
    $_->company->want(@{ $self->{crowd}{users}{ $_->{tenant} } })
        for @{ $self->{clients} };
    $agreement->run;
    $self->_meet("agreed-$phase", FINISH);

    return $agreement;
}


# true until all clients are as wanted, or the time is over

sub _until ($self, $seconds, $done) {
    my $deadline = time + $seconds;

    $self->{crowd}->run(sub {
        return time > $deadline || !grep { !$done->($_) } @{ $self->{clients} };
    });

    return;
}


sub _meet ($self, $what, $seconds) {
    my $deadline = time + $seconds;

    $_->record->write(ready => $what) for @{ $self->{clients} };
    $self->{meet}->($what, $self->{number});
    $self->{crowd}->run(sub {
        return time > $deadline || $self->{meet}->($what);
    });

    return;
}


sub _finish ($self) {
    $self->_until(FINISH, sub ($client) {
        return !$client->busy && !$client->waiting;
    });
    $_->give_up for @{ $self->{clients} };
    $self->_meet('finished', FINISH);

    return;
}


# A client that loses its connection meanwhile hears nothing, and is excused.

sub _hear ($self) {
    my %place;

    for my $client (grep { $_->up } @{ $self->{clients} }) {
        for my $c (grep { $_->{live} } $client->holding->all) {
            my $wire = $client->wire;

            $client->ask('conversation.join', { conversationId => $c->{id} },
                         probe => 1, ended => sub ($reply) {
                $place{ $client->{name} }{ $c->{id} } =
                    { wire => $wire, revision => $reply->{data}{revision} }
                        if $reply && $reply->{ok};
            });
        }
    }

    $self->_until(HEAR, sub ($client) {
        return !$client->busy && !$self->_deaf($client, \%place);
    });

    for my $client (@{ $self->{clients} }) {
        for my $c ($self->_deaf($client, \%place)) {
            $client->record->write(
                ready => deaf => $c->{id},
                $place{ $client->{name} }{ $c->{id} }{revision}, $c->{heard});
        }
    }

    $self->_meet('heard', HEAR);

    return;
}


sub _deaf ($self, $client, $place) {
    my $own = $place->{ $client->{name} } // {};

    return grep {
        my $due = $own->{ $_->{id} };

        $due && $_->{live} && $client->wire && $due->{wire} == $client->wire
            && $_->{heard} < $due->{revision};
    } $client->holding->all;
}


sub _resume ($self) {
    for my $client (@{ $self->{clients} }) {
        $_->{wanted} = 1 for $client->holding->all;
        $client->move(@{ $self->{final} });
    }

    my $settled = sub ($c) {
        return $c->{live} || !$c->{asked} && $c->{barred};
    };

    $self->_until(RESUME, sub ($client) {
        return $client->up && !$client->busy
            && !grep { !$settled->($_) } $client->holding->all;
    });

    for my $client (@{ $self->{clients} }) {
        $client->record->write(ready => stuck => $_->{id})
            for grep { !$settled->($_) } $client->holding->all;
    }

    $self->_meet('resumed', RESUME);

    return;
}


# What the user sees: the list, and of each conversation in it, and those that
# are held, members and messages; all messages in turn, of others the last.

sub _read ($self) {
    $_->record->write(ready => 'fresh') for @{ $self->{clients} };
    $self->_list($_) for @{ $self->{clients} };

    $self->_until(READ, sub ($client) { return !$client->busy });

    return;
}


sub _list ($self, $client, $cursor = undef, %seen) {
    $client->ask('conversation.list', {
        limit => 100, defined $cursor ? (cursor => $cursor) : (),
    }, again => 1, ended => sub ($reply) {
        return if !$reply || !$reply->{ok};

        my $data = $reply->{data};

        $seen{ $_->{conversation}{conversationId} } = 1
            for @{ $data->{items} };

        return $self->_list($client, $data->{nextCursor}, %seen)
            if defined $data->{nextCursor};

        $seen{ $_->{id} } = 1
            for grep { $_->{live} } $client->holding->all;
        $self->_look($client, sort keys %seen);
    });

    return;
}


sub _look ($self, $client, @conversations) {
    for my $i (0 .. $#conversations) {
        my $id = $conversations[$i];

        $client->ask('member.list', { conversationId => $id, limit => 1000 },
                     again => 1);
        $self->_history($client, $id, $i % 6 == $client->{number} % 6);
    }

    return;
}


sub _history ($self, $client, $id, $all, $before = undef) {
    $client->ask('history.get', {
        conversationId => $id, limit => PAGE,
        defined $before ? (beforeSequence => $before) : (),
    }, again => 1, ended => sub ($reply) {
        return if !$reply || !$reply->{ok} || !$all;

        my $data = $reply->{data};

        $self->_history($client, $id, 1, $data->{messages}[0]{sequenceNumber})
            if !$data->{complete};
    });

    return;
}

1;
