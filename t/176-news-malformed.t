# What comes over the channels of the nodes and is not what it should be: it is
# noted or passed over, and harms nobody.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Redis;

my $chat = ChatTest->new;
$chat->start;
$chat->create('lobby');

my $alice = $chat->connect(user => 'alice');
$alice->join('lobby');

my $redis = ChatTest::Redis->new($chat->{redis_socket});
my ($lobby) = split /\n/, $chat->redis_cli('PUBSUB', 'CHANNELS', 'chat:{*');
my $own = 'chat:node:' . $alice->node;
my $long = '9' x 400;

my @news = (
    (map { my $word = $_;
        map { "$word $_" }
            'chat:{p16}: 1', 'chat:{p63}: 1', 'chat:{p64}: 1', 'chat:{p99}: 1',
            'chat:{p99}: 1 1-1', 'chat:{p-1}: 1', 'chat:{p00}: ',
            'chat:{p00}: -1', "chat:{p00}: $long", 'chat:{p00}: 1 ',
            'chat:{p00}: 0 -', 'chat:{p00}: 0 1-', 'chat:{p00}: 0 -1',
            "chat:{p00}: 0 $long-$long", 'chat:{p00', 'chat:', '',
            'chat:{p00}: 18446744073709551615',
    } qw(open stored)),
    'open', 'stored', 'report', 'report ', "report \0", 'report ' . 'x' x 65,
    '', ' ', "\0", 'x' x 100_000, "report a\nb",
);

my @own = (
    'loaded', 'loaded ', 'loaded /', 'loaded default/lobby',
    'loaded ' . 'x' x 1000, 'range', 'range ', 'range x', 'range 1',
    'range 1 ', "range 1 ok 1 1\n", "range $long ok 1 1\n", "range 1 error\n",
    "range 1 ok 1 1\n5 5 . 4\nabc\n", "range 1 ok 1 $long\n", 'beat', 'beats',
    '', "\0", 'x' x 100_000,
);

my @room = (
    '', ' ', '1', '1 ', '1 1', '1 1 ', '1 1  x', '1 1 .', 'x 1 . {}',
    '-1 1 . {}', "\0", ' 1 . {}', '1 1 .' . 'x' x 1000,
);


for my $case (['chat:nodes', @news], [$own, @own], [$lobby, @room]) {
    my ($channel, @payloads) = @$case;

    subtest $channel =~ s/[0-9a-f]{8}-.*/<id>/r => sub {
        $redis->call('PUBLISH', $channel, $_) for @payloads;

        $alice->say('lobby', 'hello');
        is($alice->hear('lobby')->{content}, 'hello', 'it goes on');
        is_deeply([$alice->unexpected], [], 'with nothing else');
    };
}

done_testing;
