# "make run", "start", "stop" and "clean": what they say, and what they leave.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";

use HTTP::Tiny;
use IO::Socket::UNIX;
use Test::More;

use ChatTest::Wait qw(wait_until);
use Instance;

my $chat = Instance->new;
my $http = HTTP::Tiny->new(timeout => 10);

END { $chat->run('clean') if defined $chat }


subtest 'settings that cannot be' => sub {
    my ($code, $said) = $chat->run('start', PORT => 'eighty');
    is($code, 1, 'a port that is no number: exit code');
    like($said, qr/^run: PORT must be 1 to 65535, not "eighty"$/, 'message');

    ($code, $said) = $chat->run('start', NGINX_WORKERS => 0);
    like($said, qr/^run: NGINX_WORKERS must be/, 'no workers');

    mkdir "$chat->{base}/theirs";
    mkdir "$chat->{base}/theirs/precious";

    for my $command (qw(start clean)) {
        ($code, $said) = $chat->run($command,
                                    RUN_DIR => "$chat->{base}/theirs");
        like($said, qr/was not made by "make run"$/, "$command elsewhere");
        ok(-d "$chat->{base}/theirs/precious", 'nothing is touched');
    }
};

subtest 'start returns when it is ready' => sub {
    my ($code, $said) = $chat->run('start');
    is($code, 0, 'exit code');
    like($said, qr/\Angx_chat is running\.$/m, 'says so');
    like($said, qr/\Q${\ $chat->url }\E/, 'where to click');

    for my $path ('', 'readyz', 'healthz', 'metrics', 'persist/metrics',
                  'chat.js')
    {
        is($http->get($chat->url . $path)->{status}, 200, "/$path");
    }

    ok(eval { wait_until {
        $http->get($chat->url . 'persist/readyz')->{status} == 200 } 20 },
        'chat-persist is ready, too');
    ok(eval { wait_until {
        $http->get($chat->url . 'presence/readyz')->{status} == 200 } 20 },
        'and chat-presence');

    my ($socket) = Instance::slurp("$chat->{directory}/etc/nginx.conf")
        =~ m{unix:([^:]+/presence\.sock):};
    rename $socket, "$socket.away" or die "$socket: $!";
    IO::Socket::UNIX->new(Local => $socket, Listen => 1) or die $!;
    chmod 0777, $socket;                    # nobody listens there any more
    my $answer = $http->get($chat->url . 'presence/readyz');
    rename "$socket.away", $socket or die $!;

    is($answer->{status}, 503, 'one that cannot be asked is not ready');
    is($answer->{content}, qq({"status":"unavailable","answers":false}\n),
       'as JSON');
};

subtest 'the sign-in' => sub {
    my $answer = $http->post($chat->url . 'signin',
                             { content => '{"name":"Ada"}' });
    is($answer->{status}, 200, 'a name: status');
    like($answer->{content}, qr/"userId":"Ada-[0-9a-f]{12}"/, 'user');

    for my $body ('{"name":""}', '{}', '[', '') {
        $answer = $http->post($chat->url . 'signin', { content => $body });
        is($answer->{status}, 400, "'$body': status");
        like($answer->{content}, qr/\A\{"error":\{"code":"bad_request"/, 'body');
    }

    $answer = $http->post($chat->url . 'signin', { content => 'x' x 5000 });
    is($answer->{status}, 413, 'a body too long');
};

subtest 'one instance per directory, one per port' => sub {
    my ($code, $said) = $chat->run('start');
    is($code, 1, 'the same directory: exit code');
    like($said, qr/^run: already running in /, 'message');

    ($code, $said) = $chat->run('start', RUN_DIR => "$chat->{base}/second");
    is($code, 1, 'the same port: exit code');
    like($said, qr/^run: PORT \d+ is in use/, 'message');
};

subtest 'stop ends it, and start finds everything again' => sub {
    my ($code, $said) = $chat->run('stop');
    is($code, 0, 'stop: exit code');
    is_deeply([$chat->processes], [], 'nothing is left');

    ($code, $said) = $chat->run('stop');
    is($code, 0, 'stop again: exit code');

    ($code, $said) = $chat->run('start');
    is($code, 0, 'start: exit code');
    is_deeply([$chat->alarms], [], 'no alerts in the logs');
};

subtest 'who loses supervisord loses all, and nobody hangs about' => sub {
    my $pid = Instance::slurp("$chat->{directory}/supervisord.pid") + 0;

    kill 'KILL', $pid;
    ok(eval { wait_until { !$chat->processes } 30 }, 'nothing is left')
        or diag($@);
};

subtest 'clean forgets it' => sub {
    my ($code) = $chat->run('clean');
    is($code, 0, 'exit code');
    ok(!-e $chat->{directory}, 'the directory is gone');
};

done_testing;
