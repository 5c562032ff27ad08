# A session in the native dialect (subprotocol chat.v1), on top of a WebSocket.
# What should come is asked for by name, and what does not come dies with a word
# on what came instead.

package ChatTest::Session;

use v5.36;

use parent 'ChatTest::WebSocket';

use Carp qw(croak);
use Time::HiRes qw(time);

use ChatTest::Deflate qw(inflate);
use ChatTest::Frame qw(:opcodes);
use ChatTest::Hint qw(is_hint);
use ChatTest::Json qw(decode encode);
use ChatTest::Uuid qw(uuid);
use ChatTest::Wait qw(wait_until PATIENCE);

use constant RSV1 => 4;

# a call that fails is the script's, wherever in here it was noticed
our @CARP_NOT = qw(ChatTest::WebSocket ChatTest::Client);


sub new ($class, %o) {
    my $self = $class->SUPER::new(%o);

    $self->{events} = [];
    $self->{hints} = [];
    $self->{replies} = {};
    $self->{last_id} = 0;

    return $self;
}


# the data of the authenticated event

sub welcome ($self) {
    return $self->{welcome} //= $self->expect('authenticated');
}


sub node ($self) { return $self->welcome->{node} }


# the raw text of the reply or event that was returned last

sub raw ($self) { return $self->{raw} }


# Sends a request, without waiting for its reply; returns its id.  The data is
# a hash, or raw JSON by reference.

sub post ($self, $type, $data = {}) {
    my $id = ++$self->{last_id};
    my $text = ref $data eq 'SCALAR' ? $$data : encode($data);

    $self->send_text(qq({"type":"$type","id":$id,"data":$text}));

    return $id;
}


# the whole reply to a request, whether it is good or not

sub reply ($self, $id) {
    $id //= 'null';

    my $reply = $self->_await("a reply to request $id", sub {
        return shift @{ $self->{replies}{$id} };
    });

    $self->{raw} = $reply->{raw};

    return $reply;
}


# a request that must succeed: returns the data of the reply

sub request ($self, $type, $data = {}) {
    my $reply = $self->reply($self->post($type, $data));

    return $reply->{data} if $reply->{ok};
    croak "$type failed: " . encode($reply->{error});
}


# A request that is repeated for as long as it is unavailable, and then must
# succeed.  One that was not answered in time may have been done: a message has
# an id, so that there is one.

sub insist ($self, $type, $data) {
    $data = { clientMessageId => uuid(), %$data } if $type eq 'message.send';

    my $reply = wait_until {
        my $reply = $self->reply($self->post($type, $data));
        my $code = $reply->{ok} ? '' : $reply->{error}{code};

        $code !~ /^(?:unavailable|timeout)$/ && $reply;
    } 20;

    return $reply->{data} if $reply->{ok};
    croak "$type failed: " . encode($reply->{error});
}


# a request that must fail: returns the error of the reply

sub refused ($self, $type, $data = {}) {
    my $reply = $self->reply($self->post($type, $data));

    return $reply->{error} if !$reply->{ok};
    croak "$type succeeded: " . encode($reply->{data});
}


# The data of the next event of a type that has not been asked for yet, and
# for which the filter, if there is one, is true.

sub expect ($self, $type, $filter = undef) {
    return $self->_expect('events', $type, $filter);
}


# the same of a hint

sub expect_hint ($self, $type, $filter = undef) {
    return $self->_expect('hints', $type, $filter);
}


sub _expect ($self, $list, $type, $filter) {
    my $events = $self->{$list};

    return $self->_await("\"$type\"", sub {
        for my $i (0 .. $#$events) {
            my $data = $events->[$i]{data};

            next if $events->[$i]{type} ne $type;
            next if $filter && !grep { $filter->($_) } $data;

            $self->{raw} = $events->[$i]{raw};
            splice @$events, $i, 1;

            return $data;
        }

        return undef;
    });
}


# The types of what came and was not asked for, but for hints: what happens in
# conversations that were not joined, which most tests do not care for.  All that
# the server had sent before it answered a ping is counted.

sub unexpected ($self) {
    $self->request('ping');

    my @events = splice @{ $self->{events} };
    my @replies = map { @$_ } values %{ $self->{replies} };

    $self->{replies} = {};

    return map { $_->{type} } @events, @replies;
}


# the hints that came and were not asked for

sub hints ($self) {
    $self->request('ping');

    return splice @{ $self->{hints} };
}


# the reason of the close frame, whose code must be this

sub expect_close ($self, $code, $seconds = PATIENCE) {
    my ($got, $reason, $ended) = $self->{close}
        ? @{ $self->{close} } : $self->read_close($seconds);

    croak "expected close $code, the connection just ended" if !defined $got;
    croak "expected close $code, got $got \"$reason\"" if $got != $code;
    croak "the connection was not ended after close $code" if !$ended;

    return $reason;
}


# reads messages and sorts them until the function returns something

sub _await ($self, $what, $take) {
    my $deadline = time + PATIENCE;

    while (1) {
        my $found = $take->();
        return $found if defined $found;

        my $left = $deadline - time;
        eval { $self->_receive($left > 0 ? $left : 0); 1 }
            or croak "waited for $what: " . $@ =~ s/ at \S+ line \d+\.\n//r
                . $self->_pending;
    }
}


# Takes in what is there, without waiting, onto a list of messages in the order
# in which they came; false once the connection has ended.

sub poll ($self, $messages) {
    while ($self->readable) {
        my $frame = eval { $self->read_message(0) };

        return 1 if $@;             # a part of a frame
        return 0 if !$frame || $frame->{opcode} == CLOSE;
        push @$messages, _decode($frame);
    }

    return 1;
}


sub _receive ($self, $seconds) {
    my $frame = $self->read_message($seconds)
        // die "the connection ended\n";

    if ($frame->{opcode} == CLOSE) {
        $self->send_frame(%$frame);
        $self->{close} = [ChatTest::Frame::read_close($frame), 1];

        die sprintf "closed with %s \"%s\"\n", @{ $self->{close} }[0, 1];
    }

    my $message = _decode($frame);

    if ($message->{type} eq 'reply') {
        push @{ $self->{replies}{ $message->{id} // 'null' } }, $message;

    } else {
        push @{ $self->{ is_hint($message->{raw}) ? 'hints' : 'events' } },
            $message;
    }

    return;
}


# with RSV1 it is compressed: only to who has agreed on it

sub _decode ($frame) {
    my $text = $frame->{rsv} == RSV1 ? inflate($frame->{payload})
        : $frame->{payload};
    my $message = decode($text);

    $message->{raw} = $text;

    return $message;
}


sub _pending ($self) {
    my %types;

    $types{ $_->{type} }++ for @{ $self->{events} };

    my @types = map { "$types{$_} $_" } sort keys %types;

    return @types ? " (not asked for: @types)" : '';
}

1;
