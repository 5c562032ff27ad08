# Commands reach Redis byte by byte as they are meant, however long their
# arguments are: where a length gets one more digit, beyond what a link keeps
# for its commands, and short again after that.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant KEPT => 16_384;    # bytes, NGX_CHAT_REDIS_FORMAT_KEEP

my $chat = ChatTest->new(workers => 1, http => 'chat_request_timeout 1m;');
$chat->start;
$chat->create('lobby');

my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob');

$bob->join('lobby');

my @sizes = (0, 1, 7 .. 12, 97 .. 102, 997 .. 1002, 9997 .. 10_002,
             KEPT - 600, KEPT - 200, KEPT - 1 .. KEPT + 1, 3 * KEPT, 1,
             2 * KEPT, 0, 40_000, 40_001, 39_999, 5);
my @texts = map { text($_) } @sizes;


# such a text of so many bytes: no part is like another, and some look like
# Redis' own

sub text ($size) {
    my $text = '';

    $text .= sprintf '$%u*%u+:', length $text, $size while length $text < $size;

    return substr $text, 0, $size;
}


sub same ($event, $text) {
    ok($event->{content} eq $text, length($text) . ' bytes');

    return;
}


subtest 'one after the other' => sub {
    for my $text (@texts) {
        $alice->say('lobby', $text);
        same($bob->hear('lobby'), $text);
    }
};

subtest 'many at once' => sub {
    my @ids = map {
        $alice->post('message.send', { conversationId => 'lobby',
                                       content => $_ });
    } @texts;

    ok($alice->reply($_)->{ok}, 'accepted') for @ids;
    same($bob->hear('lobby'), $_) for @texts;
};


done_testing;
