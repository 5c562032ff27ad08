# Messages that go from one to many: so many rooms with so many members each,
# sent through nginx and by the floor, in turn.

package Bench::Fanout;

use v5.36;

use List::Util qw(min);

use Bench::Floor;
use Bench::Instance;
use Bench::Load;
use Bench::Usage;
use ChatTest::Wait qw(wait_until);

use constant {
    WARM     => 1,          # seconds of messages that are not counted
    WARMTH   => 5_000,      # deliveries a second meanwhile, at most
    EACH     => 10,         # messages a second in a room, at most
    LATE     => 60,         # seconds that a run may take longer than it should
    DRAIN    => 120,        # that storing may take
};

# what is looked at, and its processes
my %PARTS = (
    'nginx'        => sub ($chat, $load) { $chat->worker_pids },
    'clients'      => sub ($chat, $load) { $load->pids },
    'Redis'        => sub ($chat, $load) { $chat->pid_of('Redis') },
    'chat-persist' => sub ($chat, $load) { $chat->pid_of('chat-persist') },
    'PostgreSQL'   => sub ($chat, $load) {
        my $pid = $chat->pid_of('PostgreSQL');

        return ($pid, Bench::Instance::children($pid));
    },
);


# chat, placement, processes (of clients), rooms, members

sub new ($class, %o) {
    my $self = bless {
        %o,
        sessions => $o{rooms} * $o{members},
        name     => "$o{rooms}x$o{members}",
        accepted => 0,
        refused  => 0,
    }, $class;

    $self->{redis} = $o{chat}->redis;
    $self->{names} = [map { "$self->{name}-$_" } 1 .. $o{rooms}];

    return $self;
}


# opens all sessions, of both; the floor's texts are as long as those of nginx

sub open ($self) {
    $self->{load} = Bench::Load->new(
        chat          => $self->{chat},
        sessions      => $self->{sessions},
        conversations => $self->{names},
        processes     => $self->{processes},
        cpus          => $self->{placement}->others,
        prefix        => "$self->{name}-",
    );
    $self->{load}->open;

    my $rate = min(WARMTH / $self->{members}, EACH * $self->{rooms});
    my $warm = $self->send($rate, WARM);

    $self->{floor} = Bench::Floor->new(
        rooms     => $self->{rooms},
        sessions  => $self->{sessions},
        size      => int($warm->{bytes} / $warm->{deliveries} + 0.5),
        placement => $self->{placement},
        processes => $self->{processes},
    );
    $self->{floor}->open;
    $self->{floor}->send($rate, WARM);

    return;
}


# One after the other, the floor first or last.  what: rate, burst; or window,
# for as much as there can be.

sub pair ($self, $what, $seconds, $floor_first) {
    my %pair;

    for my $who ($floor_first ? qw(floor chat) : qw(chat floor)) {
        $pair{$who} = $who eq 'floor'
            ? $self->_floor($what, $seconds) : $self->_chat($what, $seconds);
    }

    return \%pair;
}


sub send ($self, $rate, $seconds, $burst = 1) {
    return $self->_chat({ rate => $rate, burst => $burst }, $seconds);
}


sub _floor ($self, $what, $seconds) {
    return $what->{window} ? $self->{floor}->loop($seconds)
        : $self->{floor}->send($what->{rate}, $seconds, $what->{burst});
}


# nginx and the clients are looked at when everything has come, the others when
# everything is stored

sub _chat ($self, $what, $seconds) {
    my ($chat, $load) = $self->@{qw(chat load)};
    my $sends = $self->_sends;
    my %before = map { $_ => $self->_usage($_) } keys %PARTS;

    if ($what->{window}) {
        $load->loop($what->{window}, $seconds);

    } else {
        $load->send($what->{rate}, $seconds, $what->{burst});
    }

    my $result = $load->result($seconds + LATE)
        // die "$self->{name}: the load hangs\n";
    my $nginx = $self->_usage('nginx')->since($before{nginx});
    my $clients = $self->_usage('clients')->since($before{clients});
    my $sent = defined $sends ? $self->_sends - $sends : undef;

    $self->_check_result($result);
    $self->{accepted} += $result->{accepted};
    $self->{refused} += $result->{refused};
    wait_until { !$chat->backlog($self->{redis}) } DRAIN;

    return {
        %$nginx,
        sends      => $sent,
        messages   => $result->{accepted},
        refused    => $result->{refused},
        deliveries => $result->{events},
        bytes      => $result->{bytes},
        us         => $result->{us},
        reply      => $result->{reply},
        receive    => $result->{receive},
        parts      => {
            clients => $clients->{ns},
            map { $_ => $self->_usage($_)->since($before{$_})->{ns} }
                qw(Redis chat-persist PostgreSQL),
        },
    };
}


sub _usage ($self, $part) {
    return Bench::Usage->now($PARTS{$part}->($self->{chat}, $self->{load}));
}


# how often nginx has sent something to a session

sub _sends ($self) { return $self->{chat}->metrics->{chat_sends_total} }


# A message that was refused, as by "timeout", may be there all the same.

sub _check_result ($self, $result) {
    my $least = $result->{accepted} * $self->{members};
    my $most = $least + $result->{refused} * $self->{members};

    die "$self->{name}: $result->{sent} were sent, $result->{accepted}"
        . " accepted, $result->{refused} refused\n"
        if $result->{sent} != $result->{accepted} + $result->{refused};

    die "$self->{name}: $result->{events} deliveries of $result->{accepted}"
        . " messages to $self->{members} each, $result->{missing} missing,"
        . " $result->{doubled} doubled\n"
        if $result->{events} < $least || $result->{events} > $most
            || $result->{missing} || $result->{doubled};

    return;
}


# All that was accepted is in PostgreSQL, numbered from 1 on without a gap;
# returns how many.

sub check_stored ($self) {
    my $text = $self->{chat}->rows(<<~"END") // die "PostgreSQL is away\n";
        SELECT coalesce(sum(n), 0),
               count(*) FILTER (WHERE lowest <> 1 OR highest <> n)
        FROM (
            SELECT min(sequence) AS lowest, max(sequence) AS highest,
                   count(*) AS n
            FROM chat.message JOIN chat.conversation USING (conversation_key)
            WHERE conversation_id LIKE '$self->{name}-%'
            GROUP BY conversation_key
        ) AS room
        END
    my ($stored, $holes) = split /\|/, $text;

    die "$self->{name}: $self->{accepted} were accepted, $self->{refused}"
        . " refused, $stored are stored, $holes rooms are not whole\n"
        if $stored < $self->{accepted} || $holes
            || $stored > $self->{accepted} + $self->{refused};

    return $stored;
}


sub close ($self) {
    $self->{load}->close;
    $self->{floor}->close;

    return;
}

1;
