# Chromium over wss, while the page beside it comes over HTTP/2 from the same
# port, with TLS 1.3.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";

use JSON::PP ();

use ChatTest;
use ChatTest::Tls;

use Browser;

my $tls = ChatTest::Tls->new;
my $chat = ChatTest->new(http => $tls->server(<<'END', 'http2'));
    ssl_session_cache shared:TLS:1m;

    location = /page {
        default_type text/html;
        return 200 '<!doctype html><title>page</title>';
    }
END

$tls->certify($chat);
$chat->start;
$chat->create('lobby');

my $browser = Browser->start($chat->directory);
my $tab = $browser->tab;
my $site = 'localhost:' . $tls->port;

$tab->call('Security.enable');
$tab->call('Security.setIgnoreCertificateErrors',
           { ignore => JSON::PP::true });

subtest 'the page has HTTP/2' => sub {
    $tab->open("https://$site/page");
    is($tab->eval(q(performance.getEntriesByType('navigation')[0]
                    .nextHopProtocol)), 'h2', 'says the browser');
};

for my $round (1 .. 2) {
    subtest "its WebSocket works, round $round" => sub {
        my $bob = $chat->connect(user => 'bob');
        my $token = $chat->token('alice');

        $bob->join('lobby');
        $tab->eval(<<~"END");
            window.heard = [];
            window.socket = new WebSocket('wss://$site/chat',
                                          ['chat.v1', 'bearer.$token']);
            socket.onmessage = (event) => heard.push(JSON.parse(event.data));
            socket.onclose = (event) => { window.closeCode = event.code; };
            window.ask = (type, data) =>
                socket.send(JSON.stringify({ type, id: 1, data }));
            0;
            END
        $tab->wait_for(q(heard.some((e) => e.type === 'authenticated')));
        $tab->eval(q(ask('conversation.join', { conversationId: 'lobby' })));
        $tab->wait_for(q(heard.some((e) => e.type === 'reply' && e.ok)));

        # in several records both ways
        $tab->eval(q(ask('message.send', { conversationId: 'lobby',
                                           content: 'x'.repeat(50000) })));
        is(length $bob->hear('lobby')->{content}, 50_000, 'what it says');

        $bob->say('lobby', 'y' x 40_000);
        $tab->wait_for(q(heard.some((e) => e.type === 'message.created'
                         && e.data.content === 'y'.repeat(40000))));
        ok(1, 'what it hears');

        $tab->eval('socket.close(1000)');
        $tab->wait_for('window.closeCode === 1000');
        ok(1, 'it closes in order');
        $tab->eval('window.closeCode = undefined');
    };
}

$browser->stop;
done_testing;
