# What can be done with messages on the page, each thing seen by another user,
# and the same after a reload.

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


# both see this in the end

sub both_show ($name, @lines) {
    my $wanted = join "\n", @lines;

    for my $page ($ada, $grace) {
        my $seen = '';

        eval {
            ChatTest::Wait::wait_until {
                $seen = join "\n", @{ $page->shown };
                $seen eq $wanted;
            } 15;
        };
        is($seen, $wanted, "$name: $page->{name}");
    }

    return;
}


subtest 'a group of two' => sub {
    $ada->create('group', 'Sailing', 'Grace');
    $grace->look_back;
    $grace->badge('Sailing', '');
    $grace->open('Sailing');
    $ada->say('Who comes along?');
    $grace->say('I do');
    both_show('asked and answered', 'Who comes along?', 'I do');
    $ada->say('Fine weather, they say');
    both_show('said', 'Who comes along?', 'I do', 'Fine weather, they say');
};

subtest 'another wording' => sub {
    $ada->act('Who comes along?', 'Edit');
    is($ada->tab->eval(q(document.querySelector('#text').value)),
       'Who comes along?', 'the field has the text');
    $ada->tab->eval(q(document.querySelector('#text').select()));
    $ada->say('Who sails along?');
    both_show('edited', 'Who sails along? | (edited)', 'I do',
              'Fine weather, they say');

    $grace->tab->type('#text', '');
    $grace->tab->press('ArrowUp');
    $grace->say(', of course');
    both_show('with the arrow key', 'Who sails along? | (edited)',
              'I do, of course | (edited)', 'Fine weather, they say');

    $grace->tab->press('ArrowUp');
    $grace->tab->press('Escape');
    is($grace->tab->eval(q(document.querySelector('#text').value)), '',
       'Escape ends it');
};

subtest 'an answer, and where it leads' => sub {
    $grace->act('Who sails along?', 'Reply');
    $grace->tab->shows('#context-title', 'Reply to Ada Lovelace');
    $grace->say('The three of us');
    both_show('answered', 'Who sails along? | (edited)',
              'I do, of course | (edited)', 'Fine weather, they say',
              '> Who sails along? | The three of us');
    is_deeply([$ada->tab->texts('.quote:not([hidden]) .quote-who')], ['You'],
              'whom it answers');

    $ada->tab->click('.quote');
    $ada->tab->wait_for(q(document.querySelector('.flash .text')?.textContent
                          === 'Who sails along?'));
    pass('the quote leads to the message');
};

subtest 'a name is completed, and stands out' => sub {
    $ada->tab->type('#text', 'Well, @gr');
    $ada->tab->wait_for(q(!document.querySelector('#mentions').hidden));
    $ada->tab->press_enter;
    $ada->say('and @nobody');
    $_->hears('Well, @Grace Hopper and @nobody') for $ada, $grace;
    is_deeply([$grace->tab->texts('.mention.self')], ['@Grace Hopper'],
              'the one who is meant sees it most');
    is_deeply([$ada->tab->texts('.mention')], ['@Grace Hopper'],
              'the others see it too');
};

subtest 'a link with a name' => sub {
    $grace->tab->click('#attach-open');
    $grace->tab->type('#attach-url', 'javascript:alert(1)');
    $grace->tab->click('#attach button', 'Attach');
    $grace->tab->wait_for(q(/https/.test(document.querySelector(
        '#attach-error').textContent)));
    $grace->tab->eval(q(document.querySelector('#attach-url').value = ''));
    $grace->tab->type('#attach-url', 'https://example.com/map.pdf');
    $grace->tab->type('#attach-name', 'The map');
    $grace->tab->press_enter;
    $grace->tab->hides('#attach');
    $grace->say('Look');
    $ada->hears('Look');
    is($ada->tab->eval(q(document.querySelector('a.attachment').href)),
       'https://example.com/map.pdf', 'can be followed');
    is_deeply([$ada->tab->texts('.card-text b')], ['The map'], 'its name');
};

# a click hits what stands still: both have it before the next one

sub both_chips (@chips) {
    for my $page ($ada, $grace) {
        $page->tab->wait_for('[...document.querySelectorAll(".chip")]'
            . '.map((chip) => chip.textContent).join() === '
            . Tab::_quote(join ',', @chips));
    }

    return;
}


subtest 'reactions' => sub {
    $grace->react('Who sails along?', '👍');
    both_chips('👍1');
    $ada->tab->click('.chip');
    both_chips('👍2');
    is($grace->tab->eval(q(document.querySelector('.chip').title)),
       '👍 You, Ada Lovelace', 'who');
    is($ada->tab->eval(q(document.querySelector('.chip')
        .getAttribute('aria-pressed'))), 'true', 'the own one');
    $ada->react('Who sails along?', '🎉');
    both_chips('👍2', '🎉1');
    $ada->tab->click('.chip', '👍2');
    both_chips('👍1', '🎉1');
};

subtest 'what is deleted is gone' => sub {
    $grace->act('Fine weather, they say', 'Reply');
    $ada->act('Fine weather, they say', 'Delete');
    $ada->tab->click('#confirm button', 'Delete');
    both_show('deleted', 'Who sails along? | 👍1 🎉1 | (edited)',
              'I do, of course | (edited)', 'gone',
              '> Who sails along? | The three of us',
              'Well, @Grace Hopper and @nobody',
              'Look | The mapexample.com');
    is_deeply([$grace->tab->texts('.gone span')],
              ['Ada Lovelace deleted a message'], 'by whom');

    $grace->say('Do they?');
    $grace->tab->shows('.failure span',
                       'Not sent. The message that it answers is gone.');
    $grace->tab->click('.discard');
    $grace->tab->hides('.failure');

    $grace->act('I do, of course', 'Delete');
    $grace->tab->click('#confirm button', 'Cancel');
    is(scalar(grep { $_ eq 'gone' } @{ $grace->shown }), 1,
       'who is not sure deletes nothing');
};

subtest 'after a reload all is as it was' => sub {
    my $before = $ada->shown;

    for my $page ($ada, $grace) {
        $page->reload;
        $page->hears('Look');
        is_deeply($page->shown, $before, $page->{name});
    }
};

subtest 'all is well' => sub {
    is_deeply([map { $_->errors } $ada, $grace], [], 'nothing in the console');
    is_deeply([$chat->alarms], [], 'no alerts in the logs');
    $browser->stop;
    is($chat->stop, 0, 'ends when it is told to');
};

done_testing;
