# What the JavaScript client asks of presence and typing, and when: against a
# server inside the page, which notes that.

use v5.36;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";

use Test::More;

use Alone;

my $alone = Alone->start;
my $tab = $alone->tab;


# a client in a new page, once it is online; $before: what is done before it
# connects

sub client ($before = '') {
    $alone->client;
    $tab->eval(<<~"JS");
        (() => {
            window.room = client.conversation('room');
            $before
            client.connect();
        })()
        JS
    $tab->wait_for(q(client.state === 'online' && room.live
                     && fake.asked('presence.subscribe').length > 0));

    return;
}


# waits until the expression is so, and says so

sub so ($expression, $name) {
    ok(eval { $tab->wait_for($expression) }, $name) or diag $@;

    return;
}


sub settled ($code) {
    return $alone->settled($code);
}


sub asked ($type) {
    return $alone->asked($type);
}


subtest 'others are asked about, by the hundred' => sub {
    client(<<~'JS');
        const users = Array.from({ length: 450 }, (_, n) => `u${n}`);

        fake.states.u449 = { status: 'busy', text: 'Reading' };
        client.presence.subscribe(users);
        client.presence.subscribe(['u0', 'u1']);
        JS
    so(q(client.presence.stateOf('u449')?.text === 'Reading'), 'the last one');
    is_deeply([map { scalar @{ $_->{userIds} } }
               @{ asked('presence.subscribe') }], [200, 200, 51],
              'and oneself, nobody twice');

    settled(q(fake.tell('presence.changed', { userId: 'u7', status: 'away',
                                              lastSeen: null })));
    so(q(client.presence.stateOf('u7').status === 'away'), 'a change');

    $tab->eval(q(client.presence.unsubscribe(['u449'])));
    so(q(fake.asked('presence.unsubscribe')[0]?.userIds.join() === 'u449'),
       'who is not wanted is given up');
    settled(q(fake.tell('presence.changed', { userId: 'u449', status: 'away',
                                              lastSeen: null })));
    is($tab->eval(q(client.presence.stateOf('u449'))), undef, 'and forgotten');

    $tab->eval(q(fake.requests = []; fake.cut()));
    so(q(fake.asked('presence.subscribe').length === 3), 'again after a loss');
    is_deeply([map { scalar @{ $_->{userIds} } }
               @{ asked('presence.subscribe') }], [200, 200, 50], 'all of them');
    is($tab->eval(q(client.presence.stateOf('u7').status)), 'offline',
       'what is told then counts');
};

subtest 'who is asked about once more' => sub {
    client(q(client.presence.subscribe(['ada', 'bob']);));
    so(q(client.presence.stateOf('bob')?.status === 'offline'), 'is told');
    $tab->eval(q(fake.states.bob = { status: 'online' };
                 client.presence.subscribe(['bob'])));
    so(q(client.presence.stateOf('bob').status === 'online'), 'again');
    is_deeply(asked('presence.subscribe')->[1]{userIds}, ['bob'], 'alone');
};

subtest 'a server that cannot, or does not know presence' => sub {
    client(<<~'JS');
        let n = 0;
        const answer = fake.answers['presence.subscribe'];

        fake.answers['presence.subscribe'] = (data) => ++n < 3
            ? { error: { code: 'unavailable', message: 'later',
                         retryAfter: 0 } } : answer(data);
        client.presence.subscribe(['ada']);
        JS
    so(q(client.presence.stateOf('ada') !== undefined), 'is asked again');

    client(<<~'JS');
        const answer = fake.answers['presence.subscribe'];

        fake.answers['presence.subscribe'] = (data) => data.userIds.length > 1
            ? { error: { code: 'too_large', message: 'too many' } }
            : answer(data);
        client.presence.subscribe(['ada', 'bob']);
        JS
    so(q(fake.asked('presence.subscribe').length === 1), 'who is too many');
    settled(q(client.presence.subscribe(['eve'])));
    so(q(client.presence.stateOf('eve') !== undefined), 'hinders nobody else');

    client(<<~'JS');
        fake.answers['presence.subscribe'] = () => ({
            error: { code: 'unsupported', message: 'no' }
        });
        JS
    so(q(!client.presence.supported), 'is left alone');
    settled(q(client.presence.subscribe(['ada'])));
    is(@{ asked('presence.subscribe') }, 1, 'for good');
    settled(q(room.markDelivered(1)));
    is(@{ asked('delivered.mark') }, 1, 'all else goes on');
};

subtest 'deliveries are not told while one is invisible, or may be' => sub {
    client(<<~'JS');
        const answer = fake.answers['presence.subscribe'];

        fake.answers['presence.subscribe'] = async (data) => {
            await new Promise((resolve) => { window.letIn = resolve; });
            return answer(data);
        };
        JS
    settled(q(room.markDelivered(1)));
    is(@{ asked('delivered.mark') }, 0, 'not before the choice is known');
    $tab->eval(q(fake.states.me = { status: 'invisible' }; letIn()));
    so(q(client.presence.own?.status === 'invisible'), 'it is to be invisible');
    settled(q(room.markRead(1)));
    is(@{ asked('delivered.mark') }, 0, 'not then');
    is(@{ asked('read.mark') }, 1, 'what the user does himself is');

    settled(q(fake.tell('presence.changed', { userId: 'me', status: 'online',
                                              lastSeen: null })));
    so(q(fake.asked('delivered.mark').length === 1), 'chosen elsewhere: now');

    client();
    settled(<<~'JS');
        fake.answers['presence.set'] = () => new Promise(() => {});
        client.presence.set('invisible', '');
        room.markDelivered(1)
        JS
    is(@{ asked('delivered.mark') }, 0, 'not while that is being asked for');
};

subtest 'after a loss it may be another choice' => sub {
    client();
    $tab->eval(<<~'JS');
        fake.answers['presence.subscribe'] = () => new Promise(
            (resolve) => { window.answer = resolve; });
        fake.cut()
        JS
    so(q(room.live && window.answer), 'connected again');
    settled(q(room.markDelivered(1)));
    is(@{ asked('delivered.mark') }, 0, 'nothing is told before it is known');
    $tab->eval(q(answer({ error: { code: 'unavailable', message: 'later',
                                   retryAfter: 60 } })));
    so(q(fake.asked('delivered.mark').length === 1),
       'what was chosen stands where the server cannot tell');
};

subtest 'the own choice' => sub {
    client();
    $tab->eval(q(client.presence.set('busy', 'In a meeting')));
    is_deeply(asked('presence.set'),
              [{ status => 'busy', text => 'In a meeting' }], 'is sent');
    is_deeply($tab->eval(q(client.presence.own)),
              { status => 'busy', text => 'In a meeting' }, 'and known');
    is($tab->eval(<<~'JS'), 'bad_request', 'what fails is told');
        fake.answers['presence.set'] = () => ({
            error: { code: 'bad_request', message: 'no' }
        });
        client.presence.set('sleepy').catch((error) => error.code)
        JS
    is($tab->eval(q(client.presence.own.status)), 'busy', 'and changes nothing');
};

subtest 'the members of a conversation' => sub {
    client(<<~'JS');
        let n = 0;

        fake.answers['presence.get'] = ({ conversationId }) => ++n === 1
            ? { error: { code: 'unavailable', message: 'later',
                         retryAfter: 0 } }
            : { conversationId, size: 3, online: 2, members: [
                { userId: 'me', status: 'offline', lastSeen: null },
                { userId: 'ada', status: 'online', lastSeen: null },
                { userId: 'eve', status: 'busy', lastSeen: null }] };
        room.addEventListener('presence', (e) => { window.told = e.detail; });
        room.watchPresence();
        JS
    so(q(window.told?.online === 2), 'are asked for until they are told');
    is($tab->eval(q(client.presence.stateOf('eve').status)), 'busy', 'each');
    is($tab->eval(q(client.presence.own.status)), 'offline',
       'the choice is what presence.subscribe has said');
    settled(q(fake.tell('presence.changed', { userId: 'new', status: 'online',
                                              lastSeen: null })));
    is($tab->eval(q(client.presence.stateOf('new').status)), 'online',
       'and who comes later');

    $tab->eval(q(fake.requests = []; fake.cut()));
    so(q(fake.asked('presence.get').length === 1), 'again after a loss');
    is_deeply(asked('presence.get')->[0]{conversationId}, 'room', 'of it');

    $tab->eval(q(fake.states.ada = { status: 'online' };
                 client.presence.subscribe(['ada']); room.unwatchPresence()));
    so(q(fake.asked('presence.get')[1]?.subscribe === false), 'until the end');
    is_deeply($tab->eval(q(['ada', 'eve', 'new'].map(
        (id) => client.presence.stateOf(id)?.status ?? null))),
              ['online', undef, undef], 'who is not wanted is forgotten');

    $tab->eval(<<~'JS');
        fake.answers['presence.get'] = ({ conversationId }) => (
            { conversationId, size: 5000, online: 80, members: null });
        room.watchPresence();
        JS
    so(q(told.online === 80), 'of a large one a count');
    settled(q(fake.tell('presence.count', { conversationId: 'room',
                                            online: 90 })));
    is($tab->eval('told.online'), 90, 'and the next one');
};

subtest 'typing is told now and then' => sub {
    my $typing = sub ($ms) {
        settled("performance.now = () => $ms; room.typing()");
        return @{ asked('typing.start') };
    };

    client();
    is($typing->(100_000), 1, 'at once');
    is($typing->(102_999), 1, 'not each time');
    is($typing->(103_000), 2, 'after three seconds');
    settled(q(room.stopTyping(); room.stopTyping()));
    is(@{ asked('typing.stop') }, 1, 'given up, once');
    is($typing->(103_100), 3, 'begun again');
    settled(q(performance.now = () => 109200; room.stopTyping()));
    is(@{ asked('typing.stop') }, 1, 'what is over is not ended');

    $typing->(110_000);
    settled(q(room.send('Well'); room.stopTyping()));
    is(@{ asked('typing.stop') }, 1, 'nor what was sent');
    is($typing->(110_100), 5, 'the next one');

    settled(<<~'JS');
        fake.tell('presence.changed', { userId: 'me', status: 'invisible',
                                        lastSeen: null })
        JS
    is($typing->(120_000), 5, 'invisible: not at all');
};

subtest 'typing that is refused' => sub {
    client();
    settled(<<~'JS');
        fake.answers['typing.start'] = () => ({ error: {
            code: 'rate_limited', message: 'too fast', retryAfter: 9 } });
        performance.now = () => 100000;
        room.typing()
        JS
    settled(q(performance.now = () => 108000; room.typing()));
    is(@{ asked('typing.start') }, 1, 'waits as it is told');
    settled(q(performance.now = () => 109000; room.typing()));
    is(@{ asked('typing.start') }, 2, 'and not longer');

    client();
    settled(<<~'JS');
        fake.answers['typing.start'] = () => ({ error: {
            code: 'unsupported', message: 'no' } });
        room.typing()
        JS
    settled(q(performance.now = () => 1e9; room.typing()));
    is(@{ asked('typing.start') }, 1, 'a server that does not know it');
};

# what one sees of those who type, after each of these

subtest 'who types' => sub {
    client(<<~'JS');
        window.seen = [];
        window.begin = (userId, ms = 60000) => fake.tell('typing.started', {
            conversationId: 'room', userId, displayName: userId.toUpperCase(),
            expiresAt: new Date(client.now() + ms).toISOString()
        });
        room.addEventListener('typing', (e) => seen.push(
            e.detail.users.map((user) => user.displayName).join()));
        JS
    settled(<<~'JS');
        begin('ada'); begin('bob'); begin('ada'); begin('me'); begin('old', -1);
        fake.tell('typing.stopped', { conversationId: 'room', userId: 'ada' });
        fake.tell('typing.stopped', { conversationId: 'room', userId: 'ada' });
        fake.tell('message.created', { conversationId: 'room', id: 'm',
            senderId: 'bob', sequenceNumber: 1, revision: 2, content: 'x' });
        begin('eve');
        fake.tell('member.left', { conversationId: 'room', userId: 'eve',
                                   role: null, revision: 3 })
        JS
    is_deeply($tab->eval('seen'), ['ADA', 'ADA,BOB', 'BOB', '', 'EVE', ''],
              'until they stop, send or leave');

    $tab->eval(q(seen.length = 0; begin('ada', 50); begin('bob')));
    so(q(seen.at(-1) === 'BOB'), 'or until the time that was told is over');
    $tab->eval(q(fake.cut()));
    so(q(seen.at(-1) === ''), 'or the connection is lost');
};

subtest 'in words' => sub {
    is_deeply($tab->eval(<<~'JS'), [
        (async () => {
            const { typingText } = await import('./typing.js');

            return [0, 1, 2, 3, 4, 9].map((n) => typingText(
                ['Ada', 'Bob', 'Eve', 'Kim', 'Lea', 'Max', 'Noa', 'Pia', 'Zoe']
                    .slice(0, n)));
        })()
        JS
        '', 'Ada is typing…', 'Ada and Bob are typing…',
        'Ada, Bob and Eve are typing…', 'Ada, Bob and 2 others are typing…',
        'Ada, Bob and 7 others are typing…'], 'who types');

    is_deeply($tab->eval(<<~'JS'), [
        (async () => {
            const { lastSeenText } = await import('./text.js');
            const now = new Date(2026, 4, 20, 12, 0);
            const of = (...time) => lastSeenText(new Date(2026, ...time), now)
                .replace(/ at .*/, ' at');

            return [of(4, 20, 11, 59, 30), of(4, 20, 12, 1), of(4, 20, 11, 58),
                    of(4, 20, 9), of(4, 19, 13), of(4, 3, 9)];
        })()
        JS
        'Last seen just now', 'Last seen just now', 'Last seen 2 minutes ago',
        'Last seen today at', 'Last seen yesterday at', 'Last seen on May 3 at'],
        'when somebody was seen');
};

subtest 'all is well' => sub {
    is_deeply([$tab->errors], [], 'nothing in the console');
    is($alone->stop, 0, 'ends when it is told to');
};

done_testing;
