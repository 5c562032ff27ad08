# Nothing of a run outlives it, however it ends.  The run is a child of this
# process, which takes over every process that loses its parent meanwhile, and
# kills what is left when the child has ended: also what was stopped, and what
# has made itself a session of its own.

package ChatTest::Chaos::Guard;

use v5.36;

use Carp qw(croak);
use Exporter qw(import);
use POSIX qw(WNOHANG);

use ChatTest::Wait qw(wait_within);

our @EXPORT_OK = qw(guarded descendants);

use constant {
    SET_DEATH_SIGNAL => 1,      # of prctl()
    SET_SUBREAPER    => 36,
    TERM             => 15,
    PATIENCE         => 30,     # seconds for all that is left
};

my %PRCTL = (x86_64 => 157, aarch64 => 167);


# runs the block, whose exit code is returned; a signal that would end us ends
# everything

sub guarded ($block) {
    my $told = 0;

    prctl(SET_SUBREAPER, 1);

    my $parent = $$;
    my $pid = fork // croak "fork() failed: $!";

    if ($pid == 0) {
        $SIG{TERM} = \&_give_up;
        prctl(SET_DEATH_SIGNAL, TERM);
        _give_up() if getppid != $parent;
        exit $block->();
    }

    local @SIG{qw(INT TERM HUP)} = (sub { $told = 1; kill 'KILL', $pid }) x 3;

    my $status = _reap($pid);

    _kill_the_rest();

    return $told ? 130 : $status & 127 ? 128 + ($status & 127) : $status >> 8;
}


# in the run, should its guard be killed

sub _give_up ($signal = undef) {
    kill 'KILL', descendants($$);
    POSIX::_exit(1);
}


# buries whoever dies, until it is this one, whose status is returned

sub _reap ($pid) {
    while (1) {
        my $dead = waitpid -1, 0;

        return $? if $dead == $pid;
        croak "waitpid() failed: $!" if $dead == -1 && !$!{EINTR};
    }
}


# all processes below one, the nearest first

sub descendants ($pid) {
    my @found = _children($pid);

    return @found, map { descendants($_) } @found;
}


sub _kill_the_rest () {
    wait_within {
        kill 'KILL', descendants($$);
        while (waitpid(-1, WNOHANG) > 0) { }

        !descendants($$);
    } PATIENCE;

    return;
}


sub _children ($pid) {
    open my $file, '<', "/proc/$pid/task/$pid/children" or return ();

    return split ' ', <$file> // '';
}


sub prctl ($what, $value) {
    my $number = $PRCTL{ (POSIX::uname)[4] } // return;

    syscall($number, $what, $value, 0, 0, 0) == 0
        or croak "prctl($what) failed: $!";

    return;
}

1;
