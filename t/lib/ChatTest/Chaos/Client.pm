# A client as docs/protocol.md wants one: it keeps its place in each
# conversation, comes back after every loss of its connection, resumes, and
# sends again what had no answer.  What it holds is ChatTest::Chaos::Holding,
# whom it watches ChatTest::Chaos::Company.
#
# A try is an operation that is to be done once, however often its request has
# to be repeated:
#
#     { n, type, data, again => whether to repeat it until its answer is final,
#       echo => how often to repeat it after that, ended => sub ($reply) }

package ChatTest::Chaos::Client;

use v5.36;

use List::Util qw(max min);
use Time::HiRes qw(time);

use ChatTest::Chaos::Company;
use ChatTest::Chaos::Holding;
use ChatTest::Chaos::Json qw(decode encode);
use ChatTest::Chaos::Wire;

use constant {
    CONNECT => 6,               # seconds until a connection must be up
    PATIENCE => 20,             # seconds until a reply must have come
    PROBE => 4,                 # seconds without a word until it sends ping
};

# without a revision, of conversations that were not joined
my $HINT = qr/^(?:conversation\.(?:created|deleted)|member\.\w+|notification
    |unread\.changed)\z/x;

my %AGAIN = map { $_ => 1 } qw(unavailable timeout rate_limited internal);


# name, tenant, user, token, urls, record; times => { absent, resting }: lists
# of [from, to] in which the user is not connected at all, or does nothing

sub new ($class, %o) {
    my $self = bless {
        times => {}, %o,
        wire => undef, up => 0, connect_at => 0, failures => 0, deaf_until => 0,
        last_id => 0, last_try => 0, open => {}, waiting => [], heard_at => 0,
        said => 0, left_at => 0,
    }, $class;

    $self->{holding} = ChatTest::Chaos::Holding->new(client => $self);
    $self->{company} = ChatTest::Chaos::Company->new(client => $self);

    return $self;
}


sub company ($self) { return $self->{company} }
sub holding ($self) { return $self->{holding} }
sub record ($self)  { return $self->{record} }
sub session ($self) { return $self->{session} }     # the one that is up
sub up ($self)      { return $self->{up} }
sub wire ($self)    { return $self->{wire} }
sub busy ($self)    { return scalar keys %{ $self->{open} } }
sub waiting ($self) { return scalar @{ $self->{waiting} } }


# whether it listens to its socket just now

sub listens ($self) { return time >= $self->{deaf_until} }

sub rests ($self) { return $self->_is('resting') }


sub _is ($self, $what, $now = time) {
    return grep { $now >= $_->[0] && $now < $_->[1] }
        @{ $self->{times}{$what} // [] };
}


# from now on it is there; or it is not

sub stay ($self) {
    $self->{times} = {};

    return;
}


sub stay_away ($self) {
    $self->{times} = { absent => [[0, 9e15]] };

    return;
}


sub is_there ($self) { return !$self->_is('absent') }

# when it lost its last connection
sub left_at ($self) { return $self->{left_at} }


# The connection ---------------------------------------------------------

sub connect ($self) {
    my $url = $self->{urls}[rand @{ $self->{urls} }];

    $self->{record}->write(open => $url->{number});
    $self->{wire} = ChatTest::Chaos::Wire->new(
        %$url, token => $self->{token});

    return;
}


# it connects here from now on, and at once

sub move ($self, @urls) {
    $self->{urls} = [@urls];
    $self->leave('close');
    $self->{connect_at} = 0;

    return;
}


sub leave ($self, $how) {
    $self->{wire}->hang_up($how) if $self->{wire};
    $self->_down if $self->{wire};

    return;
}


sub deafen ($self, $seconds) {
    $self->{deaf_until} = time + $seconds;

    return;
}


sub _down ($self) {
    $self->{record}->write(down => $self->{wire}->ended);
    $self->{left_at} = time;

    my $open = $self->{open};

    for my $id (sort { $a <=> $b } keys %$open) {
        $self->{record}->write(lost => $id);
        $self->_undecided($open->{$id}, 0);
    }

    @$self{qw(wire up open deaf_until)} = (undef, 0, {}, 0);
    $self->{failures}++;
    $self->{connect_at} = time + rand min 2, 0.1 * 2 ** $self->{failures};
    $self->{holding}->down;
    $self->{company}->down;

    return;
}


# What is due.  Called many times a second.

sub turn ($self, $now) {
    my $wire = $self->{wire};

    return $self->leave(qw(close end reset)[rand 3])
        if $wire && $self->_is('absent', $now);

    if (!$wire) {
        $self->connect if $now >= $self->{connect_at}
            && !$self->_is('absent', $now);
        return;
    }

    if (!$self->{up}) {
        $wire->hang_up('timeout') if $wire->age > CONNECT;

    } elsif ($self->listens) {
        $self->_look($now);
    }

    return $self->_down if $wire->ended;

    if ($self->{up}) {
        $self->_repeat($now);
        $self->{holding}->turn($now);
        $self->{company}->turn($now);
    }

    return;
}


# a connection that has died is not told by anybody

sub _look ($self, $now) {
    my ($oldest) = sort { $a <=> $b } map { $_->{at} } values %{ $self->{open} };

    if (defined $oldest && $now - max($oldest, $self->{heard_at}) > PATIENCE) {
        $self->{wire}->hang_up('reset');

    } elsif (!defined $oldest && $now - $self->{heard_at} > PROBE) {
        $self->ask('ping', {});
    }

    return;
}


sub read ($self) {
    my $wire = $self->{wire} // return;

    for my $text ($wire->read) {
        $self->{heard_at} = time;
        $self->_take(decode($text));
    }

    $self->_down if $self->{wire} && $wire->ended;

    return;
}


sub write ($self) {
    my $wire = $self->{wire} // return;

    $wire->write;
    $self->_down if $wire->ended;

    return;
}


# Requests ---------------------------------------------------------------

sub ask ($self, $type, $data, %o) {
    my $try = { n => ++$self->{last_try}, type => $type, data => $data, %o };

    $self->_send($try);

    return $try;
}


sub _send ($self, $try) {
    return push @{ $self->{waiting} }, { try => $try, at => 0 }
        if !$self->{up};

    my $id = ++$self->{last_id};

    $self->{open}{$id} = { try => $try, at => time };
    $self->{record}->write(ask => $id, @$try{qw(n type data)},
                           $try->{probe} ? "probe" : ());
    $self->{wire}->send(encode({
        type => $try->{type}, id => $id, data => $try->{data},
    }));

    return;
}


# those whose time has come, in their order

sub _repeat ($self, $now) {
    my $waiting = $self->{waiting};
    my @due = grep { $_->{at} <= $now } @$waiting;

    return if !@due;

    @$waiting = grep { $_->{at} > $now } @$waiting;
    $self->_send($_->{try}) for @due;

    return;
}


sub _wait ($self, $try, $seconds) {
    push @{ $self->{waiting} }, { try => $try, at => time + $seconds };

    return;
}


# nobody knows whether it has taken effect

sub _undecided ($self, $request, $seconds) {
    my $try = $request->{try};

    if ($try->{again}) {
        $self->_wait($try, $seconds);

    } elsif ($try->{ended}) {
        $try->{ended}->(undef);
    }

    return;
}


# what is waiting is given up

sub give_up ($self) {
    @{ $self->{waiting} } = ();
    $_->{try}{again} = 0 for values %{ $self->{open} };

    return;
}


# What comes -------------------------------------------------------------

sub _take ($self, $message) {
    my $type = $message->{type};

    return $self->_reply($message) if $type eq 'reply';

    my $data = $message->{data};

    if (exists $data->{revision}) {
        $self->{record}->write(event => $self->{record}->number($message));
        $self->{holding}->event($type, $data);

    } elsif ($type eq 'presence.changed') {
        $self->{record}->write(presence => @$data{qw(userId status lastSeen
                                                     text)});
        $self->{company}->changed($data);

    } elsif ($type =~ /^typing\.(\w+)/) {
        $self->{record}->write(typing => @$data{qw(conversationId userId)}, $1);

    } elsif ($type =~ /^receipt\.(\w+)/) {
        $self->{record}->write(receipt => $data->{conversationId},
                               $data->{userId}, $1, $data->{sequenceNumber});

    } elsif ($type =~ $HINT) {
        $self->{record}->write(hint => $type, @$_{qw(conversationId userId)})
            for $data->{conversations} ? @{ $data->{conversations} } : $data;

    } elsif ($type eq 'conversation.reset') {
        $self->{record}->write(reset => $data->{conversationId});
        $self->{holding}->reset($data->{conversationId});

    } elsif ($type eq 'authenticated') {
        $self->{record}->write(up => @$data{qw(sessionId node)});
        @$self{qw(up failures session)} = (1, 0, $data->{sessionId});
        $self->{holding}->up;
    }

    return;
}


sub _reply ($self, $reply) {
    my $id = $reply->{id} // die 'a reply without id: ' . encode($reply) . "\n";
    my $request = delete $self->{open}{$id}
        // die "a reply to what was not asked: $id\n";
    my $try = $request->{try};

    if (!$reply->{ok}) {
        my $error = $reply->{error};

        $self->{record}->write(refused => $id, $error);

        return $self->_undecided($request, ($error->{retryAfter} // 0.2)
                                           * (0.5 + rand))
            if $AGAIN{ $error->{code} } && $try->{again};

    } else {
        $self->{record}->write(reply => $id,
                               $self->_numbered($reply->{data}));
        $self->_wait($try, rand 5) if $try->{echo} && $try->{echo}--;
    }

    $try->{ended}->($reply) if $try->{ended};

    return;
}


# the same with numbers instead of texts

sub _numbered ($self, $data) {
    my %short = %$data;

    if ($short{events} || $short{messages}) {
        for my $name (grep { $short{$_} } qw(events messages)) {
            $short{$name} = [map { $self->{record}->number($_) }
                                 @{ $short{$name} }];
        }

    } elsif ($short{conversations}) {
        $short{conversations} = [map { $self->_numbered($_) }
                                     @{ $short{conversations} }];
    }

    return \%short;
}

1;
