# chatctl reload: waits until the old processes are gone, notices a refused
# configuration, and with --verify what has become of sessions and messages.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;

use ChatTest;

my $chat = ChatTest->new(workers => 2, canary => '1s', proxied => 1);
$chat->logs->allow(qr{unknown directive "no_such_directive"});
$chat->start;
$chat->create('lobby');

my $master = $chat->part('nginx')->{pid};
my @here = ("--pid-file=" . $chat->directory . '/nginx.pid');
my @verify = (@here, '--verify', '--token-key-file',
              $chat->directory . '/token.key',
              '--url', 'ws://127.0.0.1:' . $chat->port . '/chat');


# whether other processes are there now

sub moved_ok ($name, $expected, @before) {
    my %old = map { $_ => 1 } @before;
    my $kept = $expected ? 0 : @before;

    # nginx may not yet have collected one that has ended
    ok(eval { wait_until { $kept == grep { $old{$_} } $chat->workers } },
       $name);

    return;
}


subtest 'it waits until the old processes are gone' => sub {
    my @before = $chat->workers;
    my $alice = $chat->connect(user => 'alice');
    my ($code, $text) = $chat->chatctl('reload', @here);

    is($code, 0, 'done') or diag($text);
    like($text, qr/^2 new processes, 2 old ones gone after \d/, 'and says so');
    moved_ok('other processes serve', 1, @before);
    $alice->expect_close(1012);
    $chat->wait_ready;
};

subtest 'a configuration that nginx refuses changes nothing' => sub {
    my @before = $chat->workers;
    my $file = $chat->directory . '/nginx.conf';

    open my $out, '>>', $file or die;
    print $out "no_such_directive on;\n";
    close $out;

    my ($code, $text) = $chat->chatctl('reload', @verify);
    is($code, 1, 'it fails');
    like($text, qr/nginx has refused its configuration/, 'and says why');
    moved_ok('the same processes serve', 0, @before);

    my ($tested, $said) = $chat->chatctl('reload', @here, '--test-command',
                                         'echo not good; exit 3');
    is($tested, 1, 'a test that fails comes first');
    like($said, qr/not good\n.*has failed: nothing is reloaded/s, 'and says so');
    moved_ok('the same processes serve', 0, @before);
    $chat->{nginx}->prepare;
};

subtest 'with --verify it counts what its own sessions get' => sub {
    my $alice = $chat->connect(user => 'alice');
    my ($code, $text) = $chat->chatctl('reload', @verify, '--json');
    my $told = decode($text);

    is($code, 0, 'all is well') or diag($text);
    is($told->{ok}, 1, 'ok');
    is($told->{$_}, 2, $_) for qw(started ended nodes);
    is($told->{sessionsMoved}, 1, 'alice');
    is($told->{own}{moved}, 4, 'its own were told to come back');
    is($told->{own}{$_}, 0, $_) for qw(missed doubled resets cut);
    cmp_ok($told->{own}{messages}, '>', 10, 'and have talked');
    is_deeply($told->{canary}, { lost => 0, doubled => 0 }, 'canaries');
    is($told->{gapsRepaired}, 0, 'no gaps');
    $alice->expect_close(1012);

    my ($again, $words) = $chat->chatctl('reload', @verify);
    is($again, 0, 'again, in words');
    like($words, qr/\nall is well\n\z/, 'all is well');
    ok(eval {
        wait_until {
            $chat->psql('SELECT count(*) FROM chat.message') == 0;
        } 20;
    }, 'nothing of it stays');
};

# each reply is there long before the event, that of the last message, too

subtest 'an event that comes late is waited for' => sub {
    my $alice = $chat->connect(user => 'alice');    # makes it take longer

    $chat->proxy->delay('redis', only => ':subscriber$', ms => 300);

    my (undef, $text) = $chat->chatctl('reload', @verify, '--json');

    is(decode($text)->{own}{missed}, 0, 'nothing was missed') or diag($text);
    $chat->proxy->heal('redis');
};

subtest 'what a node did not hear is told' => sub {
    $chat->proxy->swallow('redis', message => 'chatctl-reload', times => 20);

    my ($code, $text) = $chat->chatctl('reload', @verify, '--json');
    my $told = decode($text);

    is($code, 1, 'not all is well');
    ok(!$told->{ok}, 'not ok');
    cmp_ok($told->{gapsRepaired}, '>', 0, 'a gap was repaired');
    is($told->{own}{missed}, 0, 'so that nobody has missed it');
    $chat->proxy->heal('redis');
};

# What nginx is still reading keeps an old process for a minute, so that there
# is something to be stopped.

sub held () {
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                       PeerPort => $chat->port) or die $!;
    my $sent = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP";

    print $socket $sent;
    sysread $socket, my $answer, 4096;

    return $socket;
}


sub nothing_left () {
    return $chat->psql(<<~'END') eq '0|0';
        SELECT (SELECT count(*) FROM chat.conversation WHERE deleted_at IS NULL
                   AND conversation_id LIKE 'chatctl%'),
               (SELECT count(*) FROM chat.message)
        END
}


subtest 'Ctrl-C stops the watching, and leaves nothing' => sub {
    my $out = $chat->directory . '/stopped';

    wait_until { nothing_left() };          # of those before

    my $held = held();
    my $pid = $chat->chatctl_start($out, 'reload', @verify);

    wait_until { $chat->psql('SELECT count(*) FROM chat.message') > 0 };
    kill INT => $pid;
    waitpid $pid, 0;
    is($?, 1 << 8, 'exit code');

    open my $in, '<', $out or die;
    my $text = join '', <$in>;
    like($text, qr/^chatctl: stopped: [^\n]+\n\z/, 'why, and no more');
    ok(eval { wait_until { nothing_left() } },
       'its conversation is deleted');
    close $held;
    $chat->wait_ready;
};

subtest 'what is wrong is told' => sub {
    my ($code, $text) = $chat->chatctl('reload', @verify, '--redis-url',
                                       'unix:///nowhere');
    is($code, 4, 'no Redis');
    like($text, qr/^chatctl: Redis: /, 'is told');

    ($code, $text) = $chat->chatctl('reload', "--pid=$$");
    is($code, 1, 'a process that is no nginx');
    like($text, qr/is no master process of nginx/, 'is left alone');

    ($code, $text) = $chat->chatctl('reload', '--pid-file=/nowhere');
    is($code, 1, 'no pid file');

    ($code, $text) = $chat->chatctl('reload', @here, '--verify', '--url', $_)
        and is($code, 2, "\"$_\" is no URL")
        for 'http://127.0.0.1/', 'ws://', 'ws://a:b/', 'ws://a/ b';

    ($code, $text) = $chat->chatctl('reload', @verify, '--url',
                                    'ws://127.0.0.1:' . $chat->port . '/no');
    is($code, 4, 'no chat there');
    like($text, qr/the handshake is answered by HTTP/, 'is told');
    is($chat->part('nginx')->{pid}, $master, 'nginx is the same');
};

done_testing;
