# A proxy that does to connections what networks do: cuts them, holds them up,
# delays them, or is silent for ever; and, where it knows what Redis says to
# subscribers, loses a message or a subscription.  It is a process of its own
# and ends with the test.
#
#     my $proxy = ChatTest::Proxy->new(directory => $stack->directory);
#     my $place = $proxy->listen('redis', to => '/run/redis.sock',
#                                on => '/tmp/x/proxied.sock', resp => 1);
#
#     $proxy->stall('redis', only => 'subscriber');
#     $proxy->heal('redis');
#
# A place is "address:port" or the path of a socket.  Any number of processes
# may control it through the same object, or one made with control() from its
# path.
#
# Options that say which connections of a listener are meant, all by default:
#
#     only      => a regular expression for the name that the client has given
#                  itself (CLIENT SETNAME): ours end in ":command" or
#                  ":subscriber"
#     existing  => 1: not those that come later
#
# and which way: way => "up" (client to server), "down", or both by default.

package ChatTest::Proxy;

use v5.36;

use Carp qw(croak);
use Cwd qw(realpath);
use File::Basename qw(dirname);
use IO::Socket::UNIX;

use ChatTest::Json qw(decode encode);
use ChatTest::Port qw(take_port);
use ChatTest::Process;
use ChatTest::Wait qw(wait_until);

my $library = realpath(dirname(__FILE__) . '/..');


# directory: for its socket; and perhaps name, log

sub new ($class, %o) {
    my $name = $o{name} // 'proxy';
    my $self = $class->control("$o{directory}/$name.control");

    $self->{process} = ChatTest::Process->new(
        name      => $name,
        directory => $o{directory},
        log       => $o{log} // "$o{directory}/$name.log",
        command   => [$^X, "-I$library", '-MChatTest::Proxy::Server', '-e',
                      'ChatTest::Proxy::Server->new($ARGV[0])->run',
                      $self->{path}],
    )->start;

    wait_until { -S $self->{path} || !$self->{process}->alive };
    croak "$name did not start" if !$self->{process}->alive;

    return $self;
}


# one that runs already

sub control ($class, $path) { return bless { path => $path }, $class }


sub path ($self) { return $self->{path} }


sub stop ($self) { return $self->{process}->stop }


# Where to connect to.  on: a path, a port, or by default a free port; resp: it
# is Redis, so connections have names, and swallow() works.

sub listen ($self, $name, %o) {
    if (!defined $o{on}) {
        ($o{on}, my $lock) = take_port;
        push @{ $self->{locks} }, $lock;
    }

    $o{on} = "127.0.0.1:$o{on}" if $o{on} =~ /^\d+$/;

    return $self->_ask(listen => $name, %o)->{on};
}


# Ends connections: with a reset where it is TCP.  Says how many.

sub cut ($self, $name, %o) { return $self->_ask(cut => $name, %o)->{count} }


# Nothing gets through and nothing is closed, until heal(): then all goes on.

sub stall ($self, $name, %o) { return $self->_fault('stall', $name, %o) }


# The same, but heal() is for new connections only: these remain silent, until
# the client gives them up.

sub blackhole ($self, $name, %o) {
    return $self->_fault('blackhole', $name, %o);
}


# New connections are closed at once.

sub refuse ($self, $name) { return $self->_fault('refuse', $name) }


# ms => how long everything takes; what was said last counts

sub delay ($self, $name, %o) { return $self->_fault('delay', $name, %o) }


# Loses, of what goes to subscribers, messages of channels (message => a
# regular expression), or subscriptions (subscribe => the same), which are
# confirmed all the same.  times: so many, 1 by default, -1 for all.

sub swallow ($self, $name, %o) {
    $o{times} //= 1;
    return $self->_fault('swallow', $name, %o);
}


# how many messages and subscriptions were lost so, since the last heal()

sub swallowed ($self, $name) {
    return $self->_ask(swallowed => $name)->{count};
}


# Ends all faults of a listener, or one kind of them; new ones go on as said.

sub heal ($self, $name, $kind = undef) {
    return $self->_ask(heal => $name, kind => $kind);
}


# each with id, name, up and down: bytes that came

sub connections ($self, $name) {
    return @{ $self->_ask(connections => $name)->{connections} };
}


sub _fault ($self, $kind, $name, %o) {
    return $self->_ask(fault => $name, %o, kind => $kind);
}


sub _ask ($self, $verb, $name, %o) {
    my $socket = IO::Socket::UNIX->new(Peer => $self->{path})
        or croak "cannot connect to $self->{path}: $!";

    print $socket encode({ %o, verb => $verb, listener => $name }), "\n";
    $socket->flush;

    my $line = readline($socket) // croak 'the proxy has ended';
    my $answer = decode($line);

    croak "the proxy says: $answer->{error}" if defined $answer->{error};

    return $answer;
}

1;
