# chat-persists come, stand still, go on, are stopped and killed all the time,
# while messages flow: each is stored once, and in the end all share evenly.
#
# CHAT_SEED repeats what is done; CHAT_SECONDS does it for longer.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(time);

use ChatTest;

use constant { ROOMS => 12, MOST => 4, EACH => 0.6, STILL => 5 };

my $seed = $ENV{CHAT_SEED} // 1 + int rand 1e6;
my $seconds = $ENV{CHAT_SECONDS} // 15;

note "seed $seed";
srand $seed;

my $chat = ChatTest->new(workers  => 1,
                         location => 'chat_request_timeout 20s;');
$chat->start;

my @rooms = map { "room-$_" } 1 .. ROOMS;

$chat->create($_) for @rooms;

my $alice = $chat->connect(user => 'alice');
my %said = map { $_ => 0 } @rooms;
my %done;
my $number = 0;

# processes, each with what it does: run, or when it goes on
my @holders = ({ process => $chat->part('persist') });


# somebody always can serve, in the end

sub act () {
    my @running = grep { !$_->{until} } @holders;
    my $holder = $running[rand @running];
    my $what = (qw(start still kill stop))[rand 4];

    $what = 'start' if @running < 2;
    return if $what eq 'start' && @holders > MOST;

    $done{$what}++;

    if ($what eq 'start') {
        my $process = $chat->command('more-' . ++$number, 'chat-persist');

        push @holders, { process => $process->start };

    } elsif ($what eq 'still') {
        $holder->{process}->signal('STOP');
        $holder->{until} = time + rand STILL;

    } else {
        $holder->{process}->end($what eq 'kill' ? 'KILL' : 'TERM');
        @holders = grep { $_ != $holder } @holders;
    }

    return;
}


sub wake ($now) {
    for my $holder (grep { $_->{until} && $_->{until} < $now } @holders) {
        $holder->{process}->signal('CONT');
        $holder->{until} = undef;
    }

    return;
}


sub say_some () {
    for my $room (@rooms) {
        my $sent = $alice->say($room, 'hello');

        $said{$room}++;
        die "$room: $sent->{sequenceNumber}"
            if $sent->{sequenceNumber} != $said{$room};
    }

    return;
}


sub shares () {
    return $chat->psql('SELECT min(n), max(n), count(*) FROM
                        (SELECT count(*) AS n FROM chat.partition
                         WHERE lease_until > now() GROUP BY holder) t');
}


subtest 'messages flow' => sub {
    my $end = time + $seconds;
    my $next = 0;

    while ((my $now = time) < $end) {
        if ($now > $next) {
            act();
            $next = time + EACH;
        }

        wake($now);
        say_some();
    }

    wake(1e12);
    $chat->wait_stored(20);
    pass("$_: $done{$_}") for sort keys %done;
};

subtest 'all that is there shares evenly' => sub {
    my $n = @holders;
    my ($low, $high) = (int 16 / $n, int((16 + $n - 1) / $n));

    eval { wait_until { shares() eq "$low|$high|$n" } 15 };
    is(shares(), "$low|$high|$n", "$n holders");
};

subtest 'everything is stored once' => sub {
    my $rows = $chat->psql(<<~'END');
        SELECT c.conversation_id || '|' || count(*) || '|'
               || count(DISTINCT sequence) || '|' || max(m.sequence)
        FROM chat.message m JOIN chat.conversation c USING (conversation_key)
        GROUP BY c.conversation_id
        END

    is_deeply([sort split /\n/, $rows],
              [sort map { join '|', $_, ($said{$_}) x 3 } @rooms],
              "in every room: $said{$rooms[0]} messages");
    is($chat->psql('SELECT count(*) FROM chat.dead_letter'), 0,
       'no dead letter');
    is($chat->psql('SELECT count(*) FROM chat.partition
                    WHERE stopped IS NOT NULL'), 0, 'no partition stopped');
};

$_->end for grep { $_ != $chat->part('persist') }
    map { $_->{process} } @holders;
diag("seed $seed") if !Test::More->builder->is_passing;

done_testing;
