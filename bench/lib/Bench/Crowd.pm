# Many sessions that answer pings, may send messages, and look whether each
# comes once and in order: build/bench/crowd, in several processes, since each
# may have only so many files open, and each from an address of loopback of its
# own, since each may have only so many ports.

package Bench::Crowd;

use v5.36;

use Carp qw(croak);
use Cwd qw(realpath);
use File::Basename qw(dirname);
use IO::Handle;
use IPC::Open2;
use POSIX qw(ceil);
use Time::HiRes qw(time);

use Bench::Histogram qw(unite);

use constant {
    AT_MOST => 5000,        # sessions per process: several share the work
    ANSWER  => 30,          # seconds until a question is answered
};

my $root = realpath(dirname(__FILE__) . '/../../..');


# chat; sessions => count; conversation => code that gets a session's number.
# port => another one of nginx's; tls => 1: over TLS; processes => at least so
# many.

sub new ($class, %o) {
    my $self = bless {
        port => $o{chat}->port, tls => 0, processes => 1, %o, members => [],
    }, $class;
    my $least = ceil($o{sessions} / AT_MOST);

    $self->{processes} = $least if $self->{processes} < $least;

    return $self;
}


# Opens all sessions and joins each to its conversation; returns when that is
# done, or dies if it is not within these seconds.

sub open ($self, $seconds) {
    my $count = $self->{processes};

    $self->_start($_) for 0 .. $count - 1;

    # each token as it is needed: the processes work meanwhile
    for my $number (0 .. $self->{sessions} - 1) {
        my $name = $self->{conversation}->($number);
        my $token = $self->{chat}->token(sub => "user-$number");

        _tell($self->{members}[$number % $count], "open $name $token");
    }

    $self->await('ready', $seconds);

    return;
}


# Waits until each process says so; "pinged": each session was.

sub await ($self, $what, $seconds) {
    my $deadline = time + $seconds;

    _tell($_, $what) for @{ $self->{members} };

    for my $member (@{ $self->{members} }) {
        my $line = _line($member, $deadline - time)
            // croak "not \"$what\" within $seconds s";

        croak "expected \"$what\": $line" if $line ne $what;
    }

    return;
}


# begins to send so many messages a second, together

sub send ($self, $rate, $seconds) {
    my $count = @{ $self->{members} };

    croak 'the processes do not share the rate evenly' if $rate % $count;

    _tell($_, sprintf 'send %d %d', $rate / $count, 1000 * $seconds)
        for @{ $self->{members} };

    return;
}


# What has become of it up to now, all processes together: left, sent,
# accepted, refused, events, missed, doubled, and how often each delay was
# there, for Bench::Histogram: replies, deliveries.

sub count ($self) {
    my (%sum, %delays);

    _tell($_, 'count') for @{ $self->{members} };

    for my $member (@{ $self->{members} }) {
        my $line = _line($member, ANSWER) // croak 'a process hangs';

        for my $part (split ' ', $line) {
            my ($name, $value) = split /=/, $part;

            if ($name =~ /^(?:replies|deliveries)$/) {
                push @{ $delays{$name} }, $value // '';

            } else {
                $sum{$name} += $value;
            }
        }
    }

    $sum{$_} = unite(@{ $delays{$_} }) for keys %delays;

    return \%sum;
}


sub pids ($self) { return map { $_->{pid} } @{ $self->{members} } }


# ends all sessions, without a word

sub close ($self) {
    for my $member (splice @{ $self->{members} }) {
        close $member->{to};
        waitpid $member->{pid}, 0;
    }

    return;
}


sub DESTROY ($self) {
    local ($?, $@);

    kill 'KILL', $self->pids;
    $self->close;

    return;
}


sub _start ($self, $number) {
    my %member;

    $member{pid} = open2(
        $member{from}, $member{to}, 'setpriv', '--pdeathsig', 'TERM',
        "$root/build/bench/crowd", $self->{port}, '127.0.1.' . ($number + 1),
        $self->{tls} ? 'tls' : 'plain',
    );

    push @{ $self->{members} }, \%member;

    return;
}


sub _tell ($member, $line) {
    local $SIG{PIPE} = 'IGNORE';

    $member->{to}->print("$line\n") or croak 'the crowd has ended';
    $member->{to}->flush;

    return;
}


# it says one line at a time, so a buffer never has a second one

sub _line ($member, $seconds) {
    my $bits = '';

    vec($bits, fileno $member->{from}, 1) = 1;
    return undef
        if !select $bits, undef, undef, $seconds > 0 ? $seconds : 0;

    my $line = readline($member->{from}) // croak 'the crowd has ended';
    chomp $line;

    return $line;
}

1;
