# Clients that mean no good, against an nginx under the sanitizers: it goes on
# serving the others, forgets who has gone, and reports nothing.
#
#   CHAT_TEST_SECONDS=600 CHAT_TEST_SEED=7 prove -It/lib t/275-hostile.t

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(time);

use ChatTest;
use ChatTest::Command qw(must_run);
use ChatTest::Hostile;
use ChatTest::Port qw(take_port);

use constant {
    VISITS => 50,               # between two looks at the others
    LEAST  => 3,                # such looks, however slow it is
};

my $seconds = $ENV{CHAT_TEST_SECONDS} // 6;
my $seed = $ENV{CHAT_TEST_SEED} // int rand 2**31;
my ($port, $lock) = take_port;

my $chat = ChatTest->new(
    location => 'chat_token_query on; chat_auth_timeout 1s; chat_deflate on;',
    server   => <<~"END");
        location = /deflated {
            chat_echo on;
            chat_deflate on;
            chat_max_message_size 64k;
        }

        listen 127.0.0.1:$port ssl;
        ssl_certificate tls.crt;
        ssl_certificate_key tls.key;
        END

must_run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
         'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=localhost',
         '-keyout', $chat->directory . '/tls.key',
         '-out', $chat->directory . '/tls.crt');
$chat->start;
$chat->create('lobby');

my ($alice, $bob) = map { $chat->connect(user => $_) } qw(alice bob);
$_->join('lobby') for $alice, $bob;

my ($worker) = $chat->workers;
my $hostile = ChatTest::Hostile->new(
    ports  => { plain => $chat->port, tls => $port },
    paths  => [qw(/chat /chat /chat /echo /deflated /healthz /metrics /x)],
    tokens => [$chat->token('mallory'), $chat->token('mallory'),
               $chat->token('mallory', exp => time - 100),
               $chat->token('mallory') =~ s/.\z/_/r, 'x', ''],
);


# the sessions that the node counts

sub sessions () {
    my $client = $chat->handshake(path => '/metrics', headers => {
        Upgrade => undef, Connection => 'close',
    });

    return $client->body =~ /^chat_sessions (\d+)$/m ? $1 : -1;
}


subtest "the others are served meanwhile (seed $seed)" => sub {
    my $end = time + $seconds;
    my $n = 0;

    srand $seed;

    while (time < $end || $n <= LEAST) {
        $hostile->visit for 1 .. VISITS;

        my $text = 'round ' . ++$n;
        $alice->say('lobby', $text);

        my $heard = $bob->expect('message.created', sub {
            $_->{senderId} eq 'alice'
        });
        is($heard->{content}, $text, $text) if $heard->{content} ne $text;
    }

    note($hostile->visits, " visits, $n rounds");
    is_deeply([$chat->workers], [$worker], 'by the worker that was there');
};

subtest 'who has gone is forgotten' => sub {
    $hostile->leave;
    wait_until { sessions() == 2 } 15;
    is(sessions(), 2, 'two sessions are left');
};

done_testing;
