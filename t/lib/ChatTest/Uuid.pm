# UUIDv7 (RFC 9562, 5.7), as clients make them for their messages.

package ChatTest::Uuid;

use v5.36;

use Exporter qw(import);
use Time::HiRes qw(time);

our @EXPORT_OK = qw(uuid);


# of this moment, or of a time given in milliseconds

sub uuid ($ms = int(1000 * time)) {
    return sprintf '%08x-%04x-7%03x-%04x-%012x', $ms >> 16, $ms & 0xffff,
        rand 0x1000, 0x8000 | int rand 0x4000, rand 2**48;
}

1;
