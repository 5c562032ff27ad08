# One tab of the browser: what a user does in it, and what it shows.

package Tab;

use v5.36;

use Carp qw(croak);
use JSON::PP ();
use MIME::Base64 qw(decode_base64);

use ChatTest::Wait qw(wait_until);

use constant DEADLINE => 15;

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

sub wait_for ($self, $expression, $seconds = DEADLINE) {
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


sub click ($self, $selector) {
    my $quoted = _quote($selector);

    $self->wait_for("document.querySelector($quoted)?.checkVisibility()");
    $self->eval("document.querySelector($quoted).click()");

    return;
}


# as typed into what has the focus

sub type ($self, $selector, $text) {
    my $quoted = _quote($selector);

    $self->wait_for("document.querySelector($quoted)?.checkVisibility()");
    $self->eval("document.querySelector($quoted).focus()");
    $self->call('Input.insertText', { text => $text });

    return;
}


sub press_enter ($self) {
    for my $type (qw(keyDown keyUp)) {
        $self->call('Input.dispatchKeyEvent', {
            type => $type, key => 'Enter', code => 'Enter',
            windowsVirtualKeyCode => 13,
            $type eq 'keyDown' ? (text => "\r") : (),
        });
    }

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
