# One session of the property test: a WebSocket that was let in, read as lean
# as can be, for there are thousands of frames a second.

package ChatTest::Model::Link;

use v5.36;

use Carp qw(croak);

use constant { PONG => "\x8a\x80\0\0\0\0" };


# of a ChatTest::Client that has been welcomed

sub new ($class, $client, %o) {
    return bless {
        client  => $client,          # keeps the socket open
        socket  => $client->{socket},
        in      => $client->{in},
        last_id => 0,
        pending => {},               # request id => operation
        %o,
    }, $class;
}


sub fd ($self) { return fileno $self->{socket} }


# sends a request under the next id, and returns it; data is JSON

sub post ($self, $type, $data) {
    my $id = ++$self->{last_id};

    $self->_send(qq({"type":"$type","id":$id,"data":$data}));

    return $id;
}


# a mask of zeros is a mask, too

sub _send ($self, $text) {
    my $length = length $text;

    my $frame = $length < 126 ? pack 'CCN', 0x81, 0x80 | $length, 0
        : $length < 65536 ? pack 'CCnN', 0x81, 0xfe, $length, 0
        : pack 'CCQ>N', 0x81, 0xff, $length, 0;

    $self->{client}->send_bytes($frame . $text);

    return;
}


# the texts of the messages that have come

sub read ($self) {
    my @texts;
    my $in = \$self->{in};

    sysread $self->{socket}, $$in, 262_144, length $$in
        or $!{EAGAIN} or croak "$self->{name}: the connection has ended";

    while (1) {
        my ($first, $length) = unpack 'CC', $$in;
        my $head = 2;

        last if length $$in < 2;

        if ($length >= 126) {
            $head = $length == 126 ? 4 : 10;
            last if length $$in < $head;
            $length = unpack $head == 4 ? 'x2n' : 'x2Q>', $$in;
        }

        last if length $$in < $head + $length;

        my $text = substr $$in, $head, $length;
        substr $$in, 0, $head + $length, '';

        if ($first == 0x81) {
            push @texts, $text;

        } elsif ($first == 0x89) {
            $self->{client}->send_bytes(PONG);

        } else {
            croak sprintf '%s: a frame of %02x "%s"', $self->{name}, $first,
                $text =~ s/[^ -~]/./gr;
        }
    }

    return @texts;
}

1;
