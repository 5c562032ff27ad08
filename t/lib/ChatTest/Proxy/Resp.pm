# What a proxy understands of RESP, the protocol of Redis: the name that a
# client gives itself, and, of one that subscribes, what it is sent, so that
# something of that can be lost.  Of other connections nothing is looked at
# once they have said who they are.

package ChatTest::Proxy::Resp;

use v5.36;


# listener: has faults

sub new ($class, $listener) {
    return bless {
        listener => $listener, name => '', looks => 1, up => '', down => '',
    }, $class;
}


sub name ($self) { return $self->{name} }


# commands: what goes on to the server, and what the client is answered

sub up ($self, $bytes) {
    return ($bytes, '') if !$self->{looks};

    my ($on, $answer) = ('', '');

    for my $frame ($self->_frames('up', $bytes)) {
        my ($raw, @words) = @$frame;
        my $verb = lc($words[0] // '');

        if ($verb eq 'client' && lc $words[1] eq 'setname') {
            $self->{name} = $words[2];
            $self->{looks} = $self->{name} !~ /:command$/;

        } elsif ($verb eq 'subscribe') {
            my ($left, $said) = $self->_subscribe(@words[1 .. $#words]);

            $raw = $left;
            $answer .= $said;
        }

        $on .= $raw;
    }

    if (!$self->{looks}) {
        $on .= $self->{up};
        $self->{up} = '';
    }

    return ($on, $answer);
}


# what the server sends: what goes on to the client

sub down ($self, $bytes) {
    if (!$self->{looks}) {
        $bytes = $self->{down} . $bytes;
        $self->{down} = '';
        return $bytes;
    }

    my $on = '';

    for my $frame ($self->_frames('down', $bytes)) {
        my ($raw, @words) = @$frame;

        $on .= $raw if @words != 3 || $words[0] ne 'message'
            || !$self->_swallows(message => $words[1]);
    }

    return $on;
}


# the command without the channels that are swallowed, and what confirms these

sub _subscribe ($self, @channels) {
    my @lost = grep { $self->_swallows(subscribe => $_) } @channels;
    my %lost = map { $_ => 1 } @lost;
    my @left = grep { !$lost{$_} } @channels;

    return (
        @left ? _encode('SUBSCRIBE', @left) : '',
        join '', map { "*3\r\n" . _bulk('subscribe') . _bulk($_) . ":1\r\n" }
            @lost,
    );
}


sub _swallows ($self, $what, $channel) {
    for my $fault (@{ $self->{listener}{faults} }) {
        next if $fault->{kind} ne 'swallow' || !defined $fault->{$what}
            || $fault->{times} == 0 || $channel !~ $fault->{$what}
            || defined $fault->{only} && $self->{name} !~ $fault->{only};

        $fault->{times}-- if $fault->{times} > 0;
        $fault->{count}++;
        return 1;
    }

    return 0;
}


# each with its bytes, then its words; what is not complete is kept

sub _frames ($self, $way, $bytes) {
    $self->{$way} .= $bytes;

    my @frames;
    my $start = 0;

    while (1) {
        my @words;
        my $end = _frame(\$self->{$way}, $start, \@words) // last;

        push @frames, [substr($self->{$way}, $start, $end - $start), @words];
        $start = $end;
    }

    substr $self->{$way}, 0, $start, '';

    return @frames;
}


# where the one that begins there ends, undef if it is not complete

sub _frame ($text, $at, $words) {
    pos($$text) = $at;

    $$text =~ /\G([-+:\$*])([^\r]*)\r\n/gc or return undef;

    my ($type, $value, $end) = ($1, $2, pos $$text);

    if ($type eq '*') {
        for (1 .. $value) {
            $end = _frame($text, $end, $words) // return undef;
        }

        return $end;
    }

    if ($type eq '$' && $value >= 0) {
        return undef if length($$text) < $end + $value + 2;

        push @$words, substr $$text, $end, $value;
        return $end + $value + 2;
    }

    push @$words, $value;

    return $end;
}


sub _bulk ($text) { return '$' . length($text) . "\r\n$text\r\n" }


sub _encode (@words) {
    return '*' . @words . "\r\n" . join '', map { _bulk($_) } @words;
}

1;
