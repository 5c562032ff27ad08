# How many gaps nodes have found and repaired.

package ChatTest::Gaps;

use v5.36;

use Test::More;

use ChatTest::Metrics qw(parse_metrics);
use ChatTest::Wait qw(wait_until);


# from now on

sub new ($class, $chat) {
    my $self = bless { chat => $chat }, $class;

    $self->{before} = $self->_total;

    return $self;
}


# That so many more were repaired than when it was asked last.  A gap is counted
# when the room has all, which may be a moment after the last event was heard.

sub are ($self, $expected, $name) {
    my $more = 0;

    eval { wait_until { ($more = $self->_total - $self->{before})
                            >= $expected } };
    $self->{before} += $more;

    return is($more, $expected, $name);
}


sub _total ($self) {
    my ($value) = parse_metrics($self->{chat}->http(path => '/metrics')->body);

    return $value->{chat_delivery_gap_total};
}

1;
