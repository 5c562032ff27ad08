# 2,000 connections that never finish their handshake: the others are served
# as if they were not there, and after client_header_timeout they are gone.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;

use ChatTest;

use constant HALF => 2000;

my $chat = ChatTest->new(
    with        => [],
    connections => 4096,
    limits      => 'default',
    http        => 'client_header_timeout 5s;',
);

$chat->start;

my $text = "GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n";


# those that nginx has accepted, without the one that asks

sub connections () {
    my $pid = ($chat->workers)[0];

    opendir my $directory, "/proc/$pid/fd" or die "worker $pid: $!";

    return scalar grep { (readlink("/proc/$pid/fd/$_") // '') =~ /^socket/ }
        readdir $directory;
}


my $before = connections();
my $old = $chat->connect(user => 'old');
my @half = map {
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $chat->port) or die $!;

    # nothing, or a part of a request
    print $socket substr $text, 0, $_ % length $text;
    $socket->flush;
    $socket;
} 1 .. HALF;

subtest 'while they are there' => sub {
    ok(wait_until { connections() > $before + HALF / 2 }, 'many are open');
    ok($old->request('ping'), 'a session goes on');

    my $new = $chat->connect(user => 'new');
    ok($new->request('ping'), 'another one is let in');
    cmp_ok($chat->metrics->{chat_sessions}, '==', 2, 'those are all');
};

subtest 'they are ended' => sub {
    ok(eval { wait_until { connections() <= $before + 2 } 20 }, 'all of them');
    ok($old->request('ping'), 'and nobody else');
};

done_testing;
