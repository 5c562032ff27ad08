# A session that has sent very much at once does not hold up the others: it has
# its part of each turn of the event loop.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Deflate qw(deflate EXTENSION);
use ChatTest::Frame qw(make_frame);
use ChatTest::Metrics qw(parse_metrics);

use constant RSV1 => 4;

my $chat = ChatTest->new(with => [], location => 'chat_deflate on;');
$chat->start;

my $alice = $chat->connect(user => 'alice');


# as many bytes of it as go to a server that does not read

sub fill ($client, $frame) {
    my ($n, $bytes) = (0, $frame x 10_000);

    while (defined(my $sent = syswrite $client->{socket}, $bytes)) {
        $n += $sent;
        substr $bytes, 0, $sent, '';
        $bytes = $frame x 10_000 if length $bytes < length $frame;
    }

    return $n;
}


# how many frames the worker has taken when it answers this

sub taken ($client) {
    $client->read_response;

    return (parse_metrics($client->body))[0]{chat_frames_received_total};
}


# Has the worker find all of that and a request of alice when it wakes, and one
# for its metrics behind them.  Returns how many frames there were, and how many
# were taken before this was answered.

sub taken_first ($frame) {
    my $mallory = $chat->connect(
        user => 'mallory', headers => { 'Sec-WebSocket-Extensions' => EXTENSION });
    my $ask = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    my $bob = $chat->http(path => '/healthz',
                          headers => { Connection => undef });
    my ($worker) = $chat->workers;

    $bob->send_bytes($ask);
    my $before = taken($bob);

    kill 'STOP', $worker;
    my $frames = int(fill($mallory, $frame) / length $frame);
    my $id = $alice->post('ping');
    $bob->send_bytes($ask);
    kill 'CONT', $worker;

    $alice->reply($id);
    my $first = taken($bob) - $before;
    $mallory->disconnect;

    return ($frames, $first);
}


for my $try (
    ['pings', make_frame(opcode => PING)],
    ['requests', make_frame(payload => '{"type":"ping","id":1}')],
    ['compressed requests that are long', make_frame(
        payload => deflate('{"type":"ping","id":1,"data":{"x":"'
                           . 'x' x 60_000 . '"}}'),
        rsv => RSV1)])
{
    my ($what, $frame) = @$try;
    my ($frames, $first) = taken_first($frame);

    cmp_ok($frames, '>', 1000, "$what: $frames at once");
    cmp_ok($first, '<', 1000, "alice is served after $first at most");
}

done_testing;
