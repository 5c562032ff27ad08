# chatctl verify: client ids that Redis has forgotten without knowing it, so that
# a retry would make a second message, are found.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant { DONE => 0, FAILED => 1 };

my $chat = ChatTest->new(workers => 1);
$chat->start;
$chat->create('lobby', type => 'group', by => 'ada', members => [qw(bob)]);

my $ada = $chat->connect(user => 'ada');

$ada->say('lobby', "message $_", uuid()) for 1 .. 3;
$ada->say('lobby', 'named', 'my-own');
$ada->say('lobby', 'unnamed');
$chat->wait_stored;

my ($meta) = split /\n/, $chat->redis_cli('KEYS', '*/lobby:meta');
my $ids = $meta =~ s/meta\z/ids/r;


sub verify () { return $chat->chatctl('verify', 'lobby') }


# as they are where hardly more fits in

sub forget ($floor) {
    $chat->redis_cli('DEL', $ids);
    $chat->redis_cli('HSET', $meta, 'ihead', 0, 'itail', 0, 'floor', $floor);

    return;
}


is((verify())[0], DONE, 'all of them are there');

forget(time * 1000 + 60_000);
is((verify())[0], DONE, 'they are below the floor');

forget(1);
my ($code, $text) = verify();
is($code, FAILED, 'above the floor are those that tell a time');
is(() = $text =~ /client id of message [123] for a new/g, 3, 'they are told');
unlike($text, qr/message 4 /, 'the other one is asked for');

forget(0);
like((verify())[1], qr/client id of message 4 for a new one/,
     'without a floor that is not there either');

# what was sent moved marks, which are stored a moment later

my $marks = $meta =~ s/c:.*/marks/r;
wait_until { $chat->redis_cli('EXISTS', $marks) =~ /^0/ };

$chat->redis_cli('DEL', $ids, $meta, $meta =~ s/meta\z/$_/r)
    for qw(members hot);
$ada->join('lobby');
is((verify())[0], DONE, 'what is loaded anew has a floor');

done_testing;
