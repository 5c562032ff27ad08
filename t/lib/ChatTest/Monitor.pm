# What Redis is asked, as its MONITOR tells.

package ChatTest::Monitor;

use v5.36;

use Carp qw(croak);
use IO::Handle;

use ChatTest::Wait qw(wait_until);


# socket: that Redis listens at; from now on we hear

sub new ($class, $socket) {
    # what it says when Redis has ended is of no interest
    open my $pipe, '-|', "exec redis-cli -s '$socket' MONITOR 2>&1"
        or croak "cannot run redis-cli: $!";
    $pipe->blocking(0);

    my $self = bless { pipe => $pipe, text => '' }, $class;

    wait_until { $self->_heard =~ /^OK\n/ };

    return $self;
}


# waits until the function was called for the conversation as often as that

sub await ($self, $function, $conversation, $times = 1) {
    wait_until { $times <= $self->count($function, $conversation) };

    return;
}


# waits until they were called in this order

sub await_order ($self, $conversation, @functions) {
    my $order = join '.*',
        map { qr/"chat_v1_$_"[^\n]*$conversation"/ } @functions;

    wait_until { $self->_heard =~ /$order/s };

    return;
}


# how often that was, as far as we have heard

sub count ($self, $function, $conversation) {
    return scalar(() = $self->_heard
                       =~ /"chat_v1_$function".*$conversation"/g);
}


sub _heard ($self) {
    sysread $self->{pipe}, $self->{text}, 65536, length $self->{text};

    return $self->{text};
}

1;
