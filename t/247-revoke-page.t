# Who is revoked is told so by the page, which does not connect again by itself.

use v5.36;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";

use Digest::SHA qw(sha256_hex);
use Test::More;

use Browser;
use Instance;
use Page;

my $chat = Instance->new->start;
my $browser = Browser->start($chat->{base});
my $bob = Page->new($browser, $chat, 'Bob');
my $ada = Page->new($browser, $chat, 'Ada');      # who the form remembers

# as chat-signin calls her
my $id = 'Ada-' . substr sha256_hex('Ada'), 0, 12;


sub revoke (@words) {
    my $text = qx(set -a; . $chat->{directory}/chat.env;
                  $FindBin::Bin/../build/bin/chatctl revoke @words 2>&1);

    is($?, 0, "chatctl revoke @words") or diag($text);

    return;
}


subtest 'who is revoked has to sign in again' => sub {
    revoke('user', $id, '--ban');
    $ada->tab->shows('#signin-error', 'You were signed out by the server.');
    pass('it is told');
    is($ada->tab->eval(q(document.querySelector('#signin-name').value)), 'Ada',
       'the name is still there');
};

subtest 'which helps only if that was undone' => sub {
    $ada->tab->eval(q(document.querySelector('#signin-name').focus()));
    $ada->tab->press_enter;
    $ada->tab->shows('#signin-error', 'You were signed out by the server.');
    pass('not as long as there is a ban');

    revoke('undo', 'user', $id);
    $ada->tab->eval(q(document.querySelector('#signin-name').focus()));
    $ada->tab->press_enter;
    $ada->online;
    pass('then it does');
};

subtest 'nobody else has noticed' => sub {
    $bob->online;
    pass('bob is online');
    is_deeply([$bob->tab->errors], [], 'no errors');
};

subtest 'all is well' => sub {
    is_deeply([$chat->alarms], [], 'no alerts in the logs');
    $browser->stop;
    is($chat->stop, 0, 'ends when it is told to');
};

done_testing;
