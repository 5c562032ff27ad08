# Of a conversation of many it is told how many are there, and that is never
# quite new: an answer that members have overtaken is good enough, else there
# would be none where they come and go all the time.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Monitor;

my $chat = ChatTest->new(
    with          => [qw(redis postgres persist presence)],
    workers       => 1,
    proxied       => 1,
    redis_options => 'timeout=60s',
    location      => 'chat_request_timeout 60s;',
    http          => 'chat_presence_members 2; chat_presence_batch 3;',
    settings      => { CHAT_PRESENCE_COUNT_INTERVAL => 60 },
);
$chat->start;

my $monitor = ChatTest::Monitor->new($chat->{redis_socket});

$chat->create('crowd', type => 'group', by => 'ada',
              members => [qw(bob cy dan eve)]);

my $ada = $chat->connect(user => 'ada');

$ada->join('crowd');


sub online () {
    my $reply = $ada->reply($ada->post('presence.get',
                                       { conversationId => 'crowd' }));

    return $reply->{ok} ? $reply->{data}{online} : -1;
}


# how often Redis was asked: what it did since then has been heard

my $heard = 0;

sub asked () {
    $chat->redis_cli('EXISTS', 'chat_v1_mark', 'crowd');
    $monitor->await('mark', 'crowd', ++$heard);

    return $monitor->count('audience', 'crowd');
}


wait_until { online() >= 0 };

my $asked = asked();

$chat->proxy->stall('redis', only => ':command$', way => 'down');

my $get = $ada->post('presence.get', { conversationId => 'crowd' });

$monitor->await('audience', 'crowd', $asked + 1);
$chat->chatctl_must('member', 'add', 'crowd', 'fay');
$ada->expect('member.joined');
$chat->proxy->heal('redis');

is($ada->reply($get)->{data}{size}, 5, 'it is told what Redis knew');

$ada->insist('presence.get', { conversationId => 'crowd' });
is(asked(), $asked + 2, 'which was asked once each time');

done_testing;
