# chatctl reload: whom it sends a signal, and what it prints beside a command
# that it runs.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX ();

use ChatTest;

my $chat = ChatTest->new(workers => 1, with => []);
my $hangup = $chat->directory . '/hangup';

$chat->start;


# A process that is called like nginx' master and, told so by SIGUSR1, turns
# into something else, as another that has got the number of one that ended.

sub impostor () {
    my $pid = fork // die "fork: $!";

    return $pid if $pid;

    $SIG{HUP} = sub { open my $file, '>', $hangup; POSIX::_exit(0) };
    $SIG{USR1} = sub { $0 = 'somebody else' };
    $0 = 'nginx: master process of nobody';
    sleep 1 for 1 .. 60;
    POSIX::_exit(0);
}


sub title ($pid) {
    open my $file, '<', "/proc/$pid/cmdline" or return '';

    return <$file> // '';
}


subtest 'who was nginx before the test, and is not after it' => sub {
    my $pid = impostor();

    ok(eval { wait_until { title($pid) =~ /^nginx: master/ } },
       'there is one that looks like nginx');

    my ($code, $text) = $chat->chatctl(
        'reload', "--pid=$pid", '--wait=1s', '--test-command',
        "kill -USR1 $pid; while grep -q nginx /proc/$pid/cmdline; do :; done");

    is($code, 1, 'it fails');
    like($text, qr/process $pid is no master process of nginx/, 'and says why');
    ok(!-e $hangup, 'no signal was sent');
    kill 'KILL', $pid;
    waitpid $pid, 0;
};

subtest 'what a test prints is not among the JSON' => sub {
    my $error = $chat->directory . '/stderr';
    my $program = "$chat->{build}/bin/chatctl";
    my $file = $chat->directory . '/nginx.pid';
    my $text = qx{$program reload --pid-file=$file --json \\
                  --test-command='echo all is well; echo indeed' 2>$error};

    is($?, 0, 'reloaded');
    is(eval { decode($text)->{ok} }, 1, 'one object of JSON') or diag($text);

    open my $handle, '<', $error or die $!;
    is(join('', <$handle>), "all is well\nindeed\n", 'it is told beside it');
};

subtest 'a file that holds no number of nginx' => sub {
    my $file = $chat->directory . '/other.pid';
    my $master = $chat->part('nginx')->{pid};

    for my $text ('', "\n", "0\n", "-1\n", "-$master\n", "x\n", "1e3\n",
                  "4294967297\n", "99999999999999999999\n", "$master 1\n")
    {
        open my $handle, '>', $file or die $!;
        print $handle $text;
        close $handle;

        my ($code, $said) = $chat->chatctl('reload', "--pid-file=$file");

        is($code, 1, "\"$text\"") or diag($said);
    }

    ok($chat->part('nginx')->alive, 'nginx lives');
};

subtest 'new processes that end at once are no refused configuration' => sub {
    $chat->logs->allow(qr/\[alert\].*(?:nowhere|fatal code)/);

    open my $handle, '>>', $chat->directory . '/nginx.conf' or die $!;
    print $handle "working_directory /nowhere;\n";
    close $handle;

    my ($code, $text) = $chat->chatctl(
        'reload', '--pid-file=' . $chat->directory . '/nginx.pid');

    is($code, 1, 'it fails');
    like($text, qr/no new process of nginx lives/, 'and says so');
    unlike($text, qr/nothing has changed/, 'which is not nothing');
};

done_testing;
