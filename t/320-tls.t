# TLS that ends in nginx itself, both versions: messages of every length, many
# frames in a record, a frame in many records, and records that are as few as
# what is to be sent allows.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Frame qw(make_frame);
use ChatTest::Tls;

use constant RECORD => 16_384;

my $tls = ChatTest::Tls->new;
my $chat = ChatTest->new(http => $tls->server);

$tls->certify($chat);
$chat->start;
$chat->create('lobby');

for my $version ('TLSv1_2', 'TLSv1_3') {
    my @tls = $tls->client(SSL_version => $version);

    subtest "$version: messages of every length come back" => sub {
        my $client = $chat->handshake(@tls, path => '/echo', protocols => []);

        is($client->{socket}->get_sslversion, $version, 'the version');

        for my $size (0, 1, 125, 126, 4095, 4096, 4097, 16_383 .. 16_385,
                      65_535, 65_536)
        {
            my $payload = join '', map { chr(($_ * 7) & 255) } 1 .. $size;

            $client->send_frame(opcode => BINARY, payload => $payload);
            ok($client->read_frame->{payload} eq $payload, "$size bytes");
        }

        $client->send_close(1000);
        is(($client->read_close)[0], 1000, 'and it closes cleanly');
    };

    subtest "$version: a frame that comes byte by byte, each in a record" => sub {
        my $client = $chat->handshake(@tls, path => '/echo', protocols => []);

        $client->send_slowly(make_frame(payload => 'y' x 200));
        is($client->read_frame->{payload}, 'y' x 200, 'comes back');
    };

    # What a turn has no time for is in OpenSSL's hands, and epoll is silent.
    # 127 frames fill a read of 4096 bytes, and take two turns; three such
    # reads are in one record.

    subtest "$version: nothing is left behind in a record" => sub {
        my $client = $chat->connect(@tls, user => 'alice');
        my @frames = map {
            make_frame(opcode => PING, payload => 'p' x ($_ <= 32 ? 27 : 26))
        } 1 .. 127;
        my $bytes = join '', (@frames) x 3;

        is(length $bytes, 3 * 4096, 'so many bytes');

        for my $round (1 .. 5) {
            $client->send_bytes($bytes);
            is(scalar(grep { $client->read_frame->{opcode} == PONG }
                      1 .. 3 * 127), 3 * 127, "all pongs come, round $round");
        }
    };

    subtest "$version: what leaves in a turn leaves in few records" => sub {
        my $client = $chat->connect(@tls, user => 'alice');

        # a turn has time for 63 of them
        $client->send_bytes(join '',
            map { make_frame(opcode => PING, payload => "ping $_") } 1 .. 60);

        my ($records, @pongs) = read_frames($client, 60);

        is(scalar @pongs, 60, 'all pongs come');
        cmp_ok($records, '<=', 3, "in $records records");

        my @messages = map { "$_ " . 'x' x 20_000 } 1 .. 4;
        $client->say_all('lobby', @messages);
        $client->post('history.get',
                      { conversationId => 'lobby', limit => 4 });

        my ($more, $frame) = read_frames($client, 1);

        cmp_ok($more, '<=', 1 + length($frame->{payload}) / (RECORD - 100),
               "a long answer in $more records");
    };

    subtest "$version: users on both sides talk" => sub {
        my $alice = $chat->connect(user => 'alice', @tls);
        my $bob = $chat->connect(user => 'bob');

        $_->join('lobby') for $alice, $bob;
        $alice->say('lobby', 'by TLS');
        $bob->say('lobby', 'in the clear');

        for my $client ($alice, $bob) {
            is($client->hear('lobby')->{content}, $_, "heard: $_")
                for 'by TLS', 'in the clear';
        }
    };
}

done_testing;


# Records until there are so many frames, and these.  SSL_read() gives what is
# left of one record, so as many reads as records.

sub read_frames ($client, $count) {
    my ($records, @frames) = (0);

    wait_until {
        while (@frames < $count) {
            my $frame = ChatTest::Frame::take_frame(\$client->{in});

            if ($frame) {
                push @frames, $frame;
                next;
            }

            sysread($client->{socket}, $client->{in}, 65_536,
                    length $client->{in}) or last;
            $records++;
        }

        @frames == $count;
    } 10;

    return ($records, @frames);
}
