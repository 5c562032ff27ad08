# Requests for one conversation are answered in the order sent, also when one
# has to be refused because it is not known what is revoked: not before the one
# that was sent earlier, and waits.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);

use ChatTest;

my $chat = ChatTest->new(
    location => 'chat_ack stored; chat_request_timeout 1m;',
);
$chat->start;
$chat->create('lobby');

my $alice = $chat->connect(user => 'alice');


sub post ($content) {
    return $alice->post('message.send', { conversationId => 'lobby',
                                          content => $content });
}


# the requests whose answers came while something else was waited for

sub answered () {
    my $replies = $alice->{replies};

    return grep { @{ $replies->{$_} } } sort keys %$replies;
}


$alice->join('lobby');
$chat->wait_stored;
$chat->kill('persist');

my $first = post('one');

is($alice->hear('lobby')->{content}, 'one', 'one is heard, and not stored');

# nobody writes the list of what is revoked into a Redis that is empty
$chat->kill('redis');
remove_tree($chat->directory . '/appendonlydir');
$chat->restart('redis');

ok(wait_until {
    my $state = decode($chat->http(path => '/readyz')->body);

    $state->{redis}{command} eq 'up' && $state->{revocations} ne 'known';
}, 'it is not known what is revoked');

my $second = post('two');

$alice->request('ping');
is_deeply([answered()], [], 'neither is answered');

$chat->restart('persist');
ok($alice->reply($first), 'the first is answered');
is_deeply([answered()], [], 'and not the second before it');
ok($alice->reply($second), 'the second is answered');

done_testing;
