# The connection of the JavaScript client, and what it does when nothing
# answers: against a server inside the page.

use v5.36;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";

use Test::More;

use Alone;

my $alone = Alone->start;
my $tab = $alone->tab;


# waits until the expression is so, and says so

sub so ($expression, $name) {
    ok(eval { $tab->wait_for($expression) }, $name) or diag $@;

    return;
}


# notes the states, and connects.  $before: what is done before that

sub connected ($before = '') {
    $tab->eval(<<~"JS");
        (() => {
            window.states = [];
            client.addEventListener('state', ({ detail }) =>
                states.push(detail.state));
            $before;
            client.connect();
        })()
        JS

    return;
}


# in a hundredth of the time
my $hasty = <<~'JS';
    const { setTimeout } = window;

    window.setTimeout = (f, ms) => setTimeout(f, ms / 100)
    JS


subtest 'a token that does not come is asked for again' => sub {
    $alone->client(<<~'JS');
        window.asked = (window.asked ?? 0) + 1;

        return asked === 1 ? new Promise((resolve) => { window.late = resolve; })
                           : 'none';
        JS
    connected($hasty);
    so(q(client.state === 'online'), 'it comes online');
    is_deeply([@{ $tab->eval('states') }[0 .. 2]],
              [qw(connecting waiting connecting)], 'after some time');

    $tab->eval(q(window.sockets = 0;
                 window.WebSocket = class extends WebSocket {
                     constructor(...more) { super(...more); sockets++; }
                 };
                 late('none')));
    $alone->settled('');
    is($tab->eval('sockets'), 0, 'the one that comes late is not used');
};

subtest 'a server that does not answer is tried again' => sub {
    $alone->client;
    connected(<<~"JS");
        const Answering = window.WebSocket;
        let n = 0;

        window.given = 0;
        window.WebSocket = class extends Answering {
            tell(frame) {
                if (this.n > 1) {
                    super.tell(frame);
                }
            }
            constructor(...more) { super(...more); this.n = ++n; }
            close() { given++; }
        };
        $hasty
        JS
    so(q(client.state === 'online'), 'it comes online');
    is_deeply([@{ $tab->eval('states') }[0 .. 2]],
              [qw(connecting waiting connecting)], 'with another connection');
    ok($tab->eval(q(given)), 'the first one was given up');
};

subtest 'who is told that it is lost may wake it at once' => sub {
    $alone->client;
    connected();
    so(q(client.state === 'online'), 'online');
    $tab->eval(<<~'JS');
        window.sockets = 0;
        window.WebSocket = class extends WebSocket {
            constructor(...more) { super(...more); sockets++; }
        };
        client.addEventListener('state', ({ detail }) => {
            if (detail.state === 'waiting') {
                client.wake();
            }
        });
        fake.cut()
        JS
    so(q(client.state === 'online'), 'and is there again');
    $tab->eval(q(new Promise((resolve) => setTimeout(resolve, 50))));
    is($tab->eval('sockets'), 1, 'by one connection, not two');
};

subtest 'connections that end at once come less and less often' => sub {
    $alone->client;
    connected(<<~"JS");
        const { setInterval } = window;

        window.setInterval = (f, ms) => setInterval(f, ms / 100);
        $hasty;
        Math.random = () => 0.5;
        window.delays = [];
        client.addEventListener('state', ({ detail }) => {
            if (detail.state === 'waiting') {
                delays.push(detail.delay);
            } else if (detail.state === 'online' && delays.length < 4) {
                queueMicrotask(fake.cut);
            }
        })
        JS
    so(q(client.state === 'online' && delays.length === 4), 'the last remains');
    is_deeply($tab->eval('delays'), [1, 500, 1000, 2000], 'each waits longer');

    $tab->eval(q(new Promise((resolve) => setInterval(resolve, 10000))));
    $tab->eval('fake.cut()');
    is($tab->eval('delays[4]'), 1, 'until one has lasted');
};

# what happened while nobody listened is not in what was loaded before

subtest 'a room that was left and is joined again has no gap' => sub {
    $alone->client;
    connected(<<~'JS');
        window.messages = (from, to) => Array.from({ length: to - from + 1 },
            (_, n) => ({ id: `m${from + n}`, conversationId: 'room',
                         senderId: 'ada', sequenceNumber: from + n,
                         revision: from + n, content: `line ${from + n}`,
                         timestamp: new Date().toISOString() }));
        window.end = 50;
        fake.answers['conversation.join'] = () => ({ conversationId: 'room',
            role: 'member', sequenceNumber: end, revision: end,
            lastReadSequence: 0, events: [], complete: true, reset: false });
        fake.answers['history.get'] = ({ limit }) => ({
            messages: messages(end - limit + 1, end), complete: false });
        fake.answers['member.list'] = () => ({ items: [], nextCursor: null });
        JS
    $tab->eval(<<~'JS');
        (async () => {
            const { Room } = await import('./room.js');

            window.room = new Room(client, 'room', { userId: 'me',
                                                     name: 'Me' });
            room.type = 'group';
            room.open();
        })()
        JS
    so(q(room.history.list.length === 50), 'it has the last page');
    $tab->eval(q(room.detach(); window.end = 150));
    is($tab->eval('room.last.sequenceNumber'), 50, 'the last is still known');
    $tab->eval(q(room.attach()));
    so(q(room.last.sequenceNumber === 150), 'the new end is loaded');
    is_deeply($tab->eval(q([room.messages[0], room.messages.at(-1)].map(
                  ({ sequenceNumber }) => sequenceNumber))),
              [101, 150], 'and nothing that is not joined to it');
};

subtest 'all is well' => sub {
    is_deeply([$tab->errors], [], 'nothing in the console');
    is($alone->stop, 0, 'ends when it is told to');
};

done_testing;
