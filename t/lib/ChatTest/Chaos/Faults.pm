# The kinds of faults: what each does to its place, and how it is made whole
# again.
#
# A place is a part, or the links of a part: "nginx-a", "persist-1" and
# "presence-1" have links to Redis ("bus-a", "log-1", "pulse-1"), the last two
# also to PostgreSQL ("store-1", "keep-1"), and clients come to nginx through
# "clients-a".

package ChatTest::Chaos::Faults;

use v5.36;

use Carp qw(croak);
use Exporter qw(import);

our @EXPORT_OK = qw(kinds loses);

my @NGINX = qw(nginx-a nginx-b);
my @PERSISTS = qw(persist-1 persist-2 persist-3);
my @PRESENCES = qw(presence-1 presence-2);
my @CLIENTS = qw(clients-a clients-b);
my @BUSES = qw(bus-a bus-b);
my @LOGS = qw(log-1 log-2 log-3);
my @STORES = qw(store-1 store-2 store-3);
my @PULSES = qw(pulse-1 pulse-2);
my @KEEPS = qw(keep-1 keep-2);

# Name, cards in the deck, places, shortest and longest time, what does it, and
# what makes it whole.  A chat-persist or chat-presence that is stopped loses its
# partitions after 4 s, a node its lease for presence after 8 s.
my @KINDS = (
    [worker_kill      => 2, \@NGINX,      0,   0, \&_worker_kill],
    [worker_stop      => 2, \@NGINX,      0.5, 9, \&_worker_stop,
                                                 \&_worker_continue],
    [nginx_kill       => 1, \@NGINX,      0.2, 3, \&_kill, \&_start],
    [nginx_quit       => 1, \@NGINX,      0,   1, \&_end, \&_start],
    [nginx_reload     => 1, \@NGINX,      0,   0, \&_reload],
    [persist_kill     => 1, \@PERSISTS,   0.2, 6, \&_kill, \&_start],
    [persist_term     => 1, \@PERSISTS,   0,   3, \&_end, \&_start],
    [persist_stop     => 2, \@PERSISTS,   3,   8, \&_stop, \&_continue],
    [persist_kill_all => 1, ['persist'],  0.2, 3, \&_kill_all,
                                                 \&_start_all],
    [presence_kill    => 1, \@PRESENCES,  0.2, 6, \&_kill, \&_start],
    [presence_term    => 1, \@PRESENCES,  0,   3, \&_end, \&_start],
    [presence_stop    => 2, \@PRESENCES,  3,  12, \&_stop, \&_continue],
    [presence_kill_all => 1, ['presence'], 0.2, 9, \&_kill_all,
                                                 \&_start_all],
    [redis_kill       => 2, ['redis'],    0,   2, \&_kill, \&_start],
    [redis_rewrite    => 1, ['redis'],    0,   1, \&_kill_rewriting,
                                                 \&_start],
    [redis_stop       => 1, ['redis'],    0.5, 3, \&_stop, \&_continue],
    [redis_older      => 1, ['redis'],    0,   1, \&_older, \&_start],
    [redis_empty      => 1, ['redis'],    0,   1, \&_empty, \&_start],
    [redis_full       => 1, ['redis'],    0.5, 3, \&_full, \&_not_full],
    [redis_drops      => 1, ['redis'],    4,   8, \&_drops, \&_no_drops],
    [postgres_kill    => 1, ['postgres'], 0,   3, \&_kill, \&_start],
    [postgres_stop    => 1, ['postgres'], 1,   6, \&_stop, \&_continue],
    [clients_cut      => 1, \@CLIENTS,    0,   0, \&_cut],
    [clients_stall    => 1, \@CLIENTS,    1,   9, \&_stall, \&_heal],
    [bus_cut          => 2, \@BUSES,      0,   0, \&_cut],
    [bus_stall        => 2, \@BUSES,      0.5, 4, \&_stall, \&_heal],
    [bus_blackhole    => 1, \@BUSES,      0.5, 4, \&_blackhole, \&_heal],
    [bus_delay        => 2, \@BUSES,      2,   6, \&_delay, \&_heal],
    [publish_lost     => 2, \@BUSES,      1,   4, \&_publish_lost, \&_heal],
    [subscribe_lost   => 1, \@BUSES,      2,   6, \&_subscribe_lost, \&_heal],
    [log_cut          => 1, \@LOGS,       0,   0, \&_cut],
    [log_stall        => 1, \@LOGS,       1,   7, \&_stall, \&_heal],
    [store_cut        => 1, \@STORES,     0,   0, \&_cut],
    [store_stall      => 1, \@STORES,     1,   7, \&_stall, \&_heal],
    [pulse_cut        => 1, \@PULSES,     0,   0, \&_cut],
    [pulse_stall      => 1, \@PULSES,     1,   9, \&_stall, \&_heal],
    [keep_cut         => 1, \@KEEPS,      0,   0, \&_cut],
    [keep_stall       => 1, \@KEEPS,      1,   7, \&_stall, \&_heal],
);

my $REWRITING = 0.05;
my $LIMIT = 'client-output-buffer-limit';

# what was acknowledged may be gone after these
my %LOSES = map { $_ => 1 } qw(redis_older redis_empty);


# as ChatTest::Chaos::Plan takes them: all, or those of these names

sub kinds (@names) {
    my %all = map {
        my ($name, $copies, $places, $least, $most, $begin, $end) = @$_;

        $name => {
            copies => $copies,
            places => $places,
            hold   => [$least, $most],
            begin  => $begin,
            end    => $end,
        };
    } @KINDS;

    for (@names) {
        croak "no such kind of fault: $_\n" if !$all{$_};
    }

    return @names ? { map { $_ => $all{$_} } @names } : \%all;
}


# whether what was acknowledged may be gone after it

sub loses ($kind) { return $LOSES{$kind} // 0 }


# stack: a ChatTest::Chaos::Stack

sub new ($class, %o) {
    return bless { %o, kinds => kinds() }, $class;
}


# does it; what is chosen on the way is noted in the fault

sub begin ($self, $fault) {
    my $begin = $self->{kinds}{ $fault->{kind} }{begin};

    return $self->$begin($fault->{place}, $fault);
}


# makes it whole, and waits until it is

sub end ($self, $fault) {
    my $end = $self->{kinds}{ $fault->{kind} }{end} // return;

    return $self->$end($fault->{place}, $fault);
}


# one of a list, as the fault's number has it

sub _pick ($fault, $which, @list) {
    return $list[$fault->{pick}[$which] * @list];
}


# -- parts --------------------------------------------------------------------

sub _kill ($self, $name, $fault)  { return $self->{stack}->kill_part($name) }
sub _end ($self, $name, $fault)   { return $self->{stack}->end_part($name) }
sub _start ($self, $name, $fault) { return $self->{stack}->start_part($name) }


sub _stop ($self, $name, $fault) {
    return $self->{stack}->signal_part($name, 'STOP');
}


sub _continue ($self, $name, $fault) {
    return $self->{stack}->signal_part($name, 'CONT');
}


# all of a kind

my %ALL = (persist => \@PERSISTS, presence => \@PRESENCES);

sub _kill_all ($self, $name, $fault) {
    $self->{stack}->kill_part($_) for @{ $ALL{$name} };

    return;
}


sub _start_all ($self, $name, $fault) {
    $self->{stack}->start_part($_) for @{ $ALL{$name} };

    return;
}


# -- workers of nginx ---------------------------------------------------------

sub _worker_kill ($self, $name, $fault) {
    my $pid = $self->_worker($name, $fault) // return;

    return $self->{stack}->kill_worker($pid);
}


sub _worker_stop ($self, $name, $fault) {
    $fault->{pid} = $self->_worker($name, $fault) // return;

    return kill 'STOP', $fault->{pid};
}


sub _worker_continue ($self, $name, $fault) {
    return defined $fault->{pid} && kill 'CONT', $fault->{pid};
}


sub _worker ($self, $name, $fault) {
    return _pick($fault, 0, $self->{stack}->workers($name));
}


sub _reload ($self, $name, $fault) {
    return $self->{stack}->part($name)->signal('HUP');
}


# -- Redis and what it has ----------------------------------------------------

# while its file is rewritten

sub _kill_rewriting ($self, $name, $fault) {
    $self->{stack}->redis->call('BGREWRITEAOF');
    select undef, undef, undef, $REWRITING * $fault->{pick}[0];

    return $self->{stack}->kill_part($name);
}


sub _older ($self, $name, $fault) {
    my $copies = $self->{stack}->copies;
    my $copy = _pick($fault, 0, $copies->all);

    $self->{stack}->kill_part($name);
    $fault->{copied} = $copies->bring_back($copy);

    return;
}


sub _empty ($self, $name, $fault) {
    $self->{stack}->kill_part($name);
    $self->{stack}->copies->empty;

    return;
}


# It drops a node that does not read when so little waits that a run of this
# size can bring it about.

sub _drops ($self, $name, $fault) {
    my $bus = _pick($fault, 0, @BUSES);

    $self->_redis_setting($LIMIT => 'pubsub 32kb 16kb 1');

    return $self->_link($bus)->stall($bus, way => 'down',
                                     only => ':subscriber$');
}


sub _no_drops ($self, $name, $fault) {
    my $bus = _pick($fault, 0, @BUSES);

    $self->_link($bus)->heal($bus, 'stall');

    return $self->_redis_setting($LIMIT => 'pubsub 128mb 32mb 30');
}


sub _full ($self, $name, $fault) {
    return $self->_redis_setting(maxmemory => 1);
}


sub _not_full ($self, $name, $fault) {
    return $self->_redis_setting(maxmemory => 0);
}


sub _redis_setting ($self, $name, $value) {
    return $self->{stack}->redis->call('CONFIG', 'SET', $name, $value);
}


# -- links --------------------------------------------------------------------

sub _cut ($self, $name, $fault) {
    return $self->_link($name)->cut($name, _which($name, $fault));
}


sub _stall ($self, $name, $fault) {
    return $self->_link($name)->stall($name, _way($fault),
                                      _which($name, $fault));
}


sub _blackhole ($self, $name, $fault) {
    return $self->_link($name)->blackhole($name, _which($name, $fault));
}


# long enough for races, and sometimes too long

sub _delay ($self, $name, $fault) {
    return $self->_link($name)->delay(
        $name, _way($fault), _which($name, $fault),
        ms => 5 + int 600 * $fault->{pick}[2] ** 3,
    );
}


# what is lost of what subscribers are told: events, or news of partitions and
# answers to needs, or anything

sub _publish_lost ($self, $name, $fault) {
    my $what = _pick($fault, 0, '^chat:\{p', '^chat:\{p', '^chat:node',
                     '^chat:');

    return $self->_link($name)->swallow(
        $name, message => $what, times => 1 + int 20 * $fault->{pick}[1]);
}


# they are confirmed, but nothing will come

sub _subscribe_lost ($self, $name, $fault) {
    return $self->_link($name)->swallow(
        $name, subscribe => '^chat:\{p',
        times => 1 + int 4 * $fault->{pick}[1]);
}


sub _heal ($self, $name, $fault) { return $self->_link($name)->heal($name) }


sub _link ($self, $name) { return $self->{stack}->link($name) }


# one way, or both

sub _way ($fault) {
    return @{ _pick($fault, 0, [], [way => 'up'], [way => 'down']) };
}


# of a node's two links to Redis one, or both

sub _which ($name, $fault) {
    return () if $name !~ /^bus/;
    return @{ _pick($fault, 1, [], [only => ':command$'],
                    [only => ':subscriber$']) };
}

1;
