# A compressed message may consist of blocks that hold nothing, and take long
# to read: others do not wait for all of them.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Deflate qw(EXTENSION);
use ChatTest::Frame qw(make_frame);
use ChatTest::Metrics qw(parse_metrics);

use constant RSV1 => 4;

my $chat = ChatTest->new(with => [], plain => 1, server => <<~'END');
    location = /echo-deflate {
        chat_echo on;
        chat_deflate on;
    }
    END
$chat->start;


# A block with codes of its own (RFC 1951, 3.2.7), of which there is one for
# the end of the block and no other: bits in the order in which they are sent.

sub block () {
    my %length = (18 => 1, 0 => 2, 1 => 2);
    my @order = (16 .. 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1);
    my $number = sub ($n, $bits) { join '', map { $n >> $_ & 1 } 0 .. $bits - 1 };
    my $zeros = sub ($n) { '0' . $number->($n - 11, 7) };   # code 18

    return '0' . $number->(2, 2) . $number->(0, 5) . $number->(0, 5)
        . $number->(@order - 4, 4)
        . join('', map { $number->($length{$_} // 0, 3) } @order)
        . $zeros->(138) . $zeros->(118)
        . '11' x 2      # code 1: of 256, and of a distance
        . '0';          # the end of the block
}


# so many bytes of them, and the head of the stored block that is the tail's

my $blocks = pack 'b*', block() x 8;
my $empty = $blocks x int(16_000_000 / length $blocks) . "\0";


sub enter () {
    return $chat->handshake(
        path    => '/echo-deflate',
        headers => { 'Sec-WebSocket-Extensions' => EXTENSION },
    );
}


# bytes that the client has sent and nginx has not read (proc(5), net/tcp)

sub unread ($client) {
    my $from = $client->{socket}->sockport;
    my $connection = sprintf ':%04X 0100007F:%04X', $chat->port, $from;

    open my $file, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!";

    my ($n) = join('', <$file>)
        =~ /\Q$connection\E [0-9A-F]+ [0-9A-F]+:([0-9A-F]+)/;

    return hex $n;
}


# how many frames the worker has sent when it answers this

sub sent ($client) {
    $client->read_response;

    return (parse_metrics($client->body))[0]{chat_frames_sent_total};
}


subtest 'it is a message' => sub {
    my $client = enter();

    $client->send_frame(opcode => BINARY, rsv => RSV1,
                        payload => $blocks x 20_000 . "\0");

    my $echo = $client->read_frame;

    is($echo->{opcode}, BINARY, 'opcode');
    ok($echo->{fin}, 'an echo in one frame');
    is($echo->{payload}, "\0", 'of nothing');
};

subtest 'others do not wait' => sub {
    my $bob = $chat->connect(user => 'bob');
    my $mallory = enter();
    my ($worker) = $chat->workers;
    my $frame = make_frame(opcode => BINARY, rsv => RSV1, payload => $empty);
    my $last = substr $frame, -1, 1, '';

    $mallory->send_bytes($frame);
    wait_until { unread($mallory) == 0 };
    ok($bob->request('ping'), 'bob is served while it comes');

    # it finds the last byte and a question when it wakes

    my $ask = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    my $cy = $chat->http(path => '/healthz',
                         headers => { Connection => undef });

    $cy->send_bytes($ask);
    my $before = sent($cy);

    kill 'STOP', $worker;
    $mallory->send_bytes($last);
    $cy->send_bytes($ask);
    kill 'CONT', $worker;

    is(sent($cy), $before, 'cy is, before mallory has her echo');

    ok($mallory->read_frame, 'which comes in the end');
};

done_testing;
