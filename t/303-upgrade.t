# Another nginx takes over in flight (USR2, WINCH, QUIT), and the old one again:
# sessions are told to come back, and miss nothing.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Command qw(run);

my @masters;
my $chat = ChatTest->new(
    workers => 2,
    asan    => 'detect_leaks=0',        # of who starts a daemon, and goes
    http    => 'chat_drain_time 1s;',
);
my $directory = $chat->directory;
my $socket = "$directory/nginx.sock";

$chat->{reloaded} = 1;          # processes leave, and may still be asked
$chat->{nginx}{listen} = "; listen unix:$socket";
$chat->start_part($_) for qw(redis postgres);
$chat->chatctl_must('migrate');
$chat->start_part('persist');
start_daemon();
$chat->create('lobby');

END { kill 'KILL', grep { is_master($_) } @masters }


sub start_daemon () {
    my $nginx = $chat->{nginx};
    my $file = "$directory/nginx.conf";

    $nginx->prepare;
    open my $in, '<', $file or die "cannot read: $!";
    my $conf = do { local $/ = undef; <$in> };
    open my $out, '>', $file or die "cannot write: $!";
    print $out $conf =~ s/^\s*daemon off;/daemon on;/mr;
    close $out;

    $nginx->process->start;
    is($nginx->process->wait_end(30), 0, 'nginx runs as a daemon');
    $nginx->process->{told} = 1;        # it had to end
    push @masters, wait_until { pid() } 20;
    wait_until { $chat->all_workers_say('/readyz', 200) } 30;

    return;
}


sub pid () {
    open my $file, '<', "$directory/nginx.pid" or return 0;

    return int(<$file> // 0);
}


sub is_master ($pid) {
    open my $file, '<', "/proc/$pid/cmdline" or return 0;

    return (<$file> // '') =~ /^nginx: master/;
}


sub workers ($master) {
    open my $file, '<', "/proc/$master/task/$master/children" or return;

    return grep {
        open my $title, '<', "/proc/$_/cmdline";
        $title && (<$title> // '') =~ /^nginx: worker/;
    } split ' ', <$file> // '';
}


sub other_master () {
    my $old = pid();

    kill 'USR2', $old;
    my $new = wait_until { my $pid = pid(); $pid && $pid != $old && $pid } 20;
    push @masters, $new;
    wait_until { 2 == workers($new) } 20;
    wait_until { $chat->all_workers_say('/readyz', 200) } 20;

    return ($old, $new);
}


sub comes_back_ok ($name, $alice) {
    my $after = $alice->join('lobby')->{revision};

    return sub {
        $alice->expect_close(1012);

        my $speaker = $chat->connect(user => 'bob');
        $speaker->insist('message.send', { conversationId => 'lobby',
                                           content => "while $name" });
        my $again = $chat->connect(user => 'alice');
        $again->insist('conversation.join', { conversationId => 'lobby' });
        my @events = $again->resume('lobby', $after);
        is($events[-1]{data}{content}, "while $name", "$name: nothing missed");
        is(@events, 1, "$name: nor heard twice");
        $_->disconnect for $speaker, $again;
    };
}


sub unix_ok ($name) {
    my ($code) = run('curl', '-fsS', '--unix-socket', $socket,
                     'http://localhost/healthz');

    is($code, 0, "$name: the unix socket is served");

    return;
}


subtest 'another one takes over, and the old one again' => sub {
    my $moved = comes_back_ok('it takes over', $chat->connect(user => 'alice'));
    my ($old, $new) = other_master();

    kill 'WINCH', $old;
    $moved->();
    wait_until { !workers($old) } 20;
    unix_ok('taken over');
    is($chat->metrics->{chat_nodes}, 2, 'two nodes are counted');

    my $back = comes_back_ok('going back', $chat->connect(user => 'alice'));
    kill 'HUP', $old;
    wait_until { 2 == workers($old) } 20;
    kill 'QUIT', $new;
    $back->();
    wait_until { !is_master($new) } 20;
    wait_until { pid() == $old } 20;
    unix_ok('gone back');
    is($chat->metrics->{chat_nodes}, 2, 'two nodes are counted');
};

subtest 'another one takes over for good' => sub {
    my $moved = comes_back_ok('for good', $chat->connect(user => 'alice'));
    my ($old, $new) = other_master();

    kill 'WINCH', $old;
    $moved->();
    wait_until { !workers($old) } 20;
    kill 'QUIT', $old;
    wait_until { !is_master($old) } 20;
    is(pid(), $new, 'the new one has the pid file');
    unix_ok('for good');

    my ($code, $text) = $chat->chatctl('reload', "--pid=$new");
    is($code, 0, 'and reloads') or diag($text);
    kill 'QUIT', $new;
    wait_until { !is_master($new) } 20;
};

done_testing;
