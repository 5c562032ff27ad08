# WebSocket frames as a client writes and reads them (RFC 6455, section 5.2):
# any frame can be made, the wrong ones too.

package ChatTest::Frame;

use v5.36;

use Carp qw(croak);
use Exporter qw(import);

use constant {
    CONTINUATION => 0x0,
    TEXT         => 0x1,
    BINARY       => 0x2,
    CLOSE        => 0x8,
    PING         => 0x9,
    PONG         => 0xa,
};

our @EXPORT_OK = qw(make_frame take_frame read_close CONTINUATION TEXT BINARY
    CLOSE PING PONG);
our %EXPORT_TAGS = (opcodes => [grep { /^[A-Z]+$/ } @EXPORT_OK]);


# The bytes of a frame: opcode, payload, fin => 0, rsv => 1 to 7 (RSV1 is 4),
# mask => four bytes, or undef for none, length => another than the true one,
# bits => 7, 16 or 64: how the length is written

sub make_frame (%f) {
    %f = (opcode => TEXT, payload => '', fin => 1, rsv => 0,
          mask => pack('N', int rand 2**32), %f);

    my $length = $f{length} // length $f{payload};
    my $bits = $f{bits} // ($length < 126 ? 7 : $length < 65536 ? 16 : 64);
    my $masked = defined $f{mask} ? 0x80 : 0;

    my $head = pack 'C', ($f{fin} ? 0x80 : 0) | $f{rsv} << 4 | $f{opcode};

    $head .= $bits == 7 ? pack 'C', $masked | $length
        : $bits == 16 ? pack 'Cn', $masked | 126, $length
        : pack 'CQ>', $masked | 127, $length;

    return $head . $f{payload} if !$masked;

    my $mask = $f{mask} x (1 + length($f{payload}) / 4);

    return $head . $f{mask}
        . ($f{payload} ^. substr $mask, 0, length $f{payload});
}


# Takes the first frame out of a buffer, as { fin, rsv, opcode, payload };
# undef if it is not complete.

sub take_frame ($buffer) {
    return undef if length $$buffer < 2;

    my ($first, $length) = unpack 'CC', substr $$buffer, 0, 2;
    my $head = $length == 126 ? 4 : $length == 127 ? 10 : 2;

    croak 'the server masks its frames' if $length & 0x80;
    return undef if length $$buffer < $head;

    if ($head > 2) {
        $length = unpack $head == 4 ? 'n' : 'Q>', substr $$buffer, 2, $head - 2;
    }

    return undef if length $$buffer < $head + $length;

    my $payload = substr $$buffer, $head, $length;
    substr $$buffer, 0, $head + $length, '';

    return {
        fin     => $first >> 7,
        rsv     => $first >> 4 & 7,
        opcode  => $first & 15,
        payload => $payload,
    };
}


# the code (1005: none) and the reason of a close frame

sub read_close ($frame) {
    return (1005, '') if $frame->{payload} eq '';

    return unpack 'na*', $frame->{payload};
}

1;
