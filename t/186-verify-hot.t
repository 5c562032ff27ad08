# chatctl verify: an event that Redis lacks is missed though a message was
# deleted after it, which would have taken other events away.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant { DONE => 0, FAILED => 1 };

my $chat = ChatTest->new(workers => 1);
$chat->start;
$chat->create('lobby', type => 'group', by => 'ada', members => [qw(bob)]);

my $ada = $chat->connect(user => 'ada');
my %lobby = (conversationId => 'lobby');
my @said = map { $ada->say('lobby', "message $_") } 1 .. 6;

$ada->request('message.edit', { %lobby, messageId => $said[1]{id},
                                content => 'other' });
$ada->request('reaction.add', { %lobby, messageId => $said[2]{id},
                                emoji => '+1' });
$ada->request('reaction.add', { %lobby, messageId => $said[4]{id},
                                emoji => '+1' });
$ada->request('message.delete', { %lobby, messageId => $said[4]{id} });
$ada->say('lobby', 'last');

my ($base) = map { s/:meta$//r } split /\n/,
    $chat->redis_cli('KEYS', '*/lobby:meta');


# what is found when an event is taken out of hot

sub without ($text) {
    my @hot = split /\n/, $chat->redis_cli('XRANGE', "$base:hot", '-', '+');
    my ($n) = grep { $hot[$_] =~ $text } 0 .. $#hot;

    $chat->redis_cli('COPY', "$base:$_", "kept:$_") for qw(meta hot);
    $chat->redis_cli('XDEL', "$base:hot", $hot[$n - 2]);
    $chat->redis_cli('HINCRBY', "$base:meta", 'hn', -1);
    $chat->redis_cli('HINCRBY', "$base:meta", 'hbytes', -length $hot[$n]);

    my ($code, $told) = $chat->chatctl('verify', 'lobby');

    $chat->redis_cli('COPY', "kept:$_", "$base:$_", 'REPLACE')
        for qw(meta hot);
    $chat->redis_cli('DEL', 'kept:meta', 'kept:hot');

    return $code, $told;
}


sub good ($when) {
    my ($code, $told) = $chat->chatctl('verify', 'lobby');

    is($code, DONE, $when) or diag($told);

    return;
}


good('nothing is wrong');
$chat->wait_stored;
good('nor when all is stored');

for my $event (['message 1', 'message 1'],
               ['message 2', 'the creation of message 2'],
               ['"other"', 'message 2'],
               ['reaction.added', 'the reaction of ada to message 3'])
{
    my ($code, $told) = without($event->[0]);

    is($code, FAILED, "without $event->[0]");
    like($told, qr{lacks revision \d+, $event->[1]:}m, 'it is told')
        or diag($told);
}

good('all is as it was');
done_testing;
