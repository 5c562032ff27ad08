# The page in a narrow window, and with the keys alone.

use v5.36;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";

use Test::More;

use Browser;
use Instance;
use Page;

my $chat = Instance->new->start;
my $browser = Browser->start($chat->{base});
my $ada = Page->new($browser, $chat, 'Ada Lovelace');
my $grace = Page->new($browser, $chat, 'Grace Hopper');


subtest 'all of it with the keys alone' => sub {
    my $tab = $grace->tab;
    my $at = 'document.activeElement.querySelector(".text")?.textContent';

    $ada->create('group', 'Sailing', 'Grace');
    $ada->say($_) for 'Well', 'Look';
    $ada->hears('Look');
    $grace->look_back;
    $grace->badge('Sailing', 2);
    $grace->open('Sailing');
    $grace->hears('Look');
    $tab->eval(q(document.querySelector('#text').focus()));
    $tab->press('Tab', shift => 1) for 1 .. 2;
    $tab->wait_for("!!document.activeElement.closest('.message')");
    $tab->press('Escape');
    $tab->press('End');
    is($tab->eval($at), 'Look', 'the last message');
    $tab->press('ArrowUp');
    is($tab->eval($at), 'Well', 'the one before');
    $tab->press('Enter');
    $tab->wait_for(q(document.activeElement.closest('#menu')));
    $tab->press('End');
    is($tab->eval('document.activeElement.textContent'), 'Copy text',
       'the menu has no more for the message of another');
    $tab->press('ArrowUp');
    $tab->press_enter;
    $tab->shows('#context-title', 'Reply to Ada Lovelace');
    is($tab->eval('document.activeElement.id'), 'text', 'ready to write');
    $tab->press('Escape');
    $tab->hides('#context');

    $ada->react('Well', '👍');
    $tab->shows('.chip', '👍1');
    $tab->eval(q(document.querySelector('.chip').focus()));
    $tab->press_enter;
    $tab->shows('.chip', '👍2');
    is($tab->eval('document.activeElement.textContent'), '👍2',
       'the focus stays where it was');
};

subtest 'a narrow window' => sub {
    my $linus = Page->new($browser, $chat, 'Linus', width => 360,
                          height => 640);
    my $tab = $linus->tab;
    my $fits = sub ($what) {
        ok($tab->eval('document.documentElement.scrollWidth <= innerWidth'),
           "$what fits");
    };

    $linus->say('word ' x 40 . 'and-one-word-that-has-no-end' x 4);
    $fits->('a conversation');
    $tab->click('#side-open');
    $linus->create('group', 'A conversation with a name that is too long',
                   'Grace');
    $tab->shows('#room-name', 'A conversation with a name that is too long');
    $tab->wait_for(q(!document.querySelector('#side').checkVisibility(
        { visibilityProperty: true })));
    $linus->say('on the phone');
    $linus->react('on the phone', '👍');
    $tab->shows('.chip', '👍1');
    $linus->act('on the phone', 'Edit');
    $linus->say(', at last');
    $linus->hears('on the phone, at last');
    $linus->panel;
    $fits->('the panel');
    $tab->click('#settings-open');
    $fits->('the settings');
    $tab->click('#settings .cancel');
    $tab->click('#panel-close');
    $tab->click('#side-open');
    $tab->click('.room-label', 'Lobby');
    $tab->shows('#room-name', 'Lobby');
    is_deeply([$linus->errors], [], 'nothing in the console');
};

subtest 'all is well' => sub {
    is_deeply([map { $_->errors } $ada, $grace], [], 'nothing in the console');
    is_deeply([$chat->alarms], [], 'no alerts in the logs');
    $browser->stop;
    is($chat->stop, 0, 'ends when it is told to');
};

done_testing;
