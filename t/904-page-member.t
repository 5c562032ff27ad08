# Members and settings on the page: who is offered what, and what the others
# see of it.

use v5.36;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";

use Test::More;

use Browser;
use ChatTest::Wait qw(wait_until);
use Instance;
use Page;

my $chat = Instance->new->start;
my $browser = Browser->start($chat->{base});
my ($ada, $grace, $linus) = map { Page->new($browser, $chat, $_) }
    'Ada Lovelace', 'Grace Hopper', 'Linus';


# waits until the panel of that page shows these members

sub members_are ($page, @wanted) {
    my $seen = [];

    eval { wait_until { $seen = $page->members; "@$seen" eq "@wanted" } 15 };
    is_deeply($seen, \@wanted, "members for $page->{name}");

    return;
}


subtest 'people are added' => sub {
    $ada->create('group', 'Sailing', 'Grace');
    members_are($ada, 'Ada Lovelace owner', 'Grace Hopper');

    $ada->tab->click('#invite-open');
    $ada->tab->type('#invite-people-input', 'li');
    $ada->tab->click('#invite-people [role=option]');
    $ada->tab->click('#invite button', 'Add');
    $ada->toast('Linus was added');

    for my $page ($grace, $linus) {
        $page->look_back;
        $page->open('Sailing');
        members_are($page, 'Ada Lovelace owner', 'Grace Hopper', 'Linus');
    }
};

subtest 'who may do what is offered that' => sub {
    is_deeply([$ada->member('Linus')],
              ['Make owner', 'Make admin', 'Make moderator', 'Block',
               'Remove'], 'to the owner');
    is_deeply([$grace->member('Linus')], [], 'nothing to a member');
    $grace->tab->hides('#invite-open');
    $grace->tab->hides('#settings-open');

    $ada->member('Grace Hopper', 'Make moderator');
    $grace->toast('You are now moderator of “Sailing”');
    members_are($linus, 'Ada Lovelace owner', 'Grace Hopper moderator',
                'Linus');
    is_deeply([$grace->member('Linus')], ['Block', 'Remove'],
              'to a moderator');
    is_deeply([$grace->member('Ada Lovelace')], [], 'nobody above');
    $grace->tab->shows('#invite-open', 'Add people');
    $grace->tab->hides('#settings-open');
};

subtest 'settings' => sub {
    $ada->tab->click('#settings-open');
    $ada->tab->eval(q(document.querySelector('#settings-name').select()));
    $ada->tab->type('#settings-name', 'Rowing');
    $ada->tab->type('#settings-text', 'Without wind');
    $ada->tab->click('#settings-read-only');
    $ada->tab->click('#settings button', 'Save');

    $linus->tab->shows('#room-name', 'Rowing');
    $linus->tab->shows('#room-sub', 'Without wind');
    $linus->tab->shows('#barred-text', 'Only moderators can write here.');
    $linus->tab->hides('#text');
    $grace->say('A moderator may');
    $linus->hears('A moderator may');
    pass('seen by the others');
};

subtest 'slow mode' => sub {
    $ada->tab->click('#settings-open');
    $ada->tab->click('#settings-read-only');
    $ada->tab->eval(q(document.querySelector('#settings-slow').value = 5));
    $ada->tab->click('#settings button', 'Save');
    $linus->tab->shows('#slow', 'Slow mode: one message every 5 seconds');
    $grace->tab->hides('#slow');

    # time stands still for Linus, however long all of this takes
    $linus->tab->eval(q(window.clock = Date.now; const now = Date.now();
                        Date.now = () => now));
    $linus->say('one');
    $grace->hears('one');
    $linus->tab->wait_for(q(/^0:/.test(document.querySelector('#countdown')
        .textContent)));
    $linus->say('two');
    $linus->tab->eval(q(Date.now = window.clock));
    $linus->tab->wait_for(q(document.querySelector('#countdown').textContent
        === ''));
    is($linus->tab->eval(q(document.querySelector('#text').value)), 'two',
       'what was too early is still in the field');
    $linus->tab->press_enter;
    $grace->hears('two');

    # the server says how long, where the page cannot know: a second window
    my $other = Page->new($browser, $chat, 'Linus');

    $other->open('Rowing');
    $other->hears('two');
    $other->tab->wait_for(q(document.querySelector('#countdown').textContent
        === ''));
    $other->tab->type('#text', 'four');
    $linus->tab->wait_for(q(document.querySelector('#countdown').textContent
        === ''));
    $linus->say('three');
    $grace->hears('three');
    $other->tab->press_enter;
    $other->tab->wait_for(q(document.querySelector('#countdown').textContent
        !== ''));
    pass('both windows count');
    $other->tab->close;
};

subtest 'who is removed is told, and gets nothing more' => sub {
    $grace->member('Linus', 'Remove');
    $linus->tab->shows('#missing-title',
                       'You are no longer a member of “Rowing”');
    $linus->tab->hides('#composer');
    $linus->tab->hides('.room-label', 'Rowing');
    members_are($grace, 'Ada Lovelace owner', 'Grace Hopper moderator');
    $grace->say('without Linus');
    $ada->hears('without Linus');
    $linus->reload;
    $linus->tab->shows('#missing-title', 'This conversation does not exist');
    $linus->tab->hides('.room-label', 'Rowing');

    $linus->tab->click('#missing a');
    $linus->tab->shows('#room-name', 'Lobby');
    $ada->tab->click('#invite-open');
    $ada->tab->type('#invite-people-input', 'Linus');
    $ada->tab->press_enter;
    $ada->tab->click('#invite button', 'Add');
    $linus->look_back;
    $linus->badge('Rowing', '');
    $linus->open('Rowing');
    $linus->hears('without Linus');
};

subtest 'who is blocked, too, until that is lifted' => sub {
    $linus->open('Lobby');
    $ada->member('Linus', 'Block');
    $linus->toast('You are no longer in “Rowing”');
    $linus->tab->hides('.room-label', 'Rowing');
    $grace->tab->shows('#blocked .person-name', 'Linus');
    is_deeply([$grace->member('Linus')], ['Unblock', 'Unblock and add again'],
              'a moderator sees it');
    $grace->member('Linus', 'Unblock and add again');
    $linus->look_back;
    $linus->open('Rowing');
};

subtest 'leaving, and the end of it all' => sub {
    $linus->open('Rowing');
    $linus->panel;
    $linus->tab->click('#leave');
    $linus->tab->click('#confirm button', 'Leave');
    $linus->tab->shows('#room-name', 'Lobby');
    $linus->tab->hides('.room-label', 'Rowing');

    $ada->tab->click('#leave');
    $ada->tab->click('#confirm button', 'Leave');
    $ada->toast('[Oo]wner');
    $ada->tab->shows('#room-name', 'Rowing');

    $grace->open('Rowing');
    $ada->tab->click('#settings-open');
    $ada->tab->click('#settings button', 'Delete conversation');
    $ada->tab->click('#confirm button', 'Delete');
    $_->tab->shows('#missing-title', '“Rowing” was deleted') for $ada, $grace;
    $_->tab->hides('.room-label', 'Rowing') for $ada, $grace;
    pass('whoever looks at it is told');
};

subtest 'all is well' => sub {
    is_deeply([map { $_->errors } $ada, $grace, $linus], [],
              'nothing in the console');
    is_deeply([$chat->alarms], [], 'no alerts in the logs');
    $browser->stop;
    is($chat->stop, 0, 'ends when it is told to');
};

done_testing;
