# Many sessions that send messages at a given rate: build/bench/load, which
# has a process of its own.  Each conversation has so many listeners, all of
# which send.

package Bench::Load;

use v5.36;

use Carp qw(croak);
use Cwd qw(realpath);
use File::Basename qw(dirname);
use IO::Handle;
use IPC::Open2;
use Time::HiRes qw(time);

use constant READY => 90;

my $root = realpath(dirname(__FILE__) . '/../../..');


# chat, sessions, conversations (names)

sub new ($class, %o) {
    my $self = bless { %o }, $class;

    $self->{listeners} = $o{sessions} / @{ $o{conversations} };
    croak 'sessions do not share the conversations evenly'
        if $self->{listeners} != int $self->{listeners};

    return $self;
}


sub pid ($self) { return $self->{pid} }


# makes the conversations, opens the sessions, joins

sub open ($self) {
    my @names = @{ $self->{conversations} };

    $self->_create;
    $self->{pid} = open2(
        $self->{from}, $self->{to}, 'setpriv', '--pdeathsig', 'TERM',
        "$root/build/bench/load", $self->{chat}->port, $self->{listeners},
    );

    for my $number (0 .. $self->{sessions} - 1) {
        my $token = $self->{chat}->token(sub => "user-$number");

        $self->_tell("open $names[$number % @names] $token");
    }

    $self->_tell('ready');
    $self->_line(READY) eq 'ready' or croak 'the load is not ready';

    return;
}


# begins to send; result() tells what became of it

sub send ($self, $rate, $seconds) {
    $self->_tell(sprintf 'send %d %d', $rate, 1000 * $seconds);

    return;
}


# what became of it: sent, accepted, refused, events, us, p50, p99 and max (us);
# undef if it is not over within these seconds

sub result ($self, $seconds) {
    my $line = $self->_line($seconds) // return undef;

    return { $line =~ /(\w+)=(\d+)/g };
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


sub _create ($self) {
    my $admin = $self->{chat}->connect(user => 'admin', roles => ['admin']);

    for my $name (@{ $self->{conversations} }) {
        $admin->request('conversation.create', {
            conversationId => $name, type => 'channel',
        });
    }

    $admin->disconnect;

    return;
}


sub _tell ($self, $line) {
    $self->{to}->print("$line\n") or croak 'the load has ended';
    $self->{to}->flush;

    return;
}


# it says one line at a time, so a buffer never has a second one

sub _line ($self, $seconds) {
    my $bits = '';

    vec($bits, fileno $self->{from}, 1) = 1;
    return undef if !select $bits, undef, undef, $seconds;

    my $line = readline($self->{from}) // croak 'the load has ended';
    chomp $line;

    return $line;
}

1;
