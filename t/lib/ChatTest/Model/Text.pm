# A text that the server will write, all of it known but perhaps one moment:
# when a message was edited or deleted is told by no reply, and so it is learnt
# from the first text that has it.  A moment is shared by all texts that have
# it: { low, high => ms between which it must lie, at => as it was written }.

package ChatTest::Model::Text;

use v5.36;

use Exporter qw(import);
use Time::Local qw(timegm);

our @EXPORT_OK = qw(ms);

# nginx looks at the clock once per turn of its loop
use constant SLACK => 1000;

my $TIME = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/;


sub new ($class, $head, $moment = undef, $tail = '') {
    return bless { head => $head, moment => $moment, tail => $tail }, $class;
}


# the text; a moment that is not known stands as "?"

sub text ($self) {
    my $moment = $self->{moment} // return $self->{head};

    return $self->{head} . ($moment->{at} // '?') . $self->{tail};
}


sub known ($self) {
    return !$self->{moment} || defined $self->{moment}{at};
}


# whether what came is this text

sub matches ($self, $raw) {
    return $raw eq $self->text if $self->known;
    return 0 if $raw !~ /^\Q$self->{head}\E($TIME)\Q$self->{tail}\E\z/;

    my ($at, $moment) = ($1, $self->{moment});
    my $ms = ms($at);

    return 0 if $ms < $moment->{low} - SLACK || $ms > $moment->{high} + SLACK;
    $moment->{at} = $at;

    return 1;
}


# milliseconds since 1970 of a time as the server writes it

sub ms ($time) {
    my ($y, $m, $d, $h, $min, $s, $ms) =
        $time =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)\.(\d+)Z\z/
        or return -1;
    state %days;

    return 1000 * (($days{"$y$m$d"} //= timegm(0, 0, 0, $d, $m - 1, $y))
                   + 3600 * $h + 60 * $min + $s) + $ms;
}

1;
