# A link to the Redis of a test, for what would be too slow by redis-cli: one
# command after the other, each answered at once.

package ChatTest::Model::Redis;

use v5.36;

use Carp qw(croak);
use IO::Socket::UNIX;


sub new ($class, $path) {
    my $socket = IO::Socket::UNIX->new(Peer => $path)
        or croak "cannot connect to $path: $!";

    return bless { socket => $socket, in => '' }, $class;
}


# the answer: a text, undef, or an array; an error dies

sub call ($self, @command) {
    my $text = '*' . @command . "\r\n"
        . join '', map { '$' . length($_) . "\r\n$_\r\n" } @command;

    while (length $text) {
        my $n = syswrite $self->{socket}, $text
            or croak "cannot write to redis: $!";
        substr $text, 0, $n, '';
    }

    return $self->_answer;
}


sub _answer ($self) {
    my $line = $self->_line;
    my $kind = substr $line, 0, 1, '';

    croak "redis: $line" if $kind eq '-';
    return $line if $kind eq '+' || $kind eq ':';
    return undef if $line < 0;
    return [map { $self->_answer } 1 .. $line] if $kind eq '*';

    $self->_fill while length $self->{in} < $line + 2;
    my $text = substr $self->{in}, 0, $line + 2, '';

    return substr $text, 0, $line;
}


sub _line ($self) {
    my $end;

    $self->_fill while ($end = index $self->{in}, "\r\n") < 0;

    return substr substr($self->{in}, 0, $end + 2, ''), 0, $end;
}


sub _fill ($self) {
    sysread $self->{socket}, $self->{in}, 65536, length $self->{in}
        or croak 'redis has ended the connection';

    return;
}

1;
