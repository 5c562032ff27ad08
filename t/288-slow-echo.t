# An echo whose reader is slow is not taken for one whose reader is gone, though
# nothing is read from it meanwhile, not even its pongs.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(time);

use ChatTest;

use constant { SIZE => 16_000_000, SILENCE => 3 };

my $chat = ChatTest->new(with => [], listen => 'sndbuf=64k', server => <<'END');
    location = /impatient {
        chat_echo on;
        chat_ping_interval 1500ms;
        chat_ping_timeout 1500ms;
    }
END
$chat->start;


subtest 'who reads a little all the time gets all of it' => sub {
    my $client = $chat->handshake(path => '/impatient');

    $client->send_frame(opcode => BINARY, payload => 'x' x SIZE);

    my $begun = time;
    my $n = 0;

    while ($n < SIZE && wait_until { $client->readable }) {
        my $got = sysread $client->{socket}, my $bytes, 250_000;

        last if !$got;
        $n += $got;
        select undef, undef, undef, 0.08;
    }

    cmp_ok($n, '>=', SIZE, 'bytes');
    cmp_ok(time - $begun, '>', 1.5 * SILENCE, 'it took long');
};

subtest 'who reads nothing is gone' => sub {
    my $client = $chat->handshake(path => '/impatient');

    $client->send_frame(opcode => BINARY, payload => 'x' x SIZE);
    ok(wait_until { !$chat->metrics->{chat_sessions} }, 'it is closed');
};

done_testing;
