# Some of the clients, in a process: the loop that they live in.

package ChatTest::Chaos::Crowd;

use v5.36;

use List::Util qw(min shuffle);
use Time::HiRes qw(time);

use ChatTest::Chaos::Actions;

use constant {
    TICK        => 0.02,
    OUTSTANDING => 6,
    SAVED       => 0.3,         # seconds of operations that may be made up for
};


# clients; users => { tenant => [...] }; rate: operations a second

sub new ($class, %o) {
    return bless { %o, done => 0, credit => 0, last => time }, $class;
}


# until the condition, which is asked every turn

sub run ($self, $until) {
    while (!$until->()) {
        $self->_wait;

        my $now = time;

        $_->turn($now) for @{ $self->{clients} };
        $self->_act($now) if $self->{rate};
    }

    return;
}


sub quieten ($self) {
    $self->{rate} = 0;

    return;
}


sub _wait ($self) {
    my ($in, $out) = ('', '');
    my %by_number;

    for my $client (@{ $self->{clients} }) {
        my $wire = $client->wire // next;

        next if $wire->ended;

        my $number = fileno $wire->socket;

        $by_number{$number} = $client;
        vec($in, $number, 1) = 1 if $client->listens;
        vec($out, $number, 1) = 1 if $wire->wants_to_write;
    }

    select $in, $out, undef, TICK;

    for my $number (sort { $a <=> $b } keys %by_number) {
        my $client = $by_number{$number};

        $client->write if vec $out, $number, 1;
        $client->read if vec $in, $number, 1;
    }

    return;
}


# those who are connected make up for the others

sub _act ($self, $now) {
    my $rate = $self->{rate};

    $self->{credit} = min $rate * SAVED,
        $self->{credit} + $rate * ($now - $self->{last});
    $self->{last} = $now;

    for my $client (shuffle @{ $self->{clients} }) {
        last if $self->{credit} < 1;
        next if !$client->up || $client->busy >= OUTSTANDING || $client->rests;

        $self->{credit}--;
        ChatTest::Chaos::Actions::do_one(
            $client, $self->{users}{ $client->{tenant} });
    }

    return;
}

1;
