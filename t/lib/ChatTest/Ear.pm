# Listens to what is published to users, as nodes do.

package ChatTest::Ear;

use v5.36;

use ChatTest::Json qw(decode);
use ChatTest::Redis;

use constant CHANNEL => 'chat:user:';


# the socket of a test's Redis

sub new ($class, $socket) {
    my $self = bless {
        link  => ChatTest::Redis->new($socket),
        mouth => ChatTest::Redis->new($socket),
        marks => 0,
    }, $class;

    $self->{link}->call('PSUBSCRIBE', CHANNEL . '*');

    return $self;
}


# What was published since the last time, in its order: "<tenant>/<user>" and
# the payload of each.

sub heard ($self) {
    my $mark = 'end ' . ++$self->{marks};
    my @heard;

    $self->{mouth}->call('PUBLISH', CHANNEL . 'end', $mark);

    while (1) {
        my (undef, undef, $channel, $payload) = @{ $self->{link}->_reply };

        return @heard if $payload eq $mark;
        push @heard, [substr($channel, length CHANNEL), $payload];
    }
}


# The events among it, by user: [conversation, type, data].  Those of a part of
# the stack that is not tested (presence) are left out.

sub events ($self) {
    my %events;

    for ($self->heard) {
        my ($user, $payload) = @$_;
        my ($base, $json) = $payload =~ /^event (\S+) (.*)/s or next;
        my $event = decode($json);

        push @{ $events{$user} },
            [$base =~ s/^chat:\{p\d\d\}:c://r, @$event{qw(type data)}];
    }

    return \%events;
}


# what is told to be unread, by user: { conversation => [sequence, unread] }

sub unread ($self) {
    my %unread;

    for ($self->heard) {
        my ($user, $payload) = @$_;
        my ($lines) = $payload =~ /^unread\n(.*)/s or next;

        for (split /\n/, $lines) {
            my ($base, @numbers) = split / /;
            $unread{$user}{ $base =~ s/^chat:\{p\d\d\}:c://r } = \@numbers;
        }
    }

    return \%unread;
}

1;
