# The link dies while a node reads what is revoked, before it is up for anybody
# else, and the node is told of news while there is none.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

# ms: shorter than the timeout, and longer than we need to see what goes on
use constant DELAY => 1500;

my $chat = ChatTest->new(proxied => 1, redis_options => 'timeout=10s');
$chat->start;

my $proxy = $chat->proxy;


sub status_of ($jti) {
    return $chat->handshake(token => $chat->token('alice', jti => $jti))
        ->status;
}


# what the node has asked Redis last, over the link of commands

sub asked () {
    my ($client) = grep { /name=chat:\S+:command / }
                   split /\n/, $chat->redis_cli('CLIENT', 'LIST');

    return $client && $client =~ /cmd=(\S+)/ ? $1 : '';
}


my ($worker) = $chat->workers;

$proxy->delay('redis', ms => DELAY, way => 'down', only => ':command$');
$proxy->cut('redis', only => ':command$');
ok(wait_until { asked() eq 'info' }, 'a link is set up');
ok(wait_until { asked() eq 'fcall' }, 'the list is asked for');
$proxy->refuse('redis');
$proxy->cut('redis', only => ':command$');
ok(wait_until { asked() eq '' }, 'and the link is gone');

$chat->chatctl_must('revoke', 'jti', "j$_") for 1 .. 5;

$proxy->heal('redis');
ok($chat->wait_ready, 'there is another');
is_deeply([$chat->workers], [$worker], 'the same process serves');
ok(wait_until { status_of("j$_") == 403 }, "it knows j$_") for 1, 5;

done_testing;
