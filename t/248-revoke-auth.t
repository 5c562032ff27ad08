# Revoked tokens where chat_auth is.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(server => <<'END');
    location = /page {
        chat_auth on;
        alias token.key;
    }

    location = /strict {
        chat_auth on;
        chat_revoke_stale refuse;
        alias token.key;
    }
END
$chat->start;


sub get ($path, %claims) {
    return $chat->http(path => $path, headers => {
        Authorization => 'Bearer ' . $chat->token('alice', %claims),
    });
}


subtest 'a revoked token is refused' => sub {
    is(get('/page', sid => 'a')->status, 200, 'good');
    $chat->chatctl_must(qw(revoke sid a));
    ok(wait_until { get('/page', sid => 'a')->status == 403 }, 'revoked');
    is(decode(get('/page', sid => 'a')->body)->{error}{code}, 'forbidden',
       'told as forbidden');
    is(get('/page', sid => 'b')->status, 200, 'another is good');

    $chat->chatctl_must(qw(revoke undo sid a));
    ok(wait_until { get('/page', sid => 'a')->status == 200 }, 'undone');
};

subtest 'while the node is not sure' => sub {
    $chat->chatctl_must(qw(revoke sid a));
    ok(wait_until { get('/page', sid => 'a')->status == 403 }, 'revoked');
    is(get('/strict', sid => 'b')->status, 200, 'good');

    $chat->kill('redis');
    ok(wait_until { get('/strict', sid => 'b')->status == 503 }, 'refused');

    my $answer = get('/strict', sid => 'b');
    ok($answer->header('Retry-After'), 'for now');
    is(decode($answer->body)->{error}{code}, 'unavailable', 'unavailable');
    is(get('/strict', sid => 'a')->status, 403, 'what was known counts');
    is(get('/page', sid => 'b')->status, 200, 'accepted where that is said');

    $chat->restart('redis');
    $chat->wait_ready;
    ok(wait_until { get('/strict', sid => 'b')->status == 200 }, 'good again');
};

done_testing;
