# How long an answer takes that has to wait for chat-persist, while one of two
# is told to stop, or killed: at once, and within 5 seconds.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(max);
use Time::HiRes qw(time);

use ChatTest;

use constant ROOMS => 32;

my $chat = ChatTest->new(
    workers  => 1,
    location => 'chat_ack stored; chat_request_timeout 30s;',
);
$chat->start;

my @rooms = map { "room-$_" } 1 .. ROOMS;

$chat->create($_) for @rooms;

my $alice = $chat->connect(user => 'alice');
my %said = map { $_ => 0 } @rooms;
my @holders = ($chat->part('persist'));


sub shares () {
    return join ' ', split /\n/, $chat->psql(<<~'END');
        SELECT count(*) FROM chat.partition WHERE lease_until > now()
        GROUP BY holder ORDER BY 1
        END
}


sub start_another () {
    push @holders,
        $chat->command('persist-' . (@holders + 1), 'chat-persist')->start;

    return;
}


# one message in each room; the seconds until the last is answered

sub round () {
    my $begin = time;
    my %open = map {
        $_ => $alice->post('message.send', {
            conversationId => $_, content => 'hello',
        })
    } @rooms;

    for my $room (@rooms) {
        my $reply = $alice->reply($open{$room});

        die "$room: " . encode($reply) if !$reply->{ok};
        $said{$room}++;
        is($reply->{data}{sequenceNumber}, $said{$room}, "$room is in order")
            if $reply->{data}{sequenceNumber} != $said{$room};
    }

    return time - $begin;
}


# The longest of the rounds from before the signal to after all has moved, but
# for what the machine is slow: of that the rounds before tell.

sub longest_while ($signal) {
    my $holder = shift @holders;
    my $longest = 0;
    my $after = 0;
    my $usual = max(map { round() } 1 .. 5);

    $holder->tell($signal);

    while ($after < 3) {
        my $took = round();

        $longest = $took if $took > $longest;
        $after++ if !$holder->alive && shares() eq '16';
    }

    return $longest - 5 * $usual;
}


sub handed_over_ok ($signal, $seconds, $title) {
    start_another();
    wait_until { shares() eq '8 8' } 15;

    my $took = longest_while($signal);

    cmp_ok($took, '<', $seconds, $title);
    diag(sprintf '%s: %.2f s', $title, $took) if $ENV{CHAT_TEST_TIMES};

    return;
}


subtest 'told to stop, it hands over at once' => sub {
    handed_over_ok('TERM', 2, "time $_") for 1 .. 3;
};

subtest 'killed, others have its share within 5 seconds' => sub {
    handed_over_ok('KILL', 6, "time $_") for 1 .. 2;
};

subtest 'every message is stored once' => sub {
    my $rows = $chat->psql(<<~'END');
        SELECT c.conversation_id || '|' || count(*) || '|' || max(m.sequence)
        FROM chat.message m JOIN chat.conversation c USING (conversation_key)
        GROUP BY c.conversation_id
        END

    is_deeply([sort split /\n/, $rows],
              [sort map { "$_|$said{$_}|$said{$_}" } @rooms], 'in every room');
};

done_testing;
