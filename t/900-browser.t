# The page as its users have it: two tabs of a real browser, on all of what
# "make run" starts.

use v5.36;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";

use Test::More;

use Browser;
use Instance;

my $chat = Instance->new->start;
my $browser = Browser->start($chat->{base});
my ($ada, $grace) = map { $browser->tab } 1 .. 2;

# what Chromium itself prints while nobody listens
my $refused = qr/\AWebSocket connection to \S+ failed: /;


sub sign_in ($tab, $name) {
    $tab->open($chat->url);
    $tab->type('#signin-name', $name);
    $tab->press_enter;
    is_online($tab);

    return;
}


sub is_online ($tab) {
    $tab->wait_for(q(document.querySelector('#status').dataset.state
                     === 'online'), 40);

    return;
}


sub say_to ($tab, $text) {
    $tab->type('#text', $text);
    $tab->press_enter;

    return;
}


# waits until that is the last message, and nothing is on its way

sub hears ($tab, $text) {
    my $quoted = Tab::_quote($text);

    $tab->wait_for(<<~"JS", 40);
        !document.querySelector('.message:not(.sent)')
        && [...document.querySelectorAll('.message .text')]
               .at(-1)?.textContent === $quoted
        JS

    return;
}


sub shown ($tab) {
    return [$tab->texts('.message .text')];
}


subtest 'the browser agrees on compression' => sub {
    $ada->open($chat->url);
    is($ada->eval(<<~'JS'), 'permessage-deflate', 'and understands it');
        (async () => {
            const answer = await fetch('signin', {
                method: 'POST', body: '{"name": "Ada"}',
            });
            const { token } = await answer.json();
            const url = new URL('chat', location.href.replace('http', 'ws'));
            const socket = new WebSocket(url, ['chat.v1', `bearer.${token}`]);

            await new Promise((resolve, reject) => {
                socket.onmessage = resolve;     // it is compressed
                socket.onclose = (e) => reject(new Error(e.code));
            });

            const extensions = socket.extensions.split(';')[0];
            socket.onclose = null;
            socket.close();
            return extensions;
        })()
        JS
};

subtest 'two people talk' => sub {
    sign_in($ada, 'Ada Lovelace');
    sign_in($grace, '葛丽丝');

    say_to($ada, 'Good morning, https://example.com/a?b=c. <b>All</b> well?');
    hears($grace, 'Good morning, https://example.com/a?b=c. <b>All</b> well?');
    say_to($grace, "Yes, 谢谢");
    hears($ada, "Yes, 谢谢");

    is_deeply(shown($ada), shown($grace), 'both see the same');
    is_deeply([$ada->texts('.message .who:not(.hidden)')], ['葛丽丝'],
              'who says what');
    is($grace->eval(q(document.querySelector('.bubble a').href)),
       'https://example.com/a?b=c', 'an address can be followed');
    is($grace->eval(q(document.querySelector('.text b'))), undef,
       'a text is no HTML');
};

subtest 'a reload shows what was said, and older messages by scrolling' => sub {
    say_to($ada, "number $_") for 1 .. 70;
    hears($grace, 'number 70');
    $grace->reload;
    hears($grace, 'number 70');
    is($grace->eval(q(document.querySelector('#me-name').textContent)),
       '葛丽丝', 'still signed in');

    $grace->eval(q(document.querySelector('#log').scrollTop = 0));
    $grace->wait_for(q(document.querySelectorAll('.message').length === 72));
    is_deeply([@{ shown($grace) }[2 .. 71]], [map { "number $_" } 1 .. 70],
              'all of them, in order');
};

subtest 'a conversation of their own' => sub {
    $ada->click('#create-open');
    $ada->click('#create input[value=channel]');
    $ada->type('#create-name', 'Weekend plans');
    $ada->click('#create button', 'Create');
    $ada->wait_for(q(document.querySelector('#empty').checkVisibility()));

    my $link = $ada->eval('location.href');
    like($link, qr{#[0-9a-f-]{36}/Weekend%20plans$}, 'has a link');

    $grace->eval('location.href = ' . Tab::_quote($link));
    $grace->wait_for(q(document.querySelector('#empty').checkVisibility()));
    say_to($grace, 'Sailing?');
    hears($ada, 'Sailing?');

    $grace->eval(q(location.hash = '#lobby'));
    hears($grace, 'number 70');
    say_to($ada, 'Gladly');
    $grace->wait_for(q(document.title.startsWith('(1) ')));
    pass('what is unread is counted');

    $ada->eval(q(location.hash = '#lobby'));
    hears($ada, 'number 70');
};

subtest 'connections are lost without a word, and come back' => sub {
    kill 'KILL', $chat->workers;
    say_to($ada, 'to dead workers');
    hears($_, 'to dead workers') for $ada, $grace;
    is_online($_) for $ada, $grace;

    my @errors = map { $_->errors } $ada, $grace;
    is_deeply([grep { !/$refused/ } @errors], [], 'no other errors');
};

subtest 'what is written without a connection is sent later' => sub {
    $chat->control(qw(stop chat:nginx));
    $ada->wait_for(q(document.querySelector('#banner').checkVisibility()));
    say_to($ada, 'written offline');
    $ada->wait_for(q(document.querySelector('.message.sending')));
    $chat->control(qw(start chat:nginx));
    hears($_, 'written offline') for $ada, $grace;
    is_online($_) for $ada, $grace;

    my @errors = map { $_->errors } $ada, $grace;
    is_deeply([grep { !/$refused/ } @errors], [], 'no other errors');
};

subtest 'Redis, chat-persist and PostgreSQL are killed' => sub {
    for my $part (qw(redis chat:persist postgres)) {
        kill 'KILL', $chat->pid_of($part);
        say_to($grace, "without $part");
        hears($_, "without $part") for $ada, $grace;
    }

    is_deeply(shown($ada), shown($grace), 'both see the same');
    my @last = @{ shown($ada) }[-6 .. -1];
    is_deeply(\@last, ['number 70', 'to dead workers', 'written offline',
                       map { "without $_" } qw(redis chat:persist postgres)],
              'each once, in order');
};

subtest 'a conversation that does not exist' => sub {
    $grace->eval(q(location.hash = '#nowhere'));
    $grace->wait_for(q(document.querySelector('#missing').checkVisibility()));
    like(($grace->texts('#missing-title'))[0], qr/does not exist/, 'says so');
};

subtest 'all is well' => sub {
    is_deeply([map { $_->errors } $ada, $grace], [], 'no errors in the console');
    is_deeply([$chat->alarms], [], 'no alerts in the logs');
    $browser->stop;
    is($chat->stop, 0, 'ends when it is told to');
};

done_testing;
