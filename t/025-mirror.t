# A subrequest in the background, as "mirror" makes one, would outlive the
# request, which is freed after the upgrade: such a location does not upgrade.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;

use ChatTest;

# one that takes requests and never answers
my $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0,
                                   Listen => 16) or die "no socket: $@";
my $port = $silent->sockport;

my $chat = ChatTest->new(with => [], server => <<~"END");
    location = /quick {
        chat_echo on;
        mirror /quick-copy;
    }

    location = /quick-copy {
        internal;
        return 204;
    }

    location = /slow {
        chat_echo on;
        mirror /slow-copy;
    }

    location = /slow-copy {
        internal;
        proxy_pass http://127.0.0.1:$port;
    }
    END
$chat->start;


for my $path (qw(/quick /slow)) {
    subtest "a location with \"mirror\" refuses the upgrade: $path" => sub {
        my $marks = $chat->logs->marks;
        my $client = $chat->handshake(path => $path);

        is($client->status, 500, 'status 500');
        is(decode($client->body)->{error}{code}, 'internal', 'as JSON');
        like($chat->logs->since($marks),
             qr/\[error\].*chat: a subrequest still runs, is "mirror" on here/,
             'the log says why');
    };
}

subtest 'the locations beside it upgrade' => sub {
    my $client = $chat->handshake(path => '/echo');

    is($client->status, 101, 'status 101');
    $client->send_text('hello');
    is($client->read_message->{payload}, 'hello', 'and it is echoed');
};

# the copies end, or nginx would wait for them when it stops
close $silent;

done_testing;
