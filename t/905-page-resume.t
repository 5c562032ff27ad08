# What the page has after it was away while others went on, and after restarts
# and losses behind it.

use v5.36;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";

use File::Path qw(remove_tree);
use JSON::PP ();
use Test::More;

use Browser;
use ChatTest::Wait qw(wait_until);
use Instance;
use Page;

# a user says in a moment what others say in a minute
my $chat = Instance->new(http => 'chat_message_rate off;')->start;
my $browser = Browser->start($chat->{base});
my $ada = Page->new($browser, $chat, 'Ada Lovelace');
my $grace = Page->new($browser, $chat, 'Grace Hopper');


# the page loses its connection and finds no new one, until it may

sub cut ($page) {
    $page->tab->call('Network.emulateNetworkConditions', {
        offline => JSON::PP::true, latency => 0, downloadThroughput => -1,
        uploadThroughput => -1,
    });
    kill 'KILL', $chat->workers;
    $page->tab->wait_for(q(document.querySelector('#status').dataset.state
                           !== 'online'));

    return;
}


sub restore ($page) {
    $page->tab->call('Network.emulateNetworkConditions', {
        offline => JSON::PP::false, latency => 0, downloadThroughput => -1,
        uploadThroughput => -1,
    });
    $page->online;

    return;
}


# the end of what each of them shows: how far back it has loaded is its own
# affair

sub ends () {
    return map { my $lines = $_->shown;
                 join "\n", splice @$lines, @$lines > 30 ? -30 : 0 }
           $ada, $grace;
}


# what is sent is answered before what was missed has come, perhaps

sub same ($name) {
    my @ends;

    eval { wait_until { @ends = ends(); $ends[0] eq $ends[1] } };
    is($ends[0], $ends[1], $name);

    return;
}


# more than Redis keeps at hand, by another client of the same user: the page
# will get the latest state of each message and no single steps

sub much_happens ($tab, $title) {
    $tab->eval(<<~"JS");
        (async () => {
            const { ChatClient } = await import('./chat.js');
            const me = await (await fetch('signin', { method: 'POST',
                body: '{"name":"Grace Hopper"}' })).json();
            const url = location.href.replace(/^http/, 'ws')
                .replace(/#.*/, 'chat');
            const client = new ChatClient({ url, token: () => me.token });
            const { items } = await (client.connect(), client.list());
            const room = client.conversation(items.find(({ conversation }) =>
                conversation.name === '$title').conversation.conversationId);
            const sent = await Promise.all(Array.from({ length: 300 },
                (_, n) => room.send(`line \${n}`)));

            await room.edit(sent[10].id, 'line 10, again');
            await room.deleteMessage(sent[20].id);
            await room.addReaction(sent[280].id, '👀');
            await room.edit(sent[280].id, 'line 280, again');
            await room.deleteMessage(sent[281].id);
            client.close();
        })()
        JS

    return;
}


subtest 'what happened while one was away' => sub {
    $ada->create('group', 'Sailing', 'Grace');
    $ada->tab->shows('#room-name', 'Sailing');
    $ada->say("number $_") for 1 .. 5;
    $grace->look_back;
    $grace->open('Sailing');
    $grace->say('six');
    $ada->hears('six');

    cut($ada);
    $grace->online;
    $grace->act('six', 'Edit');
    $grace->say(', or half a dozen');
    $grace->react('number 1', '👍');
    $grace->say('seven');
    $grace->act('seven', 'Reply');
    $grace->say('eight');
    $grace->act('seven', 'Delete');
    $grace->tab->click('#confirm button', 'Delete');
    $grace->tab->shows('.gone span', 'You deleted a message');
    $grace->hears('eight');
    $ada->say('written meanwhile');
    restore($ada);
    $_->hears('written meanwhile') for $ada, $grace;
    same('both see the same');
    is_deeply($ada->shown, ['number 1 | 👍1', (map { "number $_" } 2 .. 5),
                            'six, or half a dozen | (edited)', 'gone',
                            '> Message deleted | eight', 'written meanwhile'],
              'all of it, in order');
};

subtest 'much happened while one was away' => sub {
    cut($ada);
    $grace->online;
    much_happens($grace->tab, 'Sailing');
    $grace->hears('line 299');
    restore($ada);
    $ada->hears('line 299');
    same('both see the same');

    my @shown = @{ $ada->shown };
    is_deeply([grep { /^line 10\b|^line 280|^gone/ } @shown],
              ['gone', 'line 10, again | (edited)', 'gone',
               'line 280, again | 👀1 | (edited)', 'gone'],
              'each message in its latest state');
    $ada->badge('Sailing', '');

    $ada->reload;
    $ada->hears('line 299');
    $ada->tab->eval(q(document.querySelector('#log').scrollTop = 0));
    $ada->tab->wait_for(q(document.querySelectorAll('.message').length > 60));
    pass('and older ones after a reload');
};

# what another client of the page's user goes through

sub watch_states ($tab) {
    $tab->eval(<<~'JS');
        (async () => {
            const { ChatClient } = await import('./chat.js');
            const me = await (await fetch('signin', { method: 'POST',
                body: '{"name":"Grace Hopper"}' })).json();
            const url = location.href.replace(/^http/, 'ws')
                .replace(/#.*/, 'chat');
            const client = new ChatClient({ url, token: () => me.token });

            window.states = [];
            client.addEventListener('state', ({ detail }) =>
                window.states.push({ ...detail, at: Date.now() }));
            client.connect();
        })()
        JS
    $tab->wait_for(q(window.states.at(-1)?.state === 'online'));

    return;
}


subtest 'a reload is hardly felt' => sub {
    my %old = map { $_ => 1 } $chat->workers;

    watch_states($grace->tab);
    kill 'HUP', int Instance::slurp("$chat->{directory}/nginx/nginx.pid");
    wait_until { !grep { $old{$_} } $chat->workers } 30;
    $_->online for $ada, $grace;
    $grace->tab->wait_for(q(window.states.filter(
        ({ state }) => state === 'online').length > 1));

    my @states = @{ $grace->tab->eval('window.states') };
    is_deeply([map { $_->{state} } @states[0 .. 3]],
              [qw(connecting online waiting connecting)],
              'a client is told to wait, and comes back');
    is($states[2]{reason}, "retry=$states[2]{delay}", 'it waits as it is told');
    cmp_ok($states[3]{at} - $states[2]{at}, '>=', $states[2]{delay} - 5,
           'no shorter');

    $grace->open('Sailing');
    $grace->say('after the reload');
    $ada->hears('after the reload');
    is($ada->tab->eval(q(document.querySelector('#toast').textContent)), '',
       'nobody is alarmed');
};

subtest 'restarts change nothing' => sub {
    $grace->open('Lobby');
    $ada->say('before the restarts');
    $ada->hears('before the restarts');
    $grace->badge('Sailing', 1);

    my ($before) = $ada->listed('Sailing');

    $chat->control('restart', 'chat:nginx');
    $_->online for $ada, $grace;

    for my $part (qw(redis chat:persist postgres)) {
        $chat->control('restart', $part);
    }

    $grace->tab->eval(q(window.dispatchEvent(new Event('focus'))));
    $grace->badge('Sailing', 1);
    is_deeply($ada->listed('Sailing'), $before, 'the list');
    $grace->open('Sailing');
    $grace->hears('before the restarts');
    $grace->react('before the restarts', '🎉');
    $ada->tab->shows('.chip', '🎉1');
    is_deeply($ada->members, ['Ada Lovelace owner', 'Grace Hopper'],
              'the members');
};

subtest 'what Redis has lost is not shown any more' => sub {
    $ada->hears('before the restarts');
    $chat->control('stop', 'chat:persist');
    $ada->say('never stored');
    $_->hears('never stored') for $ada, $grace;
    $chat->control('stop', 'redis');
    remove_tree("$chat->{directory}/redis/appendonlydir");
    $chat->control('start', $_) for 'redis', 'chat:persist';

    for my $page ($ada, $grace) {
        $page->toast('The server has lost a part of “Sailing”');
        $page->hears('before the restarts');
    }

    $grace->say('and on it goes');
    $_->hears('and on it goes') for $ada, $grace;
    same('both see the same');
};

subtest 'all is well' => sub {
    is_deeply([map { $_->errors } $ada, $grace], [], 'nothing in the console');
    is_deeply([$chat->alarms], [], 'no alerts in the logs');
    $browser->stop;
    is($chat->stop, 0, 'ends when it is told to');
};

done_testing;
