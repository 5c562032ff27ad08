# The page as one user has it: what that user does, in the words of the page,
# and what is to be seen then.

package Page;

use v5.36;

use Carp qw(croak);

use Tab;

use constant LONG => 40;        # seconds; connections are lost in between


# signed in, in a tab of its own; %screen: width, height and more of Tab

sub new ($class, $browser, $chat, $name, %screen) {
    my $self = bless { tab => $browser->tab, name => $name }, $class;
    my $tab = $self->{tab};

    $tab->screen(delete $screen{width} // 1200, delete $screen{height} // 800,
                 %screen);
    $tab->open($chat->url);
    $tab->type('#signin-name', $name);
    $tab->press_enter;
    $self->online;

    return $self;
}


sub tab ($self) {
    return $self->{tab};
}


# connected, and the list of conversations is there

sub online ($self) {
    $self->{tab}->wait_for(q(document.querySelector('#status').dataset.state
                             === 'online'), LONG);
    $self->{tab}->wait_for(q(document.querySelector('#rooms[aria-busy=false]')
                             !== null));

    return;
}


sub reload ($self) {
    $self->{tab}->reload;
    $self->online;

    return;
}


# -- conversations ------------------------------------------------------------

# what was seen elsewhere when one comes back to the window: the list is new

sub look_away ($self) {
    $self->{tab}->eval(q(document.hasFocus = () => false));
    $self->{tab}->eval(q(window.dispatchEvent(new Event('blur'))));

    return;
}


sub look_back ($self) {
    $self->{tab}->eval(q(delete document.hasFocus));
    $self->{tab}->eval(q(window.dispatchEvent(new Event('focus'))));

    return;
}


# dm, group or channel; @people by the beginnings of their names

sub create ($self, $kind, $name, @people) {
    my $tab = $self->{tab};

    $tab->click('#create-open');
    $tab->click("#create input[value=$kind]");
    $tab->type('#create-name', $name) if defined $name;

    for my $person (@people) {
        $tab->type('#create-people-input', $person);
        $tab->click('#create-people [role=option]');
    }

    $tab->click('#create button', 'Create');
    $tab->hides('#create');

    return;
}


# by its name in the list

sub open ($self, $title) {
    my $tab = $self->{tab};

    $tab->click('.room-label', $title);
    $tab->shows('#room-name', $title);
    $tab->wait_for(q(!document.querySelector('#skeleton').checkVisibility()));

    return;
}


# what the list says of a conversation: {last, badge}, or nothing

sub listed ($self, $title) {
    my $quoted = Tab::_quote($title);

    return $self->{tab}->eval(<<~"JS");
        (() => {
            const text = (item, name) => item.querySelector(name).textContent;
            const item = [...document.querySelectorAll('#rooms li')]
                .find((item) => text(item, '.room-label') === $quoted);

            return item && { last: text(item, '.room-last'),
                             badge: item.querySelector('.badge').hidden
                                    ? '' : text(item, '.badge') };
        })()
        JS
}


# waits until the list shows that badge for a conversation, '' for none

sub badge ($self, $title, $badge) {
    my $quoted = Tab::_quote($title);

    $self->{tab}->wait_for(<<~"JS");
        [...document.querySelectorAll('#rooms li')].some((item) => {
            const badge = item.querySelector('.badge');

            return item.querySelector('.room-label').textContent === $quoted
                   && (badge.hidden ? '' : badge.textContent) === '$badge';
        })
        JS

    return;
}


# -- messages -----------------------------------------------------------------

sub say ($self, $text) {
    $self->{tab}->type('#text', $text);
    $self->{tab}->press_enter;

    return;
}


# goes on typing, after that, until `rests`: it would be over after some seconds

sub types ($self, $text) {
    $self->{tab}->type('#text', $text);
    $self->{tab}->eval(<<~'JS');
        clearInterval(window.keys);
        window.keys = setInterval(() => document.querySelector('#text')
            .dispatchEvent(new Event('input')), 500);
        0
        JS

    return;
}


sub rests ($self) {
    $self->{tab}->eval(q(clearInterval(window.keys)));

    return;
}


# waits until that is the last message, and nothing is on its way

sub hears ($self, $text) {
    my $quoted = Tab::_quote($text);

    $self->{tab}->wait_for(<<~"JS", LONG);
        !document.querySelector('.message:not(.sent), .message.saving')
        && [...document.querySelectorAll('.message .text')]
               .at(-1)?.textContent === $quoted
        JS

    return;
}


# all messages and tombstones, with their quotes, cards and reactions

sub shown ($self) {
    my $lines = $self->{tab}->eval(<<~'JS');
        [...document.querySelectorAll('.message, .gone')].map((row) => {
            const text = (name) => row.querySelector(name)?.textContent ?? '';
            const texts = (name) => [...row.querySelectorAll(name)]
                .map((part) => part.textContent).join(' ');

            if (row.matches('.gone')) {
                return 'gone';
            }

            return [text('.quote:not([hidden]) .quote-text') && '> '
                    + text('.quote-text'), text('.text'), texts('.card-text'),
                    texts('.chip'), text('time').startsWith('edited')
                    ? '(edited)' : ''].filter(Boolean).join(' | ');
        })
        JS

    return $lines;
}


# opens what a tool beside the message with that text opens.  What comes from
# others may move the messages under the pointer: then once more

sub tool ($self, $text, $tool) {
    my $tab = $self->{tab};
    my $quoted = Tab::_quote($text);

    for (1 .. 10) {
        $tab->hover('.message .text', $text);
        eval { $tab->click(".message:hover $tool", undef, 1) } or next;

        return if $tab->eval(<<~"JS");
            document.querySelector('.message:has(.tools) .text').textContent
                === $quoted
            && document.querySelector('#menu').matches(':popover-open')
            JS

        $tab->press('Escape');
    }

    croak "no menu for the message \"$text\"";
}


# chooses from the menu of the message with that text

sub act ($self, $text, $item) {
    $self->tool($text, '.tool-more');
    $self->{tab}->click('#menu button', $item);

    return;
}


# an emoji of those that are offered

sub react ($self, $text, $emoji) {
    my $quoted = Tab::_quote($text);

    $self->tool($text, '.tool-react');
    $self->{tab}->click('#menu button', $emoji);
    $self->{tab}->wait_for(<<~"JS");
        [...document.querySelectorAll('.message')].some((message) =>
            message.querySelector('.text').textContent === $quoted
            && message.querySelector(
                   '.chip[data-emoji="$emoji"][aria-pressed="true"]'))
        JS

    return;
}


# -- members ------------------------------------------------------------------

sub panel ($self) {
    my $tab = $self->{tab};

    if ($tab->eval(q(document.querySelector('#panel').hidden))) {
        $tab->click('#panel-open');
    }

    return;
}


# what may be done with a member; chooses one of it, if told which

sub member ($self, $name, $item = undef) {
    my $tab = $self->{tab};
    my $selector = '#members li, #blocked li';
    my $more = "button[aria-label='Actions for $name']";

    $self->panel;
    $tab->shows('.person-name', $name);

    return if !$tab->eval("!!document.querySelector(\"$more\")
        ?.checkVisibility()");

    $tab->click($more);

    my @items = $tab->texts('#menu > button');

    if (defined $item) {
        $tab->click('#menu button', $item);
    } else {
        $tab->press('Escape');
    }

    return @items;
}


# their names and roles, in order

sub members ($self) {
    $self->panel;

    return $self->{tab}->eval(<<~'JS');
        [...document.querySelectorAll('#members li')].map((item) =>
            [item.querySelector('.person-name').textContent,
             item.querySelector('.role:not([hidden])')?.textContent ?? '']
                .filter(Boolean).join(' '))
        JS
}


# -- who is there -------------------------------------------------------------

# chooses what one is seen as

sub status ($self, $status, $text = '') {
    my $tab = $self->{tab};

    $tab->click('#me-open');
    $tab->click("#me label:has([value=$status])");
    $tab->eval(q(document.querySelector('#me-text').value = ''));
    $tab->type('#me-text', $text);
    $tab->click('#me button', 'Save');
    $tab->hides('#me');

    return;
}


# waits until that person has that sign in the list of conversations, or among
# the members: online, away, busy, or offline for none

sub sees ($self, $name, $status) {
    my $quoted = Tab::_quote($name);

    $self->{tab}->wait_for(<<~"JS");
        [...document.querySelectorAll('#rooms li, #members li')].some((item) =>
            item.querySelector('.room-label, .person-name').textContent
                === $quoted
            && item.querySelector('.avatar').dataset.presence === '$status')
        JS

    return;
}


# -- the rest -----------------------------------------------------------------

# dies unless the page says so, in passing

sub toast ($self, $pattern) {
    $self->{tab}->wait_for("/$pattern/.test(document.querySelector('#toast')
        .textContent)");

    return;
}


# what was logged in the console, but for what Chromium prints by itself while
# nobody listens

sub errors ($self) {
    return grep { !/\AWebSocket connection to \S+ failed: /
                  && !/net::ERR_/ } $self->{tab}->errors;
}

1;
