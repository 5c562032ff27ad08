# One tab of the browser: what a user does in it, and what it shows.

package Tab;

use v5.36;

use Carp qw(croak);
use JSON::PP ();
use MIME::Base64 qw(decode_base64);

use ChatTest::Wait qw(wait_until PATIENCE);


my $json = JSON::PP->new->allow_nonref;


sub new ($class, $browser, $session, $target) {
    my $self = bless { browser => $browser, session => $session,
                       target => $target, errors => [] }, $class;

    $self->call("$_.enable") for qw(Page Runtime Log Network);
    $self->call('Emulation.setFocusEmulationEnabled',
                { enabled => JSON::PP::true });

    return $self;
}


sub call ($self, $method, $params = {}) {
    return $self->{browser}->call($method, $params, $self->{session});
}


# what a developer would see in red

sub on_event ($self, $method, $params) {
    my $text;

    if ($method eq 'Runtime.exceptionThrown') {
        my $details = $params->{exceptionDetails};
        $text = $details->{exception}{description} // $details->{text};

    } elsif ($method eq 'Runtime.consoleAPICalled'
             && $params->{type} =~ /^(?:error|warning|assert)$/)
    {
        $text = join ' ', map { $_->{value} // $_->{description} // '' }
                          @{ $params->{args} };

    } elsif ($method eq 'Log.entryAdded'
             && $params->{entry}{level} =~ /^(?:error|warning)$/)
    {
        $text = join ' ', grep { defined } @{ $params->{entry} }{qw(text url)};
    }

    push @{ $self->{errors} }, $text if defined $text;

    return;
}


# what was logged since the last call

sub errors ($self) {
    $self->eval('0');           # events before it have arrived with it

    return splice @{ $self->{errors} };
}


sub open ($self, $url) {
    $self->call('Page.navigate', { url => $url });
    $self->wait_for(q(document.readyState === 'complete'));

    return;
}


sub reload ($self) {
    $self->eval('window.isOld = true');
    $self->call('Page.reload');
    $self->wait_for(q(!window.isOld && document.readyState === 'complete'));

    return;
}


sub close ($self) {
    $self->{browser}->call('Target.closeTarget',
                           { targetId => $self->{target} });

    return;
}


# the value of an expression, promises awaited

sub eval ($self, $expression) {
    my $result = $self->call('Runtime.evaluate', {
        expression    => $expression,
        returnByValue => JSON::PP::true,
        awaitPromise  => JSON::PP::true,
    });

    if (my $details = $result->{exceptionDetails}) {
        croak "$expression: "
            . ($details->{exception}{description} // $details->{text});
    }

    return $result->{result}{value};
}


# an expression that becomes true; between two pages there is none to ask

sub wait_for ($self, $expression, $seconds = PATIENCE) {
    my $value;

    return $value
        if eval { wait_until { $value = eval { $self->eval($expression) } }
                  $seconds };

    croak "not so within $seconds s: $expression\nthe page shows: "
        . ($self->eval('document.body.innerText') // '');
}


sub _quote ($text) {
    return $json->encode($text);
}


# the first element to be seen that matches, and has this text if one is given

sub _find ($selector, $text = undef) {
    my $wanted = defined $text ? _quote($text) : 'null';

    return '[...document.querySelectorAll(' . _quote($selector) . ')].find('
        . "(e) => e.checkVisibility() && ($wanted === null"
        . " || e.textContent.trim() === $wanted))";
}


# where it is, once it is there, stands still, and nothing lies over it

sub _place ($self, $selector, $text, $seconds) {
    my $find = _find($selector, $text);

    return @{ $self->wait_for(<<~"JS", $seconds) };
        (async () => {
            const frame = () => new Promise(requestAnimationFrame);
            const middle = (element) => {
                const box = element?.getBoundingClientRect();

                return [box?.left + box?.width / 2, box?.top + box?.height / 2];
            };

            const element = $find;

            element?.scrollIntoView({ block: 'nearest' });

            const [x, y] = middle(element);

            await frame();
            await frame();

            const hit = element && document.elementFromPoint(x, y);
            const [left, top] = middle(element);

            return element?.contains(hit) && left === x && top === y
                ? [x, y] : null;
        })()
        JS
}


sub _mouse ($self, $type, $x, $y, %more) {
    $self->call('Input.dispatchMouseEvent',
                { type => $type, x => $x, y => $y, %more });

    return;
}


# with the mouse, in the middle of it

sub click ($self, $selector, $text = undef, $seconds = PATIENCE) {
    my @place = $self->_place($selector, $text, $seconds);
    my %button = (button => 'left', clickCount => 1);

    $self->_mouse('mouseMoved', @place);
    $self->_mouse('mousePressed', @place, %button);
    $self->_mouse('mouseReleased', @place, %button);

    return 1;
}


sub hover ($self, $selector, $text = undef) {
    $self->_mouse('mouseMoved', $self->_place($selector, $text, PATIENCE));

    return;
}


# as typed into what has the focus

sub type ($self, $selector, $text) {
    my $find = _find($selector);

    $self->wait_for("!!$find");
    $self->eval("$find.focus()");
    $self->call('Input.insertText', { text => $text });

    return;
}


my %codes = (Enter => 13, Escape => 27, Backspace => 8, Tab => 9, Home => 36,
             End => 35, ArrowUp => 38, ArrowDown => 40);


# shift => 1: with that key held

sub press ($self, $key, %o) {
    for my $type (qw(keyDown keyUp)) {
        $self->call('Input.dispatchKeyEvent', {
            type => $type, key => $key, code => $key,
            modifiers => $o{shift} ? 8 : 0,
            windowsVirtualKeyCode => $codes{$key},
            $type eq 'keyDown' && $key eq 'Enter' ? (text => "\r") : (),
        });
    }

    return;
}


sub press_enter ($self) {
    $self->press('Enter');

    return;
}


# waits for an element with this text

sub shows ($self, $selector, $text) {
    my $find = _find($selector, $text);

    $self->wait_for("!!$find");

    return;
}


# waits until no element that matches, and has the text, is to be seen

sub hides ($self, $selector, $text = undef) {
    my $find = _find($selector, $text);

    $self->wait_for("!$find");

    return;
}


# the texts of all elements that match

sub texts ($self, $selector) {
    my $quoted = _quote($selector);

    return @{ $self->eval("Array.from(document.querySelectorAll($quoted),"
                          . ' (e) => e.textContent)') };
}


# as on a screen of that size; scheme => light or dark, touch => 1

sub screen ($self, $width, $height, %o) {
    my $touch = $o{touch} ? JSON::PP::true : JSON::PP::false;

    $self->call('Emulation.setDeviceMetricsOverride', {
        width => $width, height => $height, mobile => $touch,
        deviceScaleFactor => $o{scale} // 1,
    });
    $self->call('Emulation.setTouchEmulationEnabled', { enabled => $touch });
    $self->call('Emulation.setEmulatedMedia', { features => [
        { name => 'prefers-color-scheme', value => $o{scheme} // 'light' },
        { name => 'prefers-reduced-motion', value => 'reduce' },
    ] });

    return;
}


sub screenshot ($self, $file) {
    $self->call('Page.bringToFront');

    my $shot = $self->call('Page.captureScreenshot', { format => 'png' });

    CORE::open my $out, '>:raw', $file or croak "cannot write $file: $!";
    print {$out} decode_base64($shot->{data});
    CORE::close $out;

    return;
}

1;
