# What the page learns of conversations that it has not joined: new ones come
# and lost ones go by themselves, what is unread is counted, and who is
# mentioned is told.

use v5.36;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";

use Test::More;

use Browser;
use ChatTest::Wait qw(wait_until);
use Instance;
use Page;

use constant JOINED => 50;      # conversations, by the page

my $chat = Instance->new(http => 'chat_request_rate off;')->start;
my $browser = Browser->start($chat->{base});
my $ada = Page->new($browser, $chat, 'Ada Lovelace');
my $grace = Page->new($browser, $chat, 'Grace Hopper');


# Code that is done by another client of the page's user; it has `client`,
# grace's id, and idOf(name) of a conversation.

sub by_client ($page, $code) {
    return $page->tab->eval(<<~"JS");
        (async () => {
            const { ChatClient } = await import('./chat.js');
            const { idOfName } = await import('./people.js');
            const sign = async (name) => (await fetch('signin', {
                method: 'POST', body: JSON.stringify({ name }) })).json();
            const me = await sign('$page->{name}');
            const grace = await idOfName('Grace Hopper');
            const client = new ChatClient({
                url: location.href.replace(/^http/, 'ws')
                    .replace(/#.*/, 'chat'),
                token: () => me.token
            });
            const idOf = async (name) => (await client.list({ limit: 200 }))
                .items.find((item) => item.conversation.name === name)
                .conversation.conversationId;

            client.connect();
            await (async () => { $code })();
            client.close();
        })()
        JS
}


# the types of the hints that the page has got of a conversation

sub hinted ($page, $title) {
    my $quoted = Tab::_quote($title);

    return $page->tab->eval(<<~"JS");
        (() => {
            const link = [...document.querySelectorAll('.room-link')].find(
                (link) => link.querySelector('.room-label').textContent
                          === $quoted);
            const id = link.getAttribute('href').slice(1);

            return window.heard.filter(({ type, data = {} }) => type !== 'reply'
                && data.revision === undefined
                && (data.conversationId === id || data.conversations?.some(
                        (one) => one.conversationId === id)))
                .map(({ type }) => type);
        })()
        JS
}


subtest 'a new conversation is there, without being asked for' => sub {
    $ada->create('group', 'Sailing', 'Grace');
    $grace->badge('Sailing', '');
    pass('a group');
    $ada->create('dm', undef, 'Grace');
    $ada->say('Hello');
    $grace->badge('Ada Lovelace', 1);
    pass('a direct conversation, and what is said there');
};

subtest 'one that somebody is added to later' => sub {
    by_client($ada, <<~'JS');
        const { conversationId } = await client.createConversation(
            { type: 'group', name: 'Rowing', members: [] });

        await client.conversation(conversationId).addMember(grace, 'member');
        JS
    $grace->badge('Rowing', '');
    pass('is there, too');
};

# the page keeps a note of what it hears

subtest 'more of them than are joined' => sub {
    $grace->tab->call('Page.addScriptToEvaluateOnNewDocument',
                      { source => <<~'JS' });
        window.heard = [];
        window.WebSocket = class extends WebSocket {
            constructor(...all) {
                super(...all);
                this.addEventListener('message', (e) =>
                    window.heard.push(JSON.parse(e.data)));
            }
        };
        JS
    by_client($ada, <<~"JS");
        for (let n = 0; n < @{[ JOINED ]}; n++) {
            await client.createConversation(
                { type: 'group', name: `Other \${n}`, members: [grace] });
        }
        JS
    $grace->reload;
    $grace->badge("Other $_", '') for 0, JOINED - 1;
    pass('all are listed');
};

subtest 'what is unread there is counted' => sub {
    $ada->open('Sailing');
    $ada->say('Who comes along?');
    $grace->badge('Sailing', 1);
    ok(eval { wait_until { grep { $_ eq 'unread.changed' }
                                @{ hinted($grace, 'Sailing') } } }, 'by a hint');
    $grace->tab->shows('.room-last', 'Ada Lovelace: Who comes along?');
    pass('and what was said comes with the list');
};

subtest 'who is mentioned is told' => sub {
    by_client($ada, <<~'JS');
        await client.conversation(await idOf('Rowing'))
            .send('@Grace Hopper, are you there?', { mentions: [grace] });
        JS
    $grace->toast('Ada Lovelace mentioned you in “Rowing”');
    $grace->tab->shows('.unread .named', '@ you were mentioned');
    ok(eval { wait_until { grep { $_ eq 'notification' }
                                @{ hinted($grace, 'Rowing') } } }, 'by a hint');
    $grace->open('Rowing');
    $grace->hears('@Grace Hopper, are you there?');
    $grace->tab->hides('.named');
    pass('until it is read');
};

subtest 'what is read elsewhere is read' => sub {
    my $phone = Page->new($browser, $chat, 'Grace Hopper');

    by_client($ada, <<~'JS');
        await client.conversation(await idOf('Other 0')).send('One');
        JS
    $_->badge('Other 0', 1) for $grace, $phone;
    $phone->open('Other 0');
    $_->badge('Other 0', '') for $phone, $grace;
    $phone->tab->close;
    pass('on both devices');
};

subtest 'what is lost goes' => sub {
    by_client($ada, <<~'JS');
        await client.conversation(await idOf('Other 2')).removeMember(grace);
        JS
    $grace->toast('You are no longer in “Other 2”');
    $grace->tab->hides('.room-label', 'Other 2');
    by_client($ada, <<~'JS');
        await client.conversation(await idOf('Other 3')).delete();
        JS
    $grace->toast('“Other 3” was deleted');
    $grace->tab->hides('.room-label', 'Other 3');
    pass('and the user is told');
};

subtest 'all is well' => sub {
    is_deeply([map { $_->errors } $ada, $grace], [], 'nothing in the console');
    is_deeply([$chat->alarms], [], 'no alerts in the logs');
    $browser->stop;
    is($chat->stop, 0, 'ends when it is told to');
};

done_testing;
