# When no more faults come: within 30 s every client must see of each user what
# is so.  The processes tell each other who of their clients is connected and
# what it knows of its own user; from this follows what all must see.
#
# Some users go on asking for something, the others only for life signs: these
# are away.  Who asks looks at who is in its conversations, so that is compared
# as well; and so is what chatctl tells of users, and of their sessions.

package ChatTest::Chaos::Agreement;

use v5.36;

use Time::HiRes qw(time);

use ChatTest::Chaos::Json qw(decode encode);
use ChatTest::Chaos::Times qw(ms_of);
use ChatTest::Command;

use constant {
    PROMISED => 30,
    TOLD     => 0.5,            # seconds between words to other processes
    ASKED    => 0.5,            # between looks at a conversation
    SLACK    => 1000,
    LOOKS    => 3,              # at sessions, which may come and go meanwhile
    BETWEEN  => 1,              # seconds
};

my $LIVELY = qr/[135]\z/;       # users


# phase: its name; crowd, clients, number, processes, records: directory;
# topology; slots; before: the agreement of the phase before, if any

sub new ($class, %o) {
    my $self = bless {
        %o, since => time, told_at => 0, asked_at => {}, rooms => {},
        all => [], own => { $o{before} ? %{ $o{before}{own} } : () },
        next_room => {}, dms => {},
    }, $class;

    for my $slot (grep { $_->{data}{type} eq 'dm' } @{ $o{slots} }) {
        my ($tenant, $one, $other) = ($slot->{tenant}, $slot->{by},
                                      @{ $slot->{data}{members} });

        $self->{dms}{"$tenant/$one"}{$other} = 1;
        $self->{dms}{"$tenant/$other"}{$one} = 1;
    }

    return $self;
}


# until all agree, or the time is over; seconds it took

sub run ($self) {
    my $deadline = time + PROMISED;

    $self->{crowd}->run(sub {
        my $now = time;

        $self->_ask($now);

        if ($now >= $self->{told_at} + TOLD) {
            $self->{told_at} = $now;
            $self->_tell;
            $self->_read;
        }

        return $now > $deadline
            || !grep { !$_ || !$_->{agreed} } @{ $self->{all} };
    });

    $self->_complain;

    return time - $self->{since};
}


sub _complain ($self) {
    my %expected = $self->_expected;

    for my $client (@{ $self->{clients} }) {
        $client->record->write(ready => unlike => @$_)
            for $self->_unlike($client, \%expected);
    }

    my ($first) = @{ $self->{clients} };

    $first->record->write(ready => unlike => $first->{user}, 'anything',
                          'who is there, and as what, is not known')
        if !%expected;
    $first->record->write(ready => unlike => @$_)
        for $self->_unlike_chatctl(\%expected),
            $self->_unlike_sessions(\%expected);
    $first->record->write(ready => agreed => $self->{phase},
                          time - $self->{since});

    return;
}


# What the processes know ------------------------------------------------

sub _file ($self, $number) {
    return "$self->{records}/$self->{phase}-$number.json";
}


sub _tell ($self) {
    my $name = $self->_file($self->{number});
    my %expected = $self->_expected;
    my @wrong = map { $self->_unlike($_, \%expected) } @{ $self->{clients} };

    open my $file, '>', "$name.new" or die "cannot write $name: $!\n";
    print $file encode({
        agreed  => %expected && !@wrong ? 1 : 0,
        clients => [map { {
            tenant => $_->{tenant}, user => $_->{user}, up => $_->up,
            left => $_->left_at, own => $_->company->view($_->{user}),
            there => $_->is_there ? 1 : 0,
        } } @{ $self->{clients} }],
    });
    close $file;
    rename "$name.new", $name or die "cannot rename $name: $!\n";

    return;
}


sub _read ($self) {
    for my $number (0 .. $self->{processes} - 1) {
        open my $file, '<', $self->_file($number)
            or $self->{all}[$number] = undef, next;
        $self->{all}[$number] = decode(scalar <$file>);
    }

    return;
}


# What must be seen of each "<tenant>/<user>": { own, seen, since => ms after
# which it must have been seen last }; nothing as long as that is not known.

sub _expected ($self) {
    my $all = $self->{all};
    my %expected;

    return () if @$all < $self->{processes} || grep { !$_ } @$all;

    for my $client (map { @{ $_->{clients} } } @$all) {
        my $user = $expected{"$client->{tenant}/$client->{user}"} //= {
            there => 0, left => 0, own => [],
        };

        return () if $client->{there} && !($client->{up} && $client->{own});

        $user->{there} ||= $client->{there};
        $user->{left} = $client->{left} if $client->{left} > $user->{left};
        push @{ $user->{own} }, $client->{own} if $client->{there};
    }

    for my $name (keys %expected) {
        my @own = @{ $expected{$name}{own} };

        $self->{own}{$name} = $own[0] if @own;
        return () if grep { _text($_) ne _text($own[0]) } @own;
        $expected{$name} = $self->_state($name, $expected{$name}) // return ();
    }

    return %expected;
}


sub _state ($self, $name, $user) {
    my $own = $self->{own}{$name} // return undef;
    my $status = $own->{status};

    return { there => $user->{there}, seen => ['offline', undef], own => $own,
             since => $status eq 'invisible' ? 0 : 1000 * $user->{left} }
        if !$user->{there} || $status eq 'invisible';

    $status = 'away' if $status eq 'online' && $name !~ $LIVELY;

    return { there => 1, seen => [$status, $own->{text}], own => $own };
}


sub _text ($state) {
    return join ' ', map { $_ // '-' } @$state{qw(status text)};
}


# What a client sees -----------------------------------------------------

# [user, what it must be, what it is], for each that is not as it must be

sub _unlike ($self, $client, $expected) {
    return () if !$client->is_there || !%$expected;

    my $company = $client->company;
    my $dms = $self->{dms}{"$client->{tenant}/$client->{user}"};
    my @wrong;

    for my $user ($company->wanted) {
        my $view = $company->view($user);
        my $is = $expected->{"$client->{tenant}/$user"} // next;

        push @wrong, [$user, encode($is->{seen}), encode($view)]
            if $user ne $client->{user} 
                && !$self->_fits($view, $is, $dms->{$user});
    }

    return @wrong, values %{ $self->{rooms}{ $client->{name} } // {} },
        $client->{user} =~ $LIVELY && $client->up
        && !$self->{rooms}{ $client->{name} }
            ? ['', 'presence.get', 'no answer'] : ();
}


# Who shares no conversation any more sees nothing; of those who have a dm it
# is certain that they do.

sub _fits ($self, $view, $is, $dm) {
    return 0 if !$view;

    my ($status, $text) = @{ $is->{seen} };

    return 1 if $view->{status} eq 'offline' && !defined $view->{lastSeen}
        && !defined $view->{text} && !$dm;
    return 0 if $view->{status} ne $status
        || ($view->{text} // '') ne ($text // '');

    return $status ne 'offline'
        || defined $view->{lastSeen}
            && ms_of($view->{lastSeen}) >= ($is->{since} // 0) - SLACK;
}


# Conversations ----------------------------------------------------------

sub _ask ($self, $now) {
    # what is closed to them they do not try time and again
    for my $client (@{ $self->{clients} }) {
        $_->{wanted} = 0 for grep { $_->{barred} } $client->holding->all;
    }

    for my $client (grep { $_->{user} =~ $LIVELY && $_->is_there && $_->up
                           && !$_->busy } @{ $self->{clients} }) {
        my $at = \$self->{asked_at}{ $client->{name} };

        next if $now < ($$at // 0) + ASKED;
        $$at = $now;
        $self->_look($client);
    }

    return;
}


sub _look ($self, $client) {
    my @rooms = sort { $a->{id} cmp $b->{id} }
        grep { $_->{live} } $client->holding->all;

    if (!@rooms) {
        $client->ask('conversation.list', { limit => 1 });
        return;
    }

    my $turn = $self->{next_room}{ $client->{name} }++;
    my $id = $rooms[$turn % @rooms]{id};

    # who looks only who is there does nothing
    $client->ask('history.get', { conversationId => $id, limit => 1 });
    $client->ask('presence.get', { conversationId => $id },
                 ended => sub ($reply) {
        return if !$reply || !$reply->{ok};

        my $answers = $self->{rooms}{ $client->{name} } //= {};
        my @wrong = $self->_unlike_room($client, $reply->{data});

        delete $answers->{$id};
        $answers->{$id} = [$wrong[0][0] , $wrong[0][1],
                           "$wrong[0][2] in $id"] if @wrong;
    });

    return;
}


# of members no state but the true one may be told

sub _unlike_room ($self, $client, $data) {
    my %expected = $self->_expected;
    my @wrong;

    return () if !%expected;

    for my $member (@{ $data->{members} // [] }) {
        my $is = $expected{"$client->{tenant}/$member->{userId}"} // next;

        next if $member->{userId} eq $client->{user};
        push @wrong, [$member->{userId}, encode($is->{seen}), encode($member)]
            if !$self->_fits_member($member, $is);
    }

    return @wrong;
}


sub _fits_member ($self, $member, $is) {
    my ($status, $text) = @{ $is->{seen} };

    return $member->{status} eq $status
        && ($member->{text} // '') eq ($text // '');
}


# What operators see -----------------------------------------------------

# the processes share the users

sub _unlike_chatctl ($self, $expected) {
    my $chatctl = $self->{topology}{chatctl};
    my @names = sort keys %$expected;
    my @wrong;

    local @ENV{keys %{ $chatctl->{env} }} = values %{ $chatctl->{env} };

    for my $i (grep { $_ % $self->{processes} == $self->{number} } 0 .. $#names)
    {
        my ($tenant, $user) = split m{/}, $names[$i], 2;
        my ($code, $text) = ChatTest::Command::run(
            @{ $chatctl->{command} }, 'presence', $user, '--tenant', $tenant,
            '--json');
        my $seen = $expected->{ $names[$i] }{seen}[0];
        my $told = $code ? undef : eval { decode($text) };

        push @wrong, [$user, $seen, "chatctl: $text"]
            if !$told || $told->{status} ne $seen;
    }

    return @wrong;
}


# The clients of this process have theirs, and who is not there has none.  One
# that has just come back is looked for again.

sub _unlike_sessions ($self, $expected) {
    my @wrong;

    for (1 .. LOOKS) {
        @wrong = $self->_compare_sessions($expected);
        return () if !@wrong;

        my $until = time + BETWEEN;

        $self->{crowd}->run(sub { return time > $until });
    }

    return @wrong;
}


sub _compare_sessions ($self, $expected) {
    my $chatctl = $self->{topology}{chatctl};
    my (%told, @wrong);

    local @ENV{keys %{ $chatctl->{env} }} = values %{ $chatctl->{env} };

    my ($code, $text) = ChatTest::Command::run(
        @{ $chatctl->{command} }, 'sessions', '--json', '--limit', 100_000);
    my $list = $code ? undef : eval { decode($text) };

    return ['anybody', 'chatctl sessions', $text] if !$list || !$list->{complete};

    $told{ $_->{sessionId} } = "$_->{tenantId}/$_->{userId}"
        for @{ $list->{items} };

    for my $client (grep { $_->is_there && $_->up } @{ $self->{clients} }) {
        my $told = $told{ $client->session } // 'nobody';

        push @wrong, [$client->{user}, $client->session, "$told by chatctl"]
            if $told ne "$client->{tenant}/$client->{user}";
    }

    for my $id (sort keys %told) {
        my $is = $expected->{ $told{$id} } // next;

        push @wrong, [$told{$id}, 'no session', "$id by chatctl"]
            if !$is->{there};
    }

    return @wrong;
}

1;
