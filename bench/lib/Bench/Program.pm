# A program of build/bench that is told what to do and answers, a line each; it
# has a process of its own and ends with the one that started it.

package Bench::Program;

use v5.36;

use Carp qw(croak);
use Cwd qw(realpath);
use File::Basename qw(dirname);
use IO::Handle;
use IPC::Open2;

my $root = realpath(dirname(__FILE__) . '/../../..');


# name, arguments => [...], and perhaps cpus => list of processors for taskset

sub new ($class, %o) {
    my $self = bless { %o }, $class;
    my @pin = defined $o{cpus} ? ('taskset', '-c', $o{cpus}) : ();

    $self->{pid} = open2(
        $self->{from}, $self->{to}, 'setpriv', '--pdeathsig', 'TERM', @pin,
        "$root/build/bench/$o{name}", @{ $o{arguments} },
    );

    return $self;
}


sub pid ($self) { return $self->{pid} }


sub tell ($self, $line) {
    $self->{to}->print("$line\n") or croak "$self->{name} has ended";
    $self->{to}->flush;

    return;
}


# It says one line at a time, so a buffer never has a second one.  undef if
# there is none within these seconds.

sub line ($self, $seconds) {
    my $bits = '';

    vec($bits, fileno $self->{from}, 1) = 1;
    return undef if !select $bits, undef, undef, $seconds;

    my $line = readline($self->{from}) // croak "$self->{name} has ended";
    chomp $line;

    return $line;
}


# tells it something, and waits for what it must say to that

sub expect ($self, $line, $answer, $seconds) {
    $self->tell($line);
    $self->await($answer, $seconds);

    return;
}


sub await ($self, $answer, $seconds) {
    my $said = $self->line($seconds)
        // croak "$self->{name} does not say \"$answer\" within $seconds s";

    croak "$self->{name} says \"$said\", not \"$answer\"" if $said ne $answer;

    return;
}


sub close ($self) {
    my $pid = delete $self->{pid} // return;

    close $self->{to};
    waitpid $pid, 0;

    return;
}


sub DESTROY ($self) {
    local ($?, $@);

    kill 'TERM', $self->{pid} if $self->{pid};
    $self->close;

    return;
}

1;
