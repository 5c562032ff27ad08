# Commands that run to their end.

package ChatTest::Command;

use v5.36;

use Carp qw(croak);
use Exporter qw(import);
use POSIX ();

our @EXPORT_OK = qw(run must_run);


# the exit code, then all that the command printed

sub run (@command) {
    my $pid = open(my $out, '-|') // croak "fork() failed: $!";

    if ($pid == 0) {
        open STDIN, '<', '/dev/null';
        open STDERR, '>&', \*STDOUT;

        no warnings 'exec';
        exec { $command[0] } @command;

        print STDERR "cannot run $command[0]: $!\n";
        POSIX::_exit(127);
    }

    local $/ = undef;
    my $text = <$out>;
    close $out;

    return ($? & 127 ? 128 + ($? & 127) : $? >> 8, $text // '');
}


# what the command printed, its last newline left out; dies if it failed

sub must_run (@command) {
    my ($code, $text) = run(@command);

    croak "@command: exit code $code\n$text" if $code != 0;

    return $text =~ s/\n\z//r;
}

1;
