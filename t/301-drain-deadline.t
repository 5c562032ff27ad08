# A process that leaves is gone in time, whatever its sessions wait for.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use Time::HiRes qw(time);

use ChatTest;
use ChatTest::Wait qw(wait_within);

use constant {
    TIMEOUT => 2,               # s, chat_request_timeout
    LINGER  => 2,
    SLACK   => 10,              # for a machine that is busy
};

my $chat = ChatTest->new(
    canary   => '1s',
    listen   => 'sndbuf=16k',
    http     => 'chat_drain_time 1s; chat_request_timeout ' . TIMEOUT . 's;',
    location => 'chat_auth_timeout 5m;',
    server   => 'location = /stored { chat_websocket on; chat_ack stored; }',
);
$chat->start;
$chat->create('lobby');
$chat->create("room-$_") for 1 .. 20;


sub gone_ok ($pid, $name) {
    my $begin = time;

    ok(eval {
        wait_within { !grep { $_ == $pid } $chat->workers }
            1 + TIMEOUT + 1 + LINGER + SLACK;
    }, "$name: it is gone");
    note(sprintf 'after %.1f s', time - $begin);

    return;
}


# as if Redis held none of it

sub forget ($names) {
    $chat->wait_stored;
    $chat->freeze('persist');
    $chat->redis_cli('DEL', split /\n/, $chat->redis_cli('KEYS', $names));

    return;
}


subtest 'with all that sessions may be in the middle of' => sub {
    my ($pid) = $chat->workers;
    my $stranger = $chat->handshake(protocols => []);
    my $echo = $chat->handshake(path => '/echo', protocols => []);
    my $closing = $chat->connect(user => 'closing');
    my %user = map { $_ => $chat->connect(user => $_) } qw(join batch half);
    my $parked = $chat->connect(user => 'parked', path => '/stored');
    my $deaf = $chat->handshake(path => '/echo', protocols => []);

    forget('*/room-*');
    my $join = $user{join}->post('conversation.join',
                                 { conversationId => 'room-1' });
    my $batch = $user{batch}->post('conversation.join', { conversations => [
        map { { conversationId => "room-$_" } } 2 .. 20 ] });
    my $send = $parked->post('message.send', { conversationId => 'lobby',
                                               content => 'slow' });

    $user{$_}->request('ping') for qw(join batch);
    $parked->request('ping');
    $user{half}->send_bytes("\x81\xfe");
    $closing->send_close(1000);
    $deaf->send_frame(payload => 'x' x 200_000) for 1 .. 4;

    $chat->reload;

    is(($_->read_close)[0], 1012, 'a stranger and an echo are told')
        for $stranger, $echo;
    is($user{half}->expect_close(1012) =~ /^retry=/, 1, 'half a frame');
    is($user{join}->reply($join)->{error}{code}, 'unavailable', 'a join');
    ok($user{batch}->reply($batch)->{data}{conversations}, 'a batch');
    is($parked->reply($send)->{error}{code}, 'timeout', 'a parked reply');
    $_->expect_close(1012) for @user{qw(join batch)}, $parked;
    gone_ok($pid, 'in the middle of all');
    $chat->thaw('persist');
};

subtest 'while Redis does not answer' => sub {
    my ($pid) = $chat->workers;
    my $alice = $chat->connect(user => 'alice');
    $alice->join('lobby');

    $chat->freeze('redis');
    my $id = $alice->post('message.send', { conversationId => 'lobby',
                                            content => 'hello?' });
    $alice->request('ping');
    $chat->reload;
    like($alice->reply($id)->{error}{code}, qr/^(?:timeout|unavailable)$/,
         'a request fails in time');
    $alice->expect_close(1012);
    gone_ok($pid, 'Redis is stopped');
    $chat->thaw('redis');
    $chat->wait_ready;
};

subtest 'while Redis is away' => sub {
    my ($pid) = $chat->workers;
    my $alice = $chat->connect(user => 'alice');

    $chat->kill('redis', 'TERM');
    $chat->reload;
    $alice->expect_close(1012);
    gone_ok($pid, 'Redis is away');
    $chat->restart('redis');
    $chat->wait_ready;
};

subtest 'a second reload, and a third, while the first one drains' => sub {
    my ($pid) = $chat->workers;
    my @sessions;

    $chat->wait_stored;
    $chat->freeze('persist');

    for my $i (1 .. 3) {
        my %now = map { $_ => 1 } $chat->workers;
        my $session = $chat->connect(user => "user-$i", path => '/stored');

        $session->post('message.send', { conversationId => 'lobby',
                                         content => "$i" });
        $session->request('ping');
        push @sessions, $session;
        $chat->reload;
        wait_until { grep { !$now{$_} } $chat->workers };
    }

    $chat->thaw('persist');
    $_->expect_close(1012) for @sessions;
    wait_until { 1 == (my @workers = $chat->workers) } 20;
    pass('one process is left');
    is($chat->metrics->{chat_nodes}, 1, 'and counted');
};

my $short = ChatTest->new(with => [], http => 'chat_drain_time 10m;',
                          main => 'worker_shutdown_timeout 1s;',
                          connections => 1024);

subtest 'worker_shutdown_timeout comes first' => sub {
    $short->start;

    my ($pid) = $short->workers;
    my @crowd = map { $short->handshake(path => '/echo', protocols => []) }
        1 .. 600;

    # their turns would be over after 6 s
    $short->reload;
    $crowd[0]->read_close;

    my $begin = time;
    like(($crowd[-1]->read_close)[1], qr/^retry=\d+$/, 'the last one is told');
    cmp_ok(time - $begin, '<', 5, 'before its turn');
    is((grep { ($_->read_close)[1] =~ /^retry=\d+$/ } @crowd[1 .. $#crowd - 1]),
       $#crowd - 1, 'like all others');
    wait_until { !grep { $_ == $pid } $short->workers };
    pass('and the process is gone');
};

subtest 'who is amid a request is told to come again' => sub {
    my ($pid) = $chat->workers;
    my $client = $chat->handshake(protocols => []);
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                       PeerPort => $chat->port);
    my ($first, $rest) = $client->handshake =~ /^(GET.*?\r\n)(.*)/s;

    $socket->syswrite($first);
    $client->send_text('{"type":"ping","id":1}');   # it has read the half
    $client->reply(1);
    $chat->reload;
    is(($client->read_close)[0], 1012, 'the process leaves');
    $socket->syswrite($rest);

    my $answer = do { local $/ = undef; <$socket> };
    like($answer, qr{^HTTP/1\.1 503 }, 'it lets in nobody any more');
    like($answer, qr{^Connection: close\r$}m, 'closes this connection');
    like($answer, qr{^Retry-After: 1\r$}m, 'and says: soon');
};

done_testing;
