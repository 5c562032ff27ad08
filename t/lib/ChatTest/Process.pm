# One process of a test: started in a group of its own, watched, stopped.
#
# It writes what it prints to a file, and it ends with the test whatever
# happens: by stop(), by the END block of ChatTest::Stack, or, should the test
# itself be killed, by the signal that setpriv has asked the kernel for.

package ChatTest::Process;

use v5.36;

use Carp qw(croak);
use POSIX qw(WNOHANG);

use ChatTest::Wait qw(wait_until PATIENCE);


my %running;


# name, command => [...], log => file, and perhaps env => {...}, user => name,
# stop => the signal that ends it cleanly

sub new ($class, %o) {
    return bless { stop => 'TERM', env => {}, %o }, $class;
}


sub start ($self) {
    croak "$self->{name} runs already" if $self->alive;

    my $pid = fork // croak "fork() failed: $!";

    if ($pid == 0) {
        $self->_exec;
    }

    $self->{pid} = $pid;
    $self->{status} = undef;
    $self->{told} = 0;
    $running{$pid} = $self;

    return $self;
}


# whether it runs; reaps it if it has ended, and keeps its exit status

sub alive ($self) {
    my $pid = $self->{pid} // return 0;

    if (waitpid($pid, WNOHANG) == 0) {
        return 1;
    }

    $self->{status} = $?;
    $self->{pid} = undef;
    delete $running{$pid};

    return 0;
}


# whether it has ended without being told to

sub died ($self) {
    return !$self->alive && defined $self->{status} && !$self->{told};
}


sub signal ($self, $signal) {
    my $pid = $self->{pid} // croak "$self->{name} does not run";

    kill($signal, $pid) or croak "kill($signal, $self->{name}) failed: $!";

    return;
}


# sends a signal that must end it

sub tell ($self, $signal = $self->{stop}) {
    $self->{told} = 1;

    return $self->signal($signal);
}


# the same, and waits until it has ended

sub end ($self, $signal = $self->{stop}) {
    $self->tell($signal);
    $self->wait_end;

    return;
}


sub wait_end ($self, $seconds = PATIENCE) {
    my $ended = eval { wait_until { !$self->alive } $seconds };

    croak "$self->{name} did not end within $seconds s" if !$ended;

    return $self->{status};
}


# ends it whatever state it is in; says whether it had to be forced

sub stop ($self) {
    return 0 if !$self->alive;

    my $pid = $self->{pid};

    kill('CONT', $pid);
    return 0 if eval { $self->end; 1 };

    kill('KILL', -$pid);
    kill('KILL', $pid);
    eval { $self->wait_end };

    return 1;
}


sub stop_all () {
    for my $process (values %running) {
        $process->stop;
    }

    return;
}


# the child: a group of its own, files, environment, user, then the command

sub _exec ($self) {
    my @set = ('setpriv', '--pdeathsig', $self->{stop});

    if (defined $self->{user}) {
        push @set, "--reuid=$self->{user}", "--regid=$self->{user}",
            '--clear-groups';
    }

    setpgrp;
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE);

    if (open(STDIN, '<', '/dev/null')
        && open(STDOUT, '>>', $self->{log})
        && open(STDERR, '>&', \*STDOUT)
        && chdir($self->{directory} // '/'))
    {
        local @ENV{keys %{ $self->{env} }} = values %{ $self->{env} };
        no warnings 'exec';
        exec { $set[0] } @set, '--', @{ $self->{command} };
    }

    print STDERR "cannot start $self->{name}: $!\n";
    POSIX::_exit(127);
}

1;
