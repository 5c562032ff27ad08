# What a client knows of a conversation once it has applied events, in order.
#
# Events come from two sides: as the model foretells them, and as raw text,
# compacted perhaps.  Both are made into the same small changes, so that two
# states can be compared whichever way they came about.

package ChatTest::Model::State;

use v5.36;

use Exporter qw(import);

use ChatTest::Json qw(decode);

our @EXPORT_OK = qw(read_change);


sub new ($class) {
    return bless { messages => {}, reactions => {}, members => {},
                   settings => {} }, $class;
}


# A change: [message => id, text], [deleted => id, text], [added or removed =>
# id, user, emoji], [member => user, role or undef], [created or updated =>
# settings], [ended].  A text is raw, or a ChatTest::Model::Text.

my %APPLY = (
    message => sub ($self, $id, $text) {
        $self->{messages}{$id} = $text;
    },
    deleted => sub ($self, $id, $text) {
        $self->{messages}{$id} = $text;
        delete $self->{reactions}{$id};
    },
    added => sub ($self, $id, $user, $emoji) {
        $self->{reactions}{$id}{"$user $emoji"} = 1;
    },
    removed => sub ($self, $id, $user, $emoji) {
        my $of = $self->{reactions}{$id} // return;

        delete $of->{"$user $emoji"};
        delete $self->{reactions}{$id} if !%$of;
    },
    member => sub ($self, $user, $role) {
        defined $role ? $self->{members}{$user} = $role
            : delete $self->{members}{$user};
    },
    created => sub ($self, $settings) {
        %$self = %{ ref($self)->new };
        $self->{settings} = { %$settings };
    },
    updated => sub ($self, $settings) {
        my $own = $self->{settings};

        for (keys %$settings) {
            defined $settings->{$_} ? $own->{$_} = $settings->{$_}
                : delete $own->{$_};
        }
    },
    ended => sub ($self) {
        %$self = %{ ref($self)->new };
    },
);


sub apply ($self, $change) {
    my ($what, @more) = @$change;

    $APPLY{$what}->($self, @more);

    return;
}


# the change that an event's text tells; undef if it is no durable event

sub read_change ($raw) {
    my ($type) = $raw =~ /^\{"type":"([a-z.]+)"/ or return undef;

    if ($type =~ /^message\.(?:created|updated|deleted)\z/) {
        my ($data, $id) = $raw =~ /"data":(\{"id":"([^"]+)".*\})\}\z/s;

        return [$type eq 'message.deleted' ? 'deleted' : 'message', $id,
                $data];
    }

    if ($type =~ /^reaction\.(added|removed)\z/) {
        my $what = $1;

        return [$what, $raw =~ /"messageId":"([^"]+)","userId":"([^"]+)",
                                "emoji":"([^"]+)"/x];
    }

    if ($type =~ /^member\.(?:joined|updated|left)\z/) {
        my ($user, $role) = $raw =~ /"userId":"([^"]+)",
                                     "role":(?:null|"([^"]+)")/x;

        return [member => $user, $type eq 'member.left' ? undef : $role];
    }

    return ['ended'] if $type eq 'conversation.deleted';
    return [$1 => _settings($raw)] if $type =~ /^conversation\.(\w+ed)\z/;

    return undef;
}


# a setting that is off is as one that was never made

sub _settings ($raw) {
    my $data = decode($raw)->{data};

    return {
        exists $data->{name} ? (name => $data->{name}) : (),
        exists $data->{description}
            ? (description => $data->{description}) : (),
        exists $data->{readOnly} ? (readOnly => $data->{readOnly} ? 1 : undef)
            : (),
        exists $data->{slowMode} ? (slowMode => $data->{slowMode} || undef)
            : (),
    };
}


# what of this state is not as in another one, which was foretold; '' if all is

sub differs ($self, $other) {
    my ($mine, $theirs) = ($self->{messages}, $other->{messages});

    for my $id (keys %{ { %$mine, %$theirs } }) {
        my ($a, $b) = map { $_->{$id} } $mine, $theirs;

        return "message $id: " . _show($a) . ', expected ' . _show($b)
            if !_same($a, $b);
    }

    for my $part (qw(reactions members settings)) {
        my ($a, $b) = map { _flat($_->{$part}) } $self, $other;

        return "$part: $a, expected $b" if $a ne $b;
    }

    return '';
}


sub _same ($a, $b) {
    return 0 if !defined $a || !defined $b;
    return $a == $b || $a->text eq $b->text if ref $a && ref $b;
    return ref $b ? $b->matches($a) : $a eq $b;
}


sub _show ($text) {
    return !defined $text ? 'none' : ref $text ? $text->text : $text;
}


sub _flat ($value) {
    return $value if !ref $value;

    return '{' . join(', ', map { "$_: " . _flat($value->{$_}) }
                          sort keys %$value) . '}';
}

1;
