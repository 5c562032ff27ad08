# What waits for a client that does not read waits in nginx, where it is
# bounded and counted, and not in the kernel.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant {
    LARGE    => 60_000,
    MESSAGES => 20,
    KERNEL   => 600_000,    # more than a client's two sockets hold
};

my $chat = ChatTest->new(
    workers  => 1,
    location => 'chat_send_queue 4m;',
    server   => <<~'END');
        location = /free {
            chat_websocket on;
            chat_sndbuf 0;
            chat_send_queue 4m;
        }
        END
$chat->start;
$chat->create('lobby', by => 'alice');

my $alice = $chat->connect(user => 'alice');


# how much waits once all messages are told to somebody who reads none

sub waiting ($path) {
    my $bob = $chat->connect(user => 'bob', path => $path);
    my $carol = $chat->connect(user => 'carol', path => $path);

    $_->join('lobby') for $bob, $carol;
    $alice->say_all('lobby', map { 'x' x LARGE } 1 .. MESSAGES);
    $carol->hear('lobby') for 1 .. MESSAGES;

    my $bytes = $chat->metrics->{chat_queued_bytes};

    is($bob->hear('lobby')->{content}, 'x' x LARGE, 'all comes')
        for 1 .. MESSAGES;
    $_->disconnect for $bob, $carol;
    wait_until { $chat->metrics->{chat_sessions} == 1 };

    return $bytes;
}


subtest 'by default' => sub {
    my $bytes = waiting('/chat');

    cmp_ok($bytes, '>', MESSAGES * LARGE - KERNEL, 'most waits in nginx');
};

subtest 'if the kernel decides' => sub {
    my $bytes = waiting('/free');

    cmp_ok($bytes, '<', MESSAGES * LARGE - KERNEL, 'most waits there');
};

done_testing;
