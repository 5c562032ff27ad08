# chatctl doctor, where nodes are concerned: it hears of each what it holds, and
# tells what is not as Redis has it; and whose clock is wrong.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX ();

use ChatTest;
use ChatTest::Command qw(must_run);
use ChatTest::Redis;

use constant { DONE => 0, FAILED => 1 };

my $chat = ChatTest->new(workers => 2, proxied => 1,
                         http => 'chat_compare_interval 1h;');
$chat->start;
$chat->create('lobby');

my $ada = $chat->connect(user => 'ada');
my $bob = $chat->connect(user => 'bob', node_other_than => $ada);

$_->join('lobby') for $ada, $bob;
$ada->say('lobby', 'Hello');
$bob->hear('lobby');


# all that the doctor says of nodes, rooms and clocks

sub doctor () {
    my ($code, $text) = $chat->chatctl('doctor', '--json', '--sample', 0);

    return ($code, map { "$_->{level} $_->{check}: $_->{text}" }
                   grep { $_->{check} =~ /^(?:node|room|clocks)$/ }
                       @{ decode($text)->{checks} });
}


sub said_ok ($code, @patterns) {
    my ($was, @said) = doctor();

    is($was, $code, 'exit code') or diag("@said");

    for my $pattern (@patterns) {
        ok((grep { $_ =~ $pattern } @said), $pattern) or diag("@said");
    }

    return;
}


# A node that tells what it is given, to whoever asks, until it is ended; a
# token stands for who asks.

sub fake_node ($text) {
    my $pid = fork // die "fork() failed: $!";

    if ($pid == 0) {
        my $ear = ChatTest::Redis->new($chat->{redis_socket});
        my $mouth = ChatTest::Redis->new($chat->{redis_socket});

        $ear->call('SUBSCRIBE', 'chat:nodes');

        while (1) {
            my $heard = $ear->_reply;
            my ($token) = ($heard->[2] // '') =~ /^report (\S+)$/ or next;
            $mouth->call('PUBLISH', "chat:doctor:$token", $text);
        }
    }

    wait_until {
        $chat->redis_cli('PUBSUB', 'NUMSUB', 'chat:nodes') =~ /^3$/m
    };

    return sub {
        CORE::kill('KILL', $pid);
        waitpid $pid, 0;
        wait_until {
            $chat->redis_cli('PUBSUB', 'NUMSUB', 'chat:nodes') =~ /^2$/m
        };
    };
}


subtest 'all nodes answer' => sub {
    said_ok(DONE, qr/^ok node: 2 nodes with 2 sessions and 2 rooms answer/,
            qr/^ok room: all rooms/, qr/^ok clocks: they agree/);
    said_ok(DONE, qr/^ok node: 2 nodes/);
};

subtest 'a room that missed the last event' => sub {
    $chat->proxy->swallow('redis', message => 'lobby$');
    $ada->say('lobby', 'Lost');
    said_ok(FAILED, qr/^fault room: default\/lobby: node \S+ is at revision /);
    $chat->proxy->heal('redis');

    $ada->say('lobby', 'Found');
    wait_until { (doctor())[0] == DONE } 10;
    said_ok(DONE, qr/^ok room/, qr/they have repaired [1-9]/);
};

subtest 'a node that is stuck' => sub {
    my ($worker) = $chat->workers;

    CORE::kill('STOP', $worker);
    said_ok(DONE, qr/^warning node: 1 of 2 nodes/);
    CORE::kill('CONT', $worker);
    said_ok(DONE, qr/^ok node: 2 nodes/);
};

subtest 'a room that does not catch up, and one in the wrong place' => sub {
    my $head = 'node ' . uuid() . ' pid 1 part 1 of 1 sessions 1 rooms 1 '
               . 'gaps 0';
    my ($base) = $chat->redis_cli('KEYS', '*lobby:meta') =~ /^(.*):meta$/;

    my $end = fake_node("$head\n$base 5 1 1 stale\n");
    said_ok(DONE, qr/^warning room: 1 rooms of nodes are not up to date/);
    $end->();

    my $other = $base =~ s/p(\d\d)/sprintf 'p%02d', ($1 + 1) % 16/er;
    $end = fake_node("$head\n$other 5 1 1 ok\n");
    said_ok(FAILED, qr/^fault room: 1 rooms of nodes are in partitions/);
    $end->();
    said_ok(DONE);
};

subtest 'a clock that is wrong' => sub {
    my $shim = $chat->directory . '/shim';

    open my $file, '>', "$shim.c" or die "cannot write $shim.c: $!";
    print $file <<~'END';
        #include <sys/syscall.h>
        #include <time.h>
        #include <unistd.h>

        int
        clock_gettime(clockid_t id, struct timespec *ts)
        {
            long  rc = syscall(SYS_clock_gettime, id, ts);

            ts->tv_sec += id == CLOCK_REALTIME ? 30 : 0;
            return (int) rc;
        }
        END
    close $file;
    must_run('cc', '-shared', '-fPIC', '-o', "$shim.so", "$shim.c");

    local $ENV{LD_PRELOAD} = "$shim.so";
    said_ok(DONE, map { qr/^warning clocks: the clock of $_ is \d+ ms behind/ }
                      qw(Redis PostgreSQL));
};

subtest 'no node' => sub {
    $_->disconnect for $ada, $bob;
    $chat->kill('nginx', 'QUIT');
    said_ok(FAILED, qr/^fault node: no node of nginx listens/);
};

done_testing;
