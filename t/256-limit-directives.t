# What the directives of limits take, and what they say to the rest.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $rate = qr/must be "off", or like "rate=20r\/s burst=200"/;
my $numbers = qr/must have a rate and a burst between 1 and 1000000/;
my $max = qr/must be "off" or between 1 and 10000000/;

my @rates = qw(handshake_rate request_rate message_rate typing_rate
    frame_rate);
my @numbers = qw(max_connections_per_address max_connections_per_user
    max_unauthenticated);


# the exit code of nginx -t, and what it says

sub check ($line, %o) {
    return ChatTest->check_config(limits => 'default', location => $line, %o);
}


sub refused_ok ($line, $reason, %o) {
    my ($code, $text) = check($line, %o);

    isnt($code, 0, $line || "@{[ %o ]}");
    like($text, $reason, 'reason');

    return;
}


subtest 'what is right' => sub {
    my @lines = (map({ ("chat_$_ off;", "chat_$_ rate=1r/m;",
                        "chat_$_ rate=1000000r/s burst=1000000;") } @rates),
                 map({ ("chat_$_ off;", "chat_$_ 1;", "chat_$_ 10000000;") }
                     @numbers));

    for my $line (@lines) {
        my ($code, $text) = check($line);

        is($code, 0, $line) or diag($text);
    }
};

subtest 'rates' => sub {
    refused_ok("chat_request_rate $_;", $rate)
        for '20', '20r/s', 'rate=20', 'rate=20r/h', 'rate=r/s', 'rate=20r/s 5',
            'rate=20r/s nodelay', 'on', 'burst=5 rate=1r/s', 'off burst=1';
    refused_ok("chat_request_rate $_;", $numbers)
        for 'rate=0r/s', 'rate=-1r/s', 'rate=1000001r/s', 'rate=1.5r/s',
            'rate=1r/s burst=0', 'rate=1r/s burst=1000001',
            'rate=1r/s burst=', 'rate=1r/s burst=x',
            'rate=99999999999999999999r/s';
    refused_ok("chat_$_ off; chat_$_ off;", qr/is duplicate/) for @rates;
    refused_ok('chat_request_rate;', qr/invalid number of arguments/);
};

subtest 'numbers' => sub {
    refused_ok("chat_max_connections_per_user $_;", $max)
        for qw(0 -1 10000001 x 1k 99999999999999999999);
    refused_ok("chat_$_ 5; chat_$_ 5;", qr/is duplicate/) for @numbers;
};

subtest 'the zone' => sub {
    my ($code) = check('', http => 'chat_limit_zone 64k;');
    is($code, 0, '64k');

    refused_ok('', qr/"chat_limit_zone" must be between 64k and 1024m/,
               http => "chat_limit_zone $_;") for '63k', '1025m', '0';
    refused_ok('chat_limit_zone 1m;', qr/is not allowed here/);
};

subtest 'a location has what its server says, unless it says otherwise' => sub {
    my $chat = ChatTest->new(
        with     => [],
        limits   => 'default',
        server   => <<~'END',
            chat_max_connections_per_user 1;

            location = /own {
                chat_websocket on;
                chat_max_connections_per_user 2;
            }

            location = /off {
                chat_websocket on;
                chat_max_connections_per_user off;
            }
            END
    );

    $chat->start;

    my @alice = $chat->handshake(user => 'alice');

    is($chat->handshake(user => 'alice')->status, 429, 'of the server');
    push @alice, $chat->handshake(user => 'alice', path => '/own');
    is($alice[-1]->status, 101, 'its own');
    is($chat->handshake(user => 'alice', path => '/own')->status, 429,
       'and no more');
    is($chat->handshake(user => 'alice', path => '/off')->status, 101, 'off');
};

done_testing;
