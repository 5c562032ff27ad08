# Who types, as the others see it: by name, until it is over in whatever way.

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
my ($ada, $grace, $linus) = map { Page->new($browser, $chat, $_) }
    'Ada Lovelace', 'Grace Hopper', 'Linus';


# waits until the page tells that, and says so

sub tells ($page, $text, $name) {
    my $quoted = Tab::_quote($text);

    ok(eval { $page->tab->wait_for("document.querySelector('#typing-text')"
                                   . ".textContent === $quoted") }, $name)
        or diag $@;

    return;
}


# as if all of the text were taken away with the keys

sub empty ($page) {
    $page->rests;
    $page->tab->eval(<<~'JS');
        document.querySelector('#text').value = '';
        document.querySelector('#text').dispatchEvent(new Event('input'))
        JS

    return;
}


subtest 'three in a group' => sub {
    $ada->create('group', 'Sailing', 'Grace', 'Linus');
    $_->open('Sailing') for $grace, $linus;
    $ada->types('Who comes');
    tells($_, 'Ada Lovelace is typing…', "to $_->{name}") for $grace, $linus;
    $grace->tab->shows('.room-last', 'Ada Lovelace is typing…');
    $grace->types('W');
    tells($linus, 'Ada Lovelace and Grace Hopper are typing…', 'both');
    tells($ada, 'Grace Hopper is typing…', 'not oneself');
};

subtest 'what ends it' => sub {
    empty($grace);
    tells($ada, '', 'an empty field');
    $ada->rests;
    $ada->say(' along?');
    $_->hears('Who comes along?') for $grace, $linus;
    tells($_, '', "a message: $_->{name}") for $grace, $linus;

    $grace->types('I');
    tells($linus, 'Grace Hopper is typing…', 'it begins again');
    $grace->rests;
    $grace->open('Lobby');
    tells($linus, '', 'another conversation');

    $grace->open('Sailing');
    $grace->types(' do');
    tells($linus, 'Grace Hopper is typing…', 'and again');
    $grace->rests;
    $grace->tab->eval(q(document.querySelector('#text').blur()));
    tells($linus, '', 'a click elsewhere');

    $grace->types(', too');
    tells($linus, 'Grace Hopper is typing…', 'once more');
    $grace->tab->reload;
    tells($linus, '', 'the end of the connection');
    $grace->online;
};

subtest 'another wording is nobody\'s affair' => sub {
    $linus->tab->eval(<<~'JS');
        window.told = [];
        new MutationObserver(() => window.told.push(
            document.querySelector('#typing-text').textContent))
            .observe(document.querySelector('#typing-text'),
                     { childList: true, characterData: true });
        0
        JS
    $ada->act('Who comes along?', 'Edit');
    $ada->tab->type('#text', ' Well?');
    $ada->tab->press('Escape');
    empty($ada);
    $ada->tab->type('#text', 'x');
    $linus->tab->wait_for(q(told.length > 0));
    empty($ada);
    $linus->tab->wait_for(q(told.length > 1));
    is_deeply($linus->tab->eval('told'), ['Ada Lovelace is typing…', ''],
              'only what comes after it is told');
};

subtest 'in a direct conversation' => sub {
    $ada->create('dm', undef, 'Linus');
    $ada->tab->shows('#room-name', 'Linus');
    $linus->badge('Ada Lovelace', '');
    $ada->types('psst');
    $linus->tab->shows('.room-last', 'is typing…');
    empty($ada);
    $linus->tab->hides('.room-last', 'is typing…');
    pass('the list tells');
};

subtest 'all is well' => sub {
    is_deeply([map { $_->errors } $ada, $grace, $linus], [],
              'nothing in the console');
    is_deeply([$chat->alarms], [], 'no alerts in the logs');
    $browser->stop;
    is($chat->stop, 0, 'ends when it is told to');
};

done_testing;
