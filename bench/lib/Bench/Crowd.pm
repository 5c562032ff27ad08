# Many sessions that do nothing but answer pings, in processes of their own,
# since each may have only so many files open.  The processes end with the one
# that made them: they wait at a pipe that it holds.

package Bench::Crowd;

use v5.36;

use Carp qw(croak);
use IO::Handle;
use IO::Poll qw(POLLIN);
use POSIX ();
use Time::HiRes qw(time);

use constant {
    SPARE   => 100,         # files that a process has open beside
    AT_MOST => 5000,        # sessions per process: two share the work here
    LOOK    => 0.5,         # seconds between looks at the sockets
};


# chat; sessions => count; conversation => code that gets a session's number

sub new ($class, %o) {
    return bless { %o, pids => [], reports => [] }, $class;
}


# Opens all sessions and joins each to its conversation; returns when that is
# done, or dies if it is not within these seconds.

sub open ($self, $seconds) {
    my $each = POSIX::sysconf(POSIX::_SC_OPEN_MAX()) - SPARE;
    my $first = 0;

    $each = AT_MOST if $each > AT_MOST;
    pipe(my $hold, $self->{hold}) or croak "pipe() failed: $!";

    while ($first < $self->{sessions}) {
        my $last = $first + $each - 1;

        $last = $self->{sessions} - 1 if $last >= $self->{sessions};
        $self->_fork($hold, $first, $last);
        $first = $last + 1;
    }

    $self->await('open', $seconds);

    return;
}


# waits until each process has reported this

sub await ($self, $what, $seconds) {
    my $deadline = time + $seconds;

    for my $report (@{ $self->{reports} }) {
        my $line = _read_line($report, $deadline)
            // croak "not \"$what\" within $seconds s";

        croak "expected \"$what\": $line" if $line ne $what;
    }

    return;
}


# ends all sessions, without a word

sub close ($self) {
    $self->{hold} = undef;
    waitpid $_, 0 for splice @{ $self->{pids} };
    $self->{reports} = [];

    return;
}


sub DESTROY ($self) {
    local ($?, $@);

    kill 'KILL', @{ $self->{pids} };
    $self->close;

    return;
}


sub _fork ($self, $hold, $first, $last) {
    pipe(my $report, my $out) or croak "pipe() failed: $!";

    my $pid = fork // croak "fork() failed: $!";

    if ($pid == 0) {
        # nothing of the parent's END or DESTROY is ours, however this ends
        $SIG{$_} = sub { POSIX::_exit(1) } for qw(HUP INT TERM PIPE);
        $self->{hold} = undef;
        $out->autoflush(1);
        eval { $self->_live($hold, $out, $first, $last); 1 }
            or print $out $@;
        POSIX::_exit(0);
    }

    push @{ $self->{pids} }, $pid;
    push @{ $self->{reports} }, $report;

    return;
}


# the life of a process: reports "open", and "pinged" once every session was

sub _live ($self, $hold, $out, $first, $last) {
    my $poll = IO::Poll->new;
    my (%by_socket, %unpinged);

    for my $number ($first .. $last) {
        my $client = $self->{chat}->connect(user => "user-$number");

        $client->join($self->{conversation}->($number));
        $poll->mask($client->{socket} => POLLIN);
        $by_socket{ $client->{socket} } = $client;
        $unpinged{ $client->{socket} } = 1;

        return if _readable($hold, 0);
        _answer_pings($poll, \%by_socket) if $number % 500 == 0;
    }

    say $out 'open';

    while (!_readable($hold, LOOK)) {
        my $waited = %unpinged;

        _answer_pings($poll, \%by_socket);

        for my $socket (keys %unpinged) {
            delete $unpinged{$socket} if $by_socket{$socket}->pings;
        }

        say $out 'pinged' if $waited && !%unpinged;
    }

    return;
}


sub _answer_pings ($poll, $by_socket) {
    $poll->poll(0);

    for my $socket ($poll->handles(POLLIN)) {
        my $client = $by_socket->{$socket};

        $client->poll(\my @messages) or die "a connection ended\n";
        die "not idle: $messages[0]{raw}\n" if @messages;
    }

    return;
}


sub _readable ($handle, $seconds) {
    my $bits = '';

    vec($bits, fileno $handle, 1) = 1;

    return 0 < select $bits, undef, undef, $seconds;
}


sub _read_line ($handle, $deadline) {
    my $left = $deadline - time;

    return undef if !_readable($handle, $left > 0 ? $left : 0);

    my $line = <$handle> // 'it has ended';
    chomp $line;

    return $line;
}

1;
