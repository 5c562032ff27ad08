# Events for users, beside those of conversations that a session has joined.
# They have no revision.

package ChatTest::Hint;

use v5.36;

use Exporter qw(import);

our @EXPORT_OK = qw(is_hint);

my $always = qr/^\{"type":"(?:notification|unread\.changed)"/;
my $perhaps = qr/^\{"type":"(?:member\.\w+|conversation\.(?:created|deleted))"/;


# the text of an event

sub is_hint ($text) {
    return $text =~ $always
        || $text =~ $perhaps && $text !~ /"revision":\d+\}\}\z/;
}

1;
