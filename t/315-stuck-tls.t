# Clients over TLS that do not read: what waits for one is bounded, it is closed
# with 4413, and all the others are served meanwhile.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(time);

use ChatTest;
use ChatTest::Tls;

use constant {
    QUEUE    => 262_144,
    LARGE    => 50_000,
    MESSAGES => 60,         # more than the queue, and the kernel beside it
    STUCK    => 5,
    LINGER   => 2,          # seconds to read why one is closed
};

my $tls = ChatTest::Tls->new;
my $chat = ChatTest->new(
    workers => 1,
    http    => $tls->server('chat_send_queue ' . QUEUE . ';'),
);

$tls->certify($chat);
$chat->start;
$chat->create('lobby', by => 'alice', type => 'group', members => ['bob']);

my $alice = $chat->connect(user => 'alice', $tls->client);
$alice->join('lobby');


sub queued () { return $chat->metrics->{chat_queued_bytes} }

sub slow () {
    return $chat->metrics->{'chat_limited_total{limit="send_queue"}'};
}


for my $version ('TLSv1_2', 'TLSv1_3') {
    subtest $version => sub {
        my ($before, $most, $gone, $began) = (slow(), 0, 0);
        my @stuck = map {
            $chat->connect(user => 'bob', $tls->client(SSL_version => $version))
        } 1 .. STUCK;

        $_->join('lobby') for @stuck;

        for (1 .. MESSAGES) {
            $began = time if !$gone;
            $alice->say('lobby', 'x' x LARGE);
            $alice->hear('lobby');

            my $now = queued();
            $most = $now if $now > $most;

            $gone = slow() - $before;
            last if $gone == STUCK;
        }

        is($gone, STUCK, 'all are let go');
        cmp_ok($most, '>', LARGE, 'something has waited');

        # one frame more than the queue has room for is let in, and a frame is
        # in memory once
        cmp_ok($most, '<=', STUCK * (QUEUE + 2 * LARGE), 'but not too much');

        for my $client (@stuck[0, 1]) {
            my $told = eval { $client->expect_close(4413); 1 };

            ok($told || time - $began > LINGER, 'who reads then is told');
        }

        $_->disconnect(1) for @stuck[2 .. STUCK - 1];

        wait_until { queued() == 0 };
        pass('nothing is left of them');
        ok($alice->request('ping'), 'it goes on');
    };
}

done_testing;
