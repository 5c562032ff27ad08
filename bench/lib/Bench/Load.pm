# Many sessions that send messages at a given rate: build/bench/load, in one
# process or several.  Each conversation has so many listeners, all of which
# send; they are spread over the processes.

package Bench::Load;

use v5.36;

use Carp qw(croak);
use List::Util qw(max sum);
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime time);

use Bench::Histogram qw(percentile unite);
use Bench::Program;

use constant {
    READY => 90,
    WORD  => 15,            # nothing but a word from each process
    LEAD  => 20_000,        # us until the first message: all have been told
    LOOK  => 0.02,          # between looks at what has come
    LAST  => 15,            # for the last events
};


# chat, sessions, conversations (names); processes => 1; cpus => as taskset
# has it; prefix => 'user-', of the users' names; made => 1: the conversations
# are there

sub new ($class, %o) {
    my $self = bless { processes => 1, prefix => 'user-', %o }, $class;

    $self->{listeners} = $o{sessions} / @{ $o{conversations} };
    croak 'sessions do not share the conversations evenly'
        if $self->{listeners} != int $self->{listeners};

    return $self;
}


sub pids ($self) { return map { $_->pid } @{ $self->{programs} } }


# makes the conversations, opens the sessions, joins

sub open ($self) {
    my @names = @{ $self->{conversations} };

    $self->_create if !$self->{made};
    $self->_start($self->{chat}->port);

    for my $number (0 .. $self->{sessions} - 1) {
        my $token = $self->{chat}->token(sub => "$self->{prefix}$number");

        $self->_program($number)->tell("open $names[$number % @names] $token");
    }

    $self->_all('ready', 'ready', READY);

    return;
}


# opens sessions at build/bench/floor instead, which only listen

sub listen ($self, $port) {
    $self->_start($port);

    for my $number (0 .. $self->{sessions} - 1) {
        my $room = $number % @{ $self->{conversations} };

        $self->_program($number)->tell("listen $room");
    }

    $self->_all('ready', 'ready', READY);

    return;
}


# forgets what has come; to be done before anything is sent

sub begin ($self) {
    $self->_all('begin', 'begun', WORD);

    return;
}


# bytes of a message, from now on

sub size ($self, $bytes) {
    $_->tell("size $bytes") for @{ $self->{programs} };

    return;
}


# what is sent from now on: "message", or "typing", which has no events by which
# result() could tell that all have come

sub kind ($self, $kind) {
    $_->tell("kind $kind") for @{ $self->{programs} };
    $self->{kind} = $kind;

    return;
}


# begins to send; result() tells what became of it.  burst: so many at once

sub send ($self, $rate, $seconds, $burst = 1) {
    my $each = $rate / @{ $self->{programs} };
    my $at = start_time();

    $self->begin;

    for my $program (@{ $self->{programs} }) {
        $program->tell(sprintf 'send %.6f %d %d %d', $each, 1000 * $seconds,
                       $burst, $at);
        $at += int(1e6 * $burst / $rate);
    }

    $self->{sending} = [@{ $self->{programs} }];

    return;
}


# the same for as many messages as there can be, so many of them under way

sub loop ($self, $window, $seconds) {
    my $each = int($window / @{ $self->{programs} }) || 1;

    $self->begin;
    $_->tell(sprintf 'loop %d %d', $each, 1000 * $seconds)
        for @{ $self->{programs} };
    $self->{sending} = [@{ $self->{programs} }];

    return;
}


# us of the clock that the programs have, in a moment

sub start_time () {
    return int(1e6 * clock_gettime(CLOCK_MONOTONIC)) + LEAD;
}


# What became of it: sent, accepted, refused, events, bytes, missing, doubled,
# us, p50, p99 and max (us, of replies), reply and receive (histograms).  undef
# if the replies are not there within these seconds.

sub result ($self, $seconds) {
    my $deadline = time + $seconds;

    while (my $program = $self->{sending}[0]) {
        my $left = $deadline - time;
        my $said = $program->line($left > 0 ? $left : 0) // return undef;

        croak "the load says \"$said\"" if $said ne 'done';
        shift @{ $self->{sending} };
    }

    my $accepted = $self->report->{accepted};

    $self->await_events($accepted * $self->{listeners})
        if ($self->{kind} // 'message') eq 'message';

    return $self->report;
}


# waits until so many have come to all sessions together

sub await_events ($self, $events) {
    my $deadline = time + LAST;

    while (sum(map { $self->_ask($_, 'count') } @{ $self->{programs} })
           < $events
           && time < $deadline)
    {
        select my $none = undef, my $no_one = undef, undef, LOOK;
    }

    return;
}


sub report ($self) {
    my @reports = map {
        { $self->_ask($_, 'report') =~ /(\w+)=(\S*)/g }
    } @{ $self->{programs} };
    my %sum = map {
        my $name = $_;
        $name => sum(map { $_->{$name} } @reports);
    } qw(sent accepted refused events typing bytes missing doubled);
    my ($began) = sort { $a <=> $b } grep { $_ } map { $_->{began} } @reports;
    my $reply = unite(map { $_->{reply} } @reports);

    return {
        %sum,
        us      => max(0, max(map { $_->{last} } @reports) - ($began // 0)),
        reply   => $reply,
        receive => unite(map { $_->{receive} } @reports),
        p50     => percentile($reply, 50),
        p99     => percentile($reply, 99),
        max     => percentile($reply, 100),
    };
}


sub close ($self) {
    $_->close for splice @{ $self->{programs} };

    return;
}


sub _start ($self, $port) {
    $self->{programs} = [map {
        Bench::Program->new(name => 'load', arguments => [$port],
                            cpus => $self->{cpus});
    } 1 .. $self->{processes}];

    return;
}


# members of a conversation live in all processes

sub _program ($self, $number) {
    my $member = int($number / @{ $self->{conversations} });

    return $self->{programs}[$member % $self->{processes}];
}


sub _all ($self, $line, $answer, $seconds) {
    $_->tell($line) for @{ $self->{programs} };
    $_->await($answer, $seconds) for @{ $self->{programs} };

    return;
}


sub _ask ($self, $program, $line) {
    $program->tell($line);

    return $program->line(WORD) // croak 'the load does not answer';
}


sub _create ($self) {
    my $admin = $self->{chat}->connect(user => 'admin', roles => ['admin']);

    for my $name (@{ $self->{conversations} }) {
        $admin->request('conversation.create', {
            conversationId => $name, type => 'channel',
        });
    }

    $admin->disconnect;

    return;
}

1;
