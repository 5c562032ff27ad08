# A link to a test's Redis, for what redis-cli would be too slow for: many
# commands at once, and replies as Perl has such things.

package ChatTest::Redis;

use v5.36;

use Carp qw(croak);
use IO::Socket::UNIX;


sub new ($class, $path) {
    my $socket = IO::Socket::UNIX->new(Peer => $path)
        or croak "cannot connect to $path: $!";

    return bless { socket => $socket }, $class;
}


# one command; an error dies

sub call ($self, @arguments) {
    my ($reply) = $self->call_all(\@arguments);

    croak "Redis said: $$reply" if ref $reply eq 'SCALAR';

    return $reply;
}


# several; an error is a reference to its text

sub call_all ($self, @commands) {
    my @replies;

    while (my @some = splice @commands, 0, 100) {
        $self->_write(join '', map { _encode(@$_) } @some);
        push @replies, map { $self->_reply } @some;
    }

    return @replies;
}


# the next that is published, of a link that has subscribed: [kind, channel,
# payload]

sub hear ($self) { return $self->_reply }


sub _encode (@arguments) {
    return join '', '*', scalar @arguments, "\r\n",
        map { ('$', length, "\r\n", $_, "\r\n") } @arguments;
}


sub _write ($self, $bytes) {
    while (length $bytes) {
        my $n = syswrite $self->{socket}, $bytes;

        croak "cannot write to Redis: $!" if !$n;
        substr $bytes, 0, $n, '';
    }

    return;
}


sub _reply ($self) {
    local $/ = "\r\n";

    defined(my $line = readline $self->{socket})
        or croak 'Redis closed the link';
    chomp $line;

    my $type = substr $line, 0, 1, '';

    return $line                            if $type eq '+' || $type eq ':';
    return \$line                           if $type eq '-';
    return undef                            if $line < 0;
    return $self->_bytes($line)             if $type eq '$';
    return [map { $self->_reply } 1 .. $line];
}


sub _bytes ($self, $length) {
    my $n = read $self->{socket}, my $bytes, $length + 2;

    croak 'Redis closed the link' if !$n || $n != $length + 2;

    return substr $bytes, 0, $length;
}

1;
