# The JavaScript client and its token: renewed while it lives, asked for anew
# when it is over, and the end when there is none any more.

use v5.36;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";

use Test::More;

use Browser;
use ChatTest::Command qw(must_run);
use Instance;
use Page;

my $chat = Instance->new->start;
my $browser = Browser->start($chat->{base});
my $chatctl = "$FindBin::Bin/../build/bin/chatctl";
my $key = "$chat->{directory}/token.key";

# what Chromium itself prints when a session is refused
my $refused = qr/WebSocket connection to \S+ failed|status of 401/;


sub token ($ttl) {
    return must_run($chatctl, 'token', '--user', 'ada', '--ttl', $ttl,
                    '--token-key-file', $key);
}


# A client in a tab of its own, as window.client; its token comes from
# window.tokens, one for each reason: one that is good for some time, a text, or
# the code of an error.  It notes why it is asked, and what it becomes.  The
# tokens are made when all else is there: a short one is over soon.

sub client (%tokens) {
    my $tab = $browser->tab;

    $tab->open($chat->url);
    $tab->eval(q(import('./chat.js').then(() => true)));

    my $json = join ',', map {
        my $token = $tokens{$_} =~ /^\d+[sh]$/ ? token($tokens{$_}) : $tokens{$_};
        "$_: '$token'"
    } sort keys %tokens;

    $tab->eval(<<~"JS");
        (async () => {
            const { ChatClient, ChatError } = await import('./chat.js');
            const url = location.href.replace(/^http/, 'ws') + 'chat';

            window.tokens = { $json };
            window.asked = [];
            window.states = [];
            window.client = new ChatClient({ url, token: async (reason) => {
                window.asked.push(reason);
                if (!window.tokens[reason].startsWith('ey')) {
                    throw new ChatError(window.tokens[reason], 'none');
                }
                return window.tokens[reason];
            } });
            window.client.addEventListener('state', ({ detail }) => {
                window.states.push(detail.state + (detail.code ?? ''));
                if (detail.state === 'online') {
                    window.ends = Date.parse(detail.expiresAt);
                }
            });
            window.client.connect();
        })()
        JS

    return $tab;
}


sub noted ($tab, $what) {
    return join ' ', @{ $tab->eval("window.$what") };
}


subtest 'a token is renewed before it ends, and nobody notices' => sub {
    my $tab = client(connect => '4s', expiring => '1h');

    $tab->wait_for(q(window.asked.length === 2));
    is(noted($tab, 'asked'), 'connect expiring', 'it is asked for');
    $tab->wait_for(q(window.client.now() > window.ends + 1000));
    ok($tab->eval(q(window.client.request('ping').then(() => true))),
       'after its end the session lives');
    is(noted($tab, 'states'), 'connecting online', 'it is the same session');
    $tab->close;
};

subtest 'without a new one the session ends, and another begins' => sub {
    my $tab = client(connect => '4s', expiring => 'unavailable',
                     refused => '1h');

    $tab->wait_for(q(window.asked.length === 3 && client.state === 'online'));
    is(noted($tab, 'asked'), 'connect expiring refused', 'why it is asked');
    is(noted($tab, 'states'),
       'connecting online waiting4401 connecting online', 'the states');
    $tab->close;
};

subtest 'a renewal that the server refuses is told, and does no harm' => sub {
    my $tab = client(connect => '1h', expiring => 'eyJ.not.good');

    $tab->wait_for(q(client.state === 'online'));
    is($tab->eval(<<~'JS'), 'unauthorized', 'the error');
        client.request('authenticate', { token: 'eyJ.not.good' })
            .catch((error) => error.code)
        JS
    ok($tab->eval(q(client.request('ping').then(() => true))), 'it goes on');
    $tab->close;
};

subtest 'who has to sign in again is not tried for ever' => sub {
    my $tab = client(connect => '4s', expiring => 'unauthorized',
                     refused => 'unauthorized');

    $tab->wait_for(q(client.state === 'closed'));
    is(noted($tab, 'asked'), 'connect expiring refused', 'why it is asked');
    is(noted($tab, 'states'),
       'connecting online waiting4401 connecting closed4401', 'the states');
    is($tab->eval(<<~'JS'), 'unauthorized', 'requests fail at once');
        client.call('ping').catch((error) => error.code)
        JS
    $tab->close;
};

subtest 'a failure that passes is waited for' => sub {
    my $tab = client(connect => 'unavailable');

    $tab->wait_for(q(window.asked.length > 1));
    $tab->eval("window.tokens.connect = '" . token('1h') . q('));
    $tab->wait_for(q(client.state === 'online'));
    pass('it comes online');
    $tab->close;
};

# the key is another one, so the server refuses the token that the page has

subtest 'the page asks to sign in again' => sub {
    my $ada = Page->new($browser, $chat, 'Ada');

    $ada->tab->eval(<<~'JS');
        window.fetch = async () => new Response('{}', { status: 401 })
        JS
    open my $out, '>', $key or die "$key: $!";
    print $out 'k' x 32;
    close $out;
    $chat->control('restart', 'chat:nginx');

    $ada->tab->shows('#signin-error', 'Please sign in again.');
    pass('it says so');
    is($ada->tab->eval(q(document.querySelector('#signin-name').value)), 'Ada',
       'the name is still there');

    $chat->control('restart', 'chat:signin');
    $ada->tab->eval(q(document.querySelector('#signin-name').focus()));
    $ada->tab->press_enter;
    $ada->online;
    pass('and who does is in again');

    is_deeply([grep { !/$refused/ } $ada->tab->errors], [], 'no other errors');
};

subtest 'all is well' => sub {
    is_deeply([$chat->alarms], [], 'no alerts in the logs');
    $browser->stop;
    is($chat->stop, 0, 'ends when it is told to');
};

done_testing;
