# A run: everything is started, clients do what they do while faults come and
# go, everything is made whole, the clients finish, and what they recorded is
# checked.  What another program has to know is in the directory of the run:
#
#     topology.json   who may connect where (written before clients start)
#     faults.jsonl    what was done when, a line as it begins and one after it
#     records/        what the clients write; world.json when they have begun
#     stop            is there when all is whole again: clients shall finish
#
# Anything that is not as it should be dies.

package ChatTest::Chaos::Run;

use v5.36;

use Carp qw(croak);
use List::Util qw(sum0);
use Time::HiRes qw(sleep time);

use ChatTest::Chaos::Faults qw(kinds loses);
use ChatTest::Chaos::Plan;
use ChatTest::Chaos::Stack;
use ChatTest::Json qw(encode);
use ChatTest::Process;
use ChatTest::Wait qw(wait_within);

use constant {
    TURN     => 0.05,
    BEGUN    => 30,         # seconds until the clients have begun
    LOOK     => 20,         # seconds between looks into the logs
    HEALED   => 60,         # seconds until all is whole after the last fault
    FINISHED => 180,        # and until the clients have finished
    STORED   => 60,
    WELL     => 20,
    LIFETIME => 7200,       # of tokens, beyond the run
    USERS    => 5,          # of a tenant,
    ADMINS   => 1,          #   of whom so many may choose ids
};

my @TENANTS = qw(red blue);


# directory, seed, minutes, clients, rate (operations a second), asan, kinds:
# [...] of faults, all by default

sub new ($class, %o) {
    my $self = bless {
        clients => 24, rate => 150, asan => 0, kinds => [], %o,
        counts => {}, active => [], logs_at => 0,
    }, $class;

    $self->{stack} = ChatTest::Chaos::Stack->new(
        directory => $o{directory}, asan => $self->{asan});
    $self->{faults} = ChatTest::Chaos::Faults->new(stack => $self->{stack});

    return $self;
}


# what will happen, from the same options

sub plan ($class, %o) {
    return ChatTest::Chaos::Plan->make(
        seed    => $o{seed},
        seconds => 60 * $o{minutes},
        kinds   => kinds(@{ $o{kinds} }),
    );
}


sub go ($self) {
    my $stack = $self->{stack};

    $self->{log} = $self->_open('faults.jsonl');
    $stack->start;
    $self->_write_topology;
    $self->_start_clients;
    $self->_under_fire;
    $self->_finish;
    $self->_check;

    my @faults = $stack->stop;
    croak 'not as it should be: ', @faults if @faults;

    return;
}


# what there was, in lines

sub report ($self) {
    my $counts = $self->{counts};
    my $gaps = () = join('', map { $self->{stack}->logs->text($_) }
                         $self->{stack}->nginx)
        =~ /chat: a gap in .* was repaired/g;

    return map({ sprintf '%6d  %s', $counts->{$_}, $_ } sort keys %$counts),
        sprintf('%6d  faults of %d kinds', sum0(values %$counts),
                scalar keys %$counts),
        sprintf('%6d  gaps repaired', $gaps),
        sprintf('%6.0f  acknowledged operations a second',
                ($self->{acknowledged} // 0) / 60 / $self->{minutes});
}


# -- clients ------------------------------------------------------------------

sub _write_topology ($self) {
    my $stack = $self->{stack};
    my $lifetime = 60 * $self->{minutes} + LIFETIME;
    my (@users, @urls, @final);

    for my $tenant (@TENANTS) {
        push @users, map {
            my @roles = $_ <= ADMINS ? 'admin' : ();

            { tenant => $tenant, user => "user-$_", roles => \@roles,
              token => $stack->token($tenant, "user-$_", $lifetime, @roles) }
        } 1 .. USERS;
    }

    for my $name ($stack->nginx) {
        my %common = (host => '127.0.0.1', node => $name =~ s/.*-//r);

        for ([chat => 'accepted'], [stored => 'stored']) {
            my ($path, $ack) = @$_;
            my %url = (%common, path => "/$path", ack => $ack);

            push @urls, { %url, port => 0 + $stack->way($name) };
            push @final, { %url, port => 0 + $stack->port($name) };
        }
    }

    my $file = $self->_open('topology.json.new');
    print $file encode({
        seed     => 0 + $self->{seed},
        minutes  => 0 + $self->{minutes},
        clients  => 0 + $self->{clients},
        rate     => 0 + $self->{rate},
        away     => $stack->away,
        tenants  => \@TENANTS,
        users    => \@users,
        urls     => \@urls,
        final    => \@final,
        postgres => $stack->postgres_url,
        chatctl  => { command => [$stack->program('chatctl')],
                      env => { $stack->settings } },
    });
    close $file;
    rename "$self->{directory}/topology.json.new",
        "$self->{directory}/topology.json" or croak "rename() failed: $!";

    return;
}


sub _start_clients ($self) {
    $self->{process} = $self->_program('clients');
    $self->{process}->start;

    return _must('the clients have begun', BEGUN, sub {
        -e "$self->{directory}/records/world.json"
            || !$self->{process}->alive;
    });
}


# a program of t/chaos, by itself

sub _program ($self, $name) {
    return ChatTest::Process->new(
        name    => $name,
        log     => $self->{stack}->logs->file($name),
        command => [$^X, $self->{stack}->root . "/t/chaos/$name", '--run',
                    $self->{directory}],
    );
}


# -- under fire ---------------------------------------------------------------

sub _under_fire ($self) {
    my @plan = $self->plan(%$self);
    my $end = time + 60 * $self->{minutes};

    $self->{began} = time;
    $self->{over} = time;       # the last fault

    while (time < $end || @{ $self->{active} }) {
        $self->_look;
        $self->_end_due;

        if (time < $end && @plan && $self->_is_due($plan[0])) {
            $self->_begin(shift @plan);
        }

        sleep TURN;
    }

    return;
}


# Whether it is time for one, and its place is not in trouble already.

sub _is_due ($self, $fault) {
    my $active = $self->{active};

    return time >= $self->{over} + $fault->{pause} && !@$active
        if !$fault->{together} || @$active != 1;

    return time >= $active->[0]{since} + $fault->{pause}
        && !_meet($active->[0]{place}, $fault->{place});
}


# whether two places are one, or one is a part of the other: "persist" is all
# chat-persist, "presence" all chat-presence

sub _meet ($place, $other) {
    return $place eq $other || $place =~ /^\Q$other\E-/
        || $other =~ /^\Q$place\E-/;
}


sub _begin ($self, $fault) {
    $fault->{since} = time;
    $self->_note($fault, 'begin');
    $self->{counts}{ $fault->{kind} }++;

    say sprintf '%7.1f  %3d  %s %s, %.1f s', time - $self->{began},
        @$fault{qw(n kind place hold)};

    $self->{faults}->begin($fault);
    push @{ $self->{active} }, $fault;

    return;
}


sub _end_due ($self) {
    my @left;

    for my $fault (@{ $self->{active} }) {
        if (time < $fault->{since} + $fault->{hold}) {
            push @left, $fault;
            next;
        }

        $self->{faults}->end($fault);
        $self->_note($fault, 'end');
        $self->{over} = time;
    }

    $self->{active} = \@left;

    return;
}


sub _note ($self, $fault, $phase) {
    my %line = (
        t      => time,
        n      => $fault->{n},
        fault  => $fault->{kind},
        target => $fault->{place},
        phase  => $phase,
    );

    $line{loses} = \1 if loses($fault->{kind});
    $line{copied} = $fault->{copied} if defined $fault->{copied};

    my $log = $self->{log};
    print $log encode(\%line), "\n";
    $log->flush;

    return;
}


# what must be true all the time

sub _look ($self) {
    my $stack = $self->{stack};
    my @faults = $stack->faults;

    push @faults, "the clients ended, status $self->{process}{status}\n"
        if !$self->{process}->alive;

    if (time > $self->{logs_at} + LOOK) {
        $self->{logs_at} = time;
        push @faults, $stack->log_faults;
    }

    croak 'not as it should be: ', @faults if @faults;

    my $troubled = grep { $_->{place} eq 'redis' } @{ $self->{active} };
    $stack->copies->take if !$troubled;

    return;
}


# -- the end ------------------------------------------------------------------

sub _finish ($self) {
    my $stack = $self->{stack};

    _must('all is whole again', HEALED, sub { $stack->is_ready });
    $self->_open('stop');
    _must('the clients have finished', FINISHED, sub {
        !$self->{process}->alive
    });
    croak "clients: status $self->{process}{status}\n"
        if $self->{process}{status};
    _must('everything is stored', STORED, sub { $stack->is_stored });

    return;
}


sub _check ($self) {
    my $stack = $self->{stack};
    my $dead = $stack->psql('SELECT count(*) FROM chat.dead_letter');

    croak "$dead dead letters\n" if $dead;
    $self->_must_be_well;

    my $check = $self->_program('check');

    $check->start;
    wait_within { !$check->alive } 60 + 30 * $self->{minutes};
    my $said = $stack->logs->text('check');
    print $said;
    $self->{acknowledged} = $1 if $said =~ /^(\d+) operations acknowledged/m;
    croak "check: status $check->{status}\n" if $check->{status};
    $self->_verify($_) for @TENANTS;
    $stack->chatctl_must('doctor');

    return;
}


# a holder that has just taken over may still be at it

sub _must_be_well ($self) {
    my ($code, $text);

    eval {
        wait_within {
            ($code, $text) = $self->{stack}->chatctl('status');
            $code == 0;
        } WELL;
    };

    croak "chatctl status:\n$text" if $code;

    return;
}


# what the product itself says of its conversations

sub _verify ($self, $tenant) {
    my ($code, $text) = $self->{stack}->chatctl('verify', '--all', '--tenant',
                                                $tenant);

    croak "chatctl verify, tenant $tenant:\n$text" if $code;

    return;
}


sub _must ($what, $seconds, $condition) {
    my $so = eval { wait_within { $condition->() } $seconds };

    croak "not so within $seconds s: $what\n" if !$so;

    return;
}


sub _open ($self, $name) {
    open my $file, '>', "$self->{directory}/$name"
        or croak "cannot write $name: $!";

    return $file;
}

1;
