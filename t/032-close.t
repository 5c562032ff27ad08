# How connections end: RFC 6455, section 7.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Frame qw(make_frame);

my $chat = ChatTest->new(with => []);
$chat->start;


sub echo (%o) {
    return $chat->handshake(path => '/echo', protocols => [], %o);
}


# a connection that must be failed with this code after these frames

sub fails_ok ($code, $what, @frames) {
    my $client = echo();

    $client->send_frame(%$_) for @frames;
    is(($client->read_close)[0], $code, $what);

    return;
}


subtest 'a close is answered with its own code' => sub {
    for my $code (1000, 1001, 1002, 1003, 1007 .. 1011, 3000, 3999, 4000, 4999)
    {
        my $client = echo();

        $client->send_close($code, 'bye');
        is(($client->read_close)[0], $code, "code $code");
    }

    my $client = echo();

    $client->send_close;
    is_deeply([$client->read_close], [1005, '', 1], 'without a code: none');
};

subtest 'a close that breaks a rule gets 1002, or 1007' => sub {
    for my $code (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000,
                  65535)
    {
        fails_ok(1002, "code $code",
                 { opcode => CLOSE, payload => pack 'n', $code });
    }

    fails_ok(1002, 'a single byte', { opcode => CLOSE, payload => "\x03" });
    fails_ok(1007, 'a reason that is not UTF-8',
             { opcode => CLOSE, payload => pack('n', 1000) . "\xff" });
};

subtest 'what follows a close is not answered' => sub {
    my $client = echo();

    $client->send_bytes(make_frame(opcode => CLOSE, payload => pack 'n', 1000)
                        . make_frame(payload => 'hello'));
    is($client->read_frame->{opcode}, CLOSE, 'the close is');
    is($client->read_frame, undef, 'and then the connection ends');
};

subtest 'a client may go at any moment' => sub {
    my $frame = make_frame(payload => 'x' x 200);

    for my $cut (0 .. 10, 100) {
        my $client = echo();
        $client->send_bytes(substr $frame, 0, $cut);
        $client->disconnect($cut % 2);
    }

    my $client = echo();
    $client->send_text('still here');
    is($client->read_frame->{payload}, 'still here', 'the others stay');
};

done_testing;
