# The last words of a connection, to the letter: RFC 6455, sections 5.5 and 7.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Frame qw(make_frame);

my $chat = ChatTest->new(with => [], listen => 'sndbuf=32k');
$chat->start;

my $ping = make_frame(opcode => PING, payload => 'p');
my $bad = make_frame(payload => 'bad', rsv => 1);
my $bye = make_frame(opcode => CLOSE, payload => pack 'n', 1000);


sub echo () {
    return $chat->handshake(path => '/echo', protocols => []);
}


# the opcodes of all frames up to the end of the connection

sub opcodes ($client) {
    my @opcodes;

    while (my $frame = $client->read_frame) {
        push @opcodes, $frame->{opcode};
    }

    return \@opcodes;
}


subtest 'a connection that has failed processes nothing more' => sub {
    my $client = echo();

    $client->send_bytes($bad . make_frame(payload => 'hello') . $ping . $bye);
    is_deeply(opcodes($client), [CLOSE], 'one close is all that comes');
};

subtest 'after a close no ping is answered' => sub {
    my $client = echo();

    $client->send_bytes($ping . $bye . $ping);
    is_deeply(opcodes($client), [PONG, CLOSE], 'but one before it is');
};

subtest 'the server ends the connection first, and reads to the end' => sub {
    for my $last ($bad, $bye) {
        my $client = echo();

        $client->send_bytes($last);
        is_deeply(opcodes($client), [CLOSE], 'a close, and the end of TCP');

        local $SIG{PIPE} = 'IGNORE';

        # a reset would be seen as an error of these
        ok(defined syswrite($client->{socket}, $ping), 'which still reads');
        ok(defined syswrite($client->{socket}, $bye), 'and goes on to');
        is(sysread($client->{socket}, my $byte, 1), 0, 'and says no more');
    }
};

subtest 'a client that does not end is left after a while' => sub {
    my $client = echo();
    my $marks = $chat->logs->marks;

    $client->send_bytes($bad);
    is_deeply(opcodes($client), [CLOSE], 'closed');
    ok(wait_until { $chat->logs->since($marks) =~ /session ended with 1002/ },
       'and forgotten, though the client has not gone');
};

subtest 'what was said before the close comes before it' => sub {
    my $client = echo();
    my $large = make_frame(opcode => BINARY, payload => 'x' x 200_000);

    $client->send_bytes($large . $large . $bye);

    is(length $client->read_frame->{payload}, 200_000, 'a message')
        for 1 .. 2;
    is($client->read_frame->{opcode}, CLOSE, 'the close');
    is($client->read_frame, undef, 'the end');
};

subtest 'a message may be left in the middle' => sub {
    my $client = echo();

    $client->send_bytes(make_frame(payload => 'a', fin => 0) . $bye);
    is_deeply(opcodes($client), [TEXT, CLOSE], 'by a close between fragments');
};

subtest 'a ping in the middle of a frame is none' => sub {
    my $client = echo();

    $client->send_bytes(make_frame(opcode => BINARY, payload => $ping));
    is($client->read_frame->{payload}, $ping, 'it is what the frame holds');
};

done_testing;
