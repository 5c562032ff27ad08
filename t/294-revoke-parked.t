# Revoked while a request waits for what it needs, and in a process that leaves:
# the session is put out at once and told nothing of what it has asked for.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(time);

use ChatTest;

# of a machine that is busy; who waits does so for longer
use constant SOON => 10;

my $chat = ChatTest->new(http => 'chat_request_timeout 1m;');
$chat->start;


# who waits for chat-persist, which is away

sub waiting ($jti, $type, $data) {
    my $session = $chat->connect(user => 'alice', claims => { jti => $jti });

    $session->post($type, $data);
    $session->request('ping');          # it was taken

    return $session;
}


sub put_out_ok ($name, $session, $jti) {
    my $begin = time;

    $chat->chatctl_must('revoke', 'jti', $jti);
    is($session->expect_close(4403), 'revoked', "$name: closed");
    cmp_ok(time - $begin, '<', SOON, "$name: soon");
    is_deeply([map { @$_ } $session->{events},
                           values %{ $session->{replies} }],
              [], "$name: it is told nothing else");

    return;
}


$chat->kill('persist');

put_out_ok('a request that waits', waiting('one', 'conversation.join', {
    conversationId => 'unknown1',
}), 'one');
put_out_ok('a join of many', waiting('many', 'conversation.join', {
    conversations => [map { { conversationId => "unknown$_" } } 2, 3],
}), 'many');

my $leaving = waiting('leaving', 'conversation.join',
                      { conversationId => 'unknown4' });
my ($old) = $chat->workers;

$chat->reload;
ok(wait_until { grep { $_ != $old } $chat->workers }, 'a new worker');
put_out_ok('of a process that leaves', $leaving, 'leaving');

$chat->restart('persist');
ok($chat->wait_ready, 'all is well again');
is($chat->connect(user => 'bob')->refused('conversation.join', {
    conversationId => 'unknown5',
})->{code}, 'not_found', 'who is not revoked is told');

done_testing;
