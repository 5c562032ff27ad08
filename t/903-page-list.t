# The list of conversations on the page: dms, groups and channels, what is
# unread, and who has read what.

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


subtest 'a dm is the same from both sides' => sub {
    $ada->create('dm', undef, 'Grace');
    $ada->tab->shows('#room-name', 'Grace Hopper');
    $ada->say('Just between us');
    $ada->hears('Just between us');

    $grace->look_back;
    $grace->badge('Ada Lovelace', 1);
    $grace->tab->shows('.room-last', 'Just between us');
    pass('named by the other one, with the last message');

    $grace->create('dm', undef, 'Ada');
    $grace->tab->shows('#room-name', 'Ada Lovelace');
    $grace->hears('Just between us');
    $grace->badge('Ada Lovelace', '');

    is_deeply([sort $_->tab->texts('.room-label')], $_ == $ada
              ? ['Grace Hopper', 'Lobby'] : ['Ada Lovelace', 'Lobby'],
              "once in the list of $_->{name}") for $ada, $grace;
};

subtest 'what is read is told' => sub {
    $ada->tab->wait_for(q(document.querySelector('.own .meta')
        .dataset.state === 'read'));
    $ada->tab->wait_for(q(document.querySelector('.readers')?.title
        === 'Read by Grace Hopper'));

    $grace->look_away;
    $ada->say('And this?');
    $grace->hears('And this?');
    $grace->badge('Ada Lovelace', 1);
    $grace->tab->wait_for(q(document.title.startsWith('(1) ')));
    $grace->tab->wait_for(q(document.querySelector('.new')));
    $ada->tab->wait_for(q([...document.querySelectorAll('.own .meta')].at(-1)
        .dataset.state === 'delivered'));
    pass('what has arrived behind a window without focus is not read');

    $grace->look_back;
    $grace->badge('Ada Lovelace', '');
    $ada->tab->wait_for(q([...document.querySelectorAll('.own .meta')].at(-1)
        .dataset.state === 'read'));
    pass('it is when the window has the focus again');
};

subtest 'who is blocked in a dm' => sub {
    $grace->panel;
    $grace->tab->click('#block', 'Block');
    $grace->tab->shows('#barred-text', 'You have blocked Ada Lovelace.');
    $ada->tab->shows('#missing-title', 'You were blocked in “Grace Hopper”');
    $grace->reload;
    $grace->tab->shows('#barred-text', 'You have blocked Ada Lovelace.');
    $grace->tab->click('#unblock');
    $grace->tab->hides('#barred');
    $ada->look_back;
    $ada->hears('And this?');
    pass('is told, and sees it again when that is lifted');
};

subtest 'badges rise and fall' => sub {
    $ada->create('group', 'Sailing', 'Grace');
    $ada->tab->shows('#room-name', 'Sailing');
    $grace->look_back;
    $grace->badge('Sailing', '');

    for my $n (1 .. 3) {
        $ada->say("number $n");
        $ada->hears("number $n");
        $grace->badge('Sailing', $n);
    }

    $grace->tab->shows('.room-last', 'Ada Lovelace: number 3');
    pass('the last message, and whose it is');
    is(($grace->tab->texts('.room-label'))[0], 'Sailing',
       'the latest conversation is on top');
    is_deeply([grep { $_ ne '' } $grace->tab->texts('.badge-text')],
              [', 3 unread'], 'what is read out');
    is($grace->tab->eval(<<~'JS'), 1, 'all names begin at one place');
        new Set([...document.querySelectorAll('.room-label')].map(
            (label) => label.getBoundingClientRect().left)).size
        JS

    $grace->reload;
    $grace->badge('Sailing', 3);
    $grace->open('Sailing');
    $grace->tab->shows('.new', 'New messages');
    $grace->badge('Sailing', '');
    $grace->reload;
    $grace->badge('Sailing', '');
    $ada->badge('Sailing', '');

    $grace->open('Lobby');
    $ada->act('number 3', 'Edit');
    $ada->say(', and a half');
    $ada->act('number 2', 'Delete');
    $ada->tab->click('#confirm button', 'Delete');
    $grace->tab->shows('.room-last', 'Ada Lovelace: number 3, and a half');
    $grace->badge('Sailing', '');
};

subtest 'the same user in two windows' => sub {
    my $other = Page->new($browser, $chat, 'Grace Hopper');

    $ada->say('to both of you');
    $_->badge('Sailing', 1) for $grace, $other;
    $other->open('Sailing');
    $grace->badge('Sailing', '');
    is_deeply([$other->errors], [], 'nothing in the console');
    $other->tab->close;
};

subtest 'a channel is open to who has its link' => sub {
    $ada->create('channel', 'Announcements');
    $ada->tab->shows('#room-name', 'Announcements');
    $ada->say('Read this');
    $ada->hears('Read this');

    my $link = $ada->tab->eval('location.href');
    like($link, qr{#[0-9a-f-]{36}/Announcements$}, 'has a link with its name');
    $grace->look_back;
    is($grace->listed('Announcements'), undef, 'not in the list of others');

    $grace->tab->eval('location.href = ' . Tab::_quote($link));
    $grace->tab->shows('#room-name', 'Announcements');
    $grace->hears('Read this');
    $grace->badge('Announcements', '');
    $grace->reload;
    $grace->open('Lobby');
    $ada->say('And that');
    $grace->badge('Announcements', 1);
    pass('who has read it once has it in the list');
};

subtest 'what a message may be that the page does not know' => sub {
    $ada->open('Grace Hopper');
    $grace->open('Ada Lovelace');
    $grace->tab->eval(<<~'JS');
        (async () => {
            const { ChatClient } = await import('./chat.js');
            const me = await (await fetch('signin', { method: 'POST',
                body: '{"name":"Grace Hopper"}' })).json();
            const url = location.href.replace(/^http/, 'ws')
                .replace(/#.*/, 'chat');
            const client = new ChatClient({ url, token: () => me.token });
            const { items } = await (client.connect(), client.list());
            const dm = client.conversation(items.find(({ conversation }) =>
                conversation.type === 'dm').conversation.conversationId);

            for (const content of [
                 { type: 'text', text: 'plain', name: 'Ada Lovelace' },
                 { type: 'image', alt: 'A boat',
                   url: 'https://example.com/boat.png' },
                 { type: 'encrypted', body: 'c2VjcmV0' },
                 { type: 'x-poll', question: 1 },
                 { type: 'file', url: 'javascript:alert(1)', name: 7 }])
            {
                await dm.send(content);
            }

            client.close();
        })()
        JS
    $ada->tab->wait_for(q(document.querySelectorAll('.message').length === 7));
    is_deeply([map { s/ \| $//r } @{ $ada->shown }[2 .. 6]],
              ['plain', 'A boatexample.com', 'Encrypted message', 'x poll',
               'FileAttachment'], 'something sensible');
    is($ada->tab->eval(q(document.querySelectorAll('a.attachment').length)), 1,
       'a script is no address');
    is_deeply([grep { $_ ne 'Grace Hopper' }
               $ada->tab->texts('.message .who:not(.hidden)')], [],
              'nobody takes the name of another');
};

subtest 'all is well' => sub {
    is_deeply([map { $_->errors } $ada, $grace], [], 'nothing in the console');
    is_deeply([$chat->alarms], [], 'no alerts in the logs');
    $browser->stop;
    is($chat->stop, 0, 'ends when it is told to');
};

done_testing;
