# What permessage-deflate does with payloads (RFC 7692), by a zlib of the
# test's own: Perl has one.

package ChatTest::Deflate;

use v5.36;

use Carp qw(croak);
use Compress::Raw::Zlib qw(Z_BUF_ERROR Z_FINISH Z_NO_COMPRESSION Z_OK
    Z_STREAM_END Z_SYNC_FLUSH);
use Exporter qw(import);

our @EXPORT_OK = qw(deflate inflate EXTENSION ANSWER);

use constant EXTENSION => 'permessage-deflate';
use constant ANSWER => EXTENSION
    . '; server_no_context_takeover; client_no_context_takeover';
use constant TAIL => "\x00\x00\xff\xff";


# The payload of a compressed message.  level => 0 to 9; bits => of its window;
# final => 1: in a block with BFINAL

sub deflate ($text, %o) {
    my ($zlib) = Compress::Raw::Zlib::Deflate->new(
        -Level        => $o{level} // 6,
        -WindowBits   => -($o{bits} // 15),
        -AppendOutput => 1,
    );

    my $packed = '';

    $zlib->deflate($text, $packed) == Z_OK or croak 'deflate() failed';

    if ($o{final}) {
        $zlib->flush($packed, Z_FINISH) == Z_OK or croak 'flush() failed';
        return "$packed\x00";
    }

    $zlib->flush($packed, Z_SYNC_FLUSH) == Z_OK or croak 'flush() failed';
    $packed =~ s/\Q${\ TAIL}\E\z// or croak 'there is no tail';

    return $packed;
}


# the text of a compressed message; undef if it is malformed, or refers
# further back than so many bits can say

sub inflate ($packed, $bits = 15) {
    my ($zlib) = Compress::Raw::Zlib::Inflate->new(
        -WindowBits   => -$bits,
        -AppendOutput => 1,
        -LimitOutput  => 1,
    );

    my $input = $packed . TAIL;
    my $text = '';
    my $status;

    # in small pieces, or zlib would find what is before its window in the text

    while (length $input) {
        my $piece = substr $input, 0, 1, '';

        do {
            $status = $zlib->inflate($piece, $text);
        } while ($status == Z_OK && length $piece || $status == Z_BUF_ERROR
                 && length $piece);

        return undef if $status != Z_OK && $status != Z_BUF_ERROR;
    }

    return $text;
}

1;
