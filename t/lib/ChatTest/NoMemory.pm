# An nginx that is told which of its allocations fail, by a page that it shares
# with t/preload/nomem.c:
#
#     my $chat = ChatTest->new(ChatTest::NoMemory->options);
#     my $memory = ChatTest::NoMemory->new($chat);

package ChatTest::NoMemory;

use v5.36;

use Carp qw(croak);

use constant ALL => 2**62;

# where the page keeps what, and how long it is
use constant { PID => 0, FROM => 8, TO => 16, COUNT => 24, SIZE => 32 };


sub options ($class) {
    return (preload     => ['nomem'],
            environment => { NOMEM => 'nomem' },
            files       => { nomem => "\0" x SIZE });
}


sub new ($class, $stack) {
    my $file = $stack->directory . '/nomem';

    open my $page, '+<', $file or croak "cannot open $file: $!";
    binmode $page;

    return bless { page => $page }, $class;
}


# From now on the process counts, and its allocation number $from fails, and
# those up to number $to.

sub arm ($self, $pid, $from, $to = $from) {
    $self->_put(PID, 0);
    $self->_put(COUNT, 0);
    $self->_put(FROM, $from);
    $self->_put(TO, $to);
    $self->_put(PID, $pid);

    return;
}


# how many there were

sub disarm ($self) {
    $self->_put(PID, 0);
    sysseek $self->{page}, COUNT, 0;
    sysread $self->{page}, my $count, 8;

    return unpack 'Q', $count;
}


sub _put ($self, $at, $value) {
    sysseek $self->{page}, $at, 0;
    syswrite $self->{page}, pack 'Q', $value;

    return;
}

1;
