# Who was there, and how: of each user, "<tenant>/<user>", the sessions and the
# choices, as the clients have recorded them.  The clients cannot know it to the
# millisecond, so there is what may have been and what surely was.
#
# A session may be there from the moment at which the connection was begun, is
# there for sure once the client was greeted, and was there for sure when it
# sent the last request that was answered; it may have been there until the
# client noticed its end, and a little longer.
#
# Times are ms since 1970.

package ChatTest::Chaos::Lives;

use v5.36;

use List::Util qw(max min);

use ChatTest::Chaos::Fire;

use constant {
    TAIL     => 2000,       # a session may outlive its client's view by that
    GRACE    => 5000,       # a gap that is not to be noticed, on a slow machine
    LEASED   => 11_000,     # the same where only the node was not heard of
    RECOVERY => 4000,       # until a node is heard of again
    UNSTORED => 30_000,     # what was chosen may be lost with Redis that long
    NEVER    => 9e15,
};

# what surely counts as activity
my $ACTIVE = qr/^(?:message|reaction|history|typing)\.|^read\.mark\z/;


# fire: a ChatTest::Chaos::Fire; away: ms of silence; urls

sub new ($class, %o) {
    my $self = bless { %o, users => {} }, $class;
    my $redis = qr/^(?:redis|bus-[ab]|nginx-[ab])\z/;

    for my $node (qw(a b)) {
        $self->{troubles}{$node} = [
            $o{fire}->at(qr/^(?:redis|bus-$node|nginx-$node)\z/),
        ];
    }

    $self->{losses} = [$o{fire}->losses];

    return $self;
}


sub _user ($self, $who) {
    return $self->{users}{"$who->{tenant}/$who->{user}"} //=
        { sessions => [], acts => [], choices => [], typed => {} };
}


# takes the lines of a client, see ChatTest::Chaos::Record

sub reader ($self, $who) {
    my $user = $self->_user($who);
    my ($session, %asked);
    my %take = (
        open => sub ($time, $url) {
            %asked = ();
            push @{ $user->{sessions} }, $session = {
                open => $time, end => NEVER,
                node => $self->{urls}[$url]{node} // '',
            };
        },
        up => sub ($time, @more) {
            @$session{qw(up sure)} = ($time, $time);
            push @{ $user->{acts} }, $time;
        },
        down => sub ($time, $why) {
            $session->{end} = $time + TAIL if $session;
        },
        ask => sub ($time, $id, $try, $type, $data, @more) {
            $asked{$id} = [$time, $type,
                           $type eq 'presence.set' && _choice($time, $data)];
            push @{ $user->{choices} }, $asked{$id}[2] // () if $asked{$id}[2];
            push @{ $user->{acts} }, $time if $type ne 'ping';
            push @{ $user->{typed}{ $data->{conversationId} } }, $time
                if $type eq 'typing.start';
        },
        reply => sub ($time, $id, $data) {
            my ($at, $type, $choice) = @{ delete $asked{$id} // return };

            $choice->{acked} = $time if $choice;
            $session->{sure} = max $session->{sure} // 0, $at;
            push @{ $session->{handled} }, $at if $type =~ $ACTIVE;
        },
        refused => sub ($time, $id, $error) {
            my ($at, $type, $choice) = @{ delete $asked{$id} // return };

            $session->{sure} = max $session->{sure} // 0, $at;
            $choice->{refused} = 1
                if $choice && $error->{code} !~ /^(?:unavailable|timeout)\z/;
        },
    );

    return sub ($line) {
        my ($what, @more) = @{ $line // return };

        $take{$what}->(@more) if $take{$what};
    };
}


sub _choice ($time, $data) {
    return {
        asked => $time, acked => undef,
        status => $data->{status}, text => $data->{text} // '',
    };
}


# all lines were taken

sub settle ($self) {
    for my $user (values %{ $self->{users} }) {
        @{ $user->{acts} } = sort { $a <=> $b } @{ $user->{acts} };
        $user->{handled} = [sort { $a <=> $b }
                            map { @{ $_->{handled} // [] } }
                                @{ $user->{sessions} }];
        @{ $user->{choices} } = (
            { asked => 0, acked => 0, status => 'online', text => '' },
            sort { $a->{asked} <=> $b->{asked} }
                grep { !$_->{refused} } @{ $user->{choices} },
        );
        _bound($user->{choices});
    }

    return;
}


# Until when each may have held: another one was answered that was asked for
# after this one's answer.

sub _bound ($choices) {
    for my $choice (@$choices) {
        my $done = $choice->{acked} // $choice->{asked} + UNSTORED;

        $choice->{until} = min NEVER, map { $_->{acked} }
            grep { defined $_->{acked} && $_->{asked} >= $done
                   && $_ != $choice } @$choices;
    }

    return;
}


# Choices ----------------------------------------------------------------

# what the user may have chosen at some time from one to the other

sub choices ($self, $name, $from, $to) {
    my $user = $self->{users}{$name} // return ();

    return grep {
        $_->{asked} <= $to && ($_->{until} >= $from
                               || $self->_came_back($_, $from, $to))
    } @{ $user->{choices} };
}


# When Redis lost what was chosen after that, and nothing was chosen since.

sub _came_back ($self, $choice, $from, $to) {
    return grep {
        my ($begin, $end) = @$_;

        $begin <= $to && $choice->{until} > $begin - UNSTORED
            && $choice->{asked} < $end;
    } @{ $self->{losses} };
}


# The last time at which somebody else may have seen the user choose to be seen,
# up to that time.

sub visible_until ($self, $name, $time) {
    my @seen = grep { $_->{status} ne 'invisible' }
        $self->choices($name, 0, $time);

    return max 0, map { min $time, $_->{until} } @seen;
}


# Sessions ---------------------------------------------------------------

# whether the user may have been connected at some time from one to the other

sub may_be_there ($self, $name, $from, $to) {
    my $user = $self->{users}{$name} // return 0;

    return scalar grep { $_->{open} <= $to && $_->{end} >= $from }
        @{ $user->{sessions} };
}


# the last time at which the user may have been, up to that time

sub there_until ($self, $name, $time) {
    my $user = $self->{users}{$name} // return 0;

    return max 0, map { min $time, $_->{end} }
        grep { $_->{open} <= $time } @{ $user->{sessions} };
}


# and the last one at which the user surely was

sub surely_until ($self, $name, $time) {
    my $user = $self->{users}{$name} // return 0;

    return max 0, map { min $time, $_->{sure} }
        grep { defined $_->{up} && $_->{up} <= $time } @{ $user->{sessions} };
}


# Whether the user was connected all the time but for gaps that nobody may
# notice.

sub surely_there ($self, $name, $from, $to) {
    my $user = $self->{users}{$name} // return 0;
    my @certain = map { [@$_{qw(up sure node)}] }
        grep { defined $_->{up} && $_->{up} <= $to && $_->{sure} >= $from }
            @{ $user->{sessions} };
    my @heard = map { $self->_without_trouble(@$_) } @certain;

    return 0 if _widest($from, $to, @certain) > GRACE;
    return !grep {
        my ($begin, $end) = @$_;
        my $still = _widest($begin, $end, @certain) == 0;

        $end - $begin > ($still ? LEASED : GRACE);
    } _gaps($from, $to, @heard);
}


# the parts of a session in which its node could say so

sub _without_trouble ($self, $from, $to, $node) {
    my @parts;

    for (@{ $self->{troubles}{$node} // [] }) {
        my ($begin, $end) = ($_->[0], $_->[1] + RECOVERY);

        next if $end < $from;
        last if $begin > $to;
        push @parts, [$from, $begin] if $begin > $from;
        $from = max $from, $end;
    }

    return @parts, $from < $to ? [$from, $to] : ();
}


# what none of these covers; the widest of that

sub _gaps ($from, $to, @parts) {
    my @gaps;

    for (sort { $a->[0] <=> $b->[0] } @parts) {
        push @gaps, [$from, $_->[0]] if $_->[0] > $from;
        $from = max $from, $_->[1];
    }

    push @gaps, [$from, $to] if $from < $to;

    return @gaps;
}


sub _widest ($from, $to, @parts) {
    return max 0, map { $_->[1] - $_->[0] } _gaps($from, $to, @parts);
}


# Whether the user may have done something shortly before a time from one to
# the other

sub may_act ($self, $name, $from, $to) {
    my $user = $self->{users}{$name} // return 0;
    my $away = $self->{away};

    return scalar grep { $_ <= $to && $_ >= $from - $away - TAIL }
        @{ $user->{acts} };
}


# whether the user has begun to type there, or gone on

sub typed ($self, $name, $conversation, $from, $to) {
    my $user = $self->{users}{$name} // return 0;

    return scalar grep { $_ >= $from && $_ <= $to }
        @{ $user->{typed}{$conversation} // [] };
}


# Whether the user may have done nothing for so long; or one device, while
# another, that was used, left.

sub may_rest ($self, $name, $from, $to) {
    my $user = $self->{users}{$name} // return 0;
    my @sessions = grep { $_->{open} <= $to && $_->{end} >= $from }
        @{ $user->{sessions} };

    return 1 if grep { $self->_rests($_, $user->{handled}, $from, $to) }
        @sessions;

    my @resting = grep {
        $self->_rests($_, $_->{handled} // [], $from, $to)
    } @sessions;
    my @left = grep { $_->{end} <= $to + TAIL } @sessions;

    return grep { my $one = $_; grep { $_ != $one } @left } @resting;
}


# whether nothing of that was done for so long while a session was there

sub _rests ($self, $session, $handled, $from, $to) {
    my $last = max $session->{open}, $from - $self->{away};
    my $end = min $session->{end}, $to;

    for ((grep { $_ > $last && $_ < $end } @$handled), $end) {
        return 1 if $_ - $last > $self->{away} / 2;
        $last = $_;
    }

    return 0;
}

1;
