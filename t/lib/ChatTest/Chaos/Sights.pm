# What a client was told of other users, judged: line by line, once it is known
# who was there and how (ChatTest::Chaos::Lives).
#
# Each state that is told, and each that a client has been left with, must have
# been so within the last 30 s without a fault.  Nobody who was there all that
# time is told to be offline, nobody who has chosen it is told to be invisible,
# or anything but offline with a last seen of when that was.
#
# Who is surely entitled has a dm with the user: those have no end.

package ChatTest::Chaos::Sights;

use v5.36;

use List::Util qw(first);

use ChatTest::Chaos::Fire;
use ChatTest::Chaos::Times qw(ms_of);

use constant {
    PROMISED => 30_000,         # ms
    LOOK     => 5000,           # between looks at all that is seen
    LEASE    => 8000,           # a node that lost its link ends with it
    UNKNOWN  => 5000,           # until a node knows what a user has chosen
    LATE     => 15_000,         # of a node that could not tell when it was
    SLACK    => 1000,           # ms between a client's clock and what is told
};

my %STATUS = map { $_ => 1 } qw(online away busy offline);

my %TAKE = (
    open     => '_begin',
    down     => '_down',
    ask      => '_ask',
    reply    => '_reply',
    refused  => '_refused',
    presence => '_told',
    typing   => '_typing',
    ready    => '_ready',
);


# who; lives, fire, stored, report

sub new ($class, %o) {
    my $self = bless {
        %o, asked => {}, wants => {}, views => {}, now => 0, states => 0,
        agreed => {}, looked_at => 0,
    }, $class;

    $self->{dms} = _dms(@o{qw(stored who)});

    return $self;
}


# those with whom the user has one

sub _dms ($stored, $who) {
    my %with;

    for my $place (keys %{ $stored->{conversations} }) {
        next if ($stored->{conversations}{$place}{type} // '') ne 'dm'
            || index($place, "$who->{tenant}/") != 0;

        my $members = $stored->{members}{$place};

        @with{keys %$members} = () if $members->{ $who->{user} };
    }

    return \%with;
}


sub take ($self, $line) {
    return if !$line;

    my ($what, $time, @more) = @$line;
    my $method = $TAKE{$what} // return;

    $self->{now} = $time;
    $self->_look if $time > $self->{looked_at} + LOOK;
    $self->$method(@more);

    return;
}


# What it sees must have been so lately, though nothing is told.

sub _look ($self) {
    my $views = $self->{views};

    $self->{looked_at} = $self->{now};

    for (sort keys %$views) {
        delete $views->{$_} if !$self->_judge($views->{$_}, 'is seen as');
    }

    return;
}


sub counts ($self) { return (states => $self->{states}) }

# seconds after which all agreed, by phase
sub agreed ($self) { return $self->{agreed} }


sub _name ($self, $user) { return "$self->{who}{tenant}/$user" }


sub _wrong ($self, $what, $user) {
    $self->{report}->("$user $what", client => $self->{who}{name},
                      user => $self->_name($user), time => $self->{now},
                      place => '');

    return;
}


# The session ------------------------------------------------------------

sub _begin ($self, $url) {
    @$self{qw(asked wants views)} = ({}, {}, {});

    return;
}


sub _down ($self, $why) {
    $self->_leave($_) for sort keys %{ $self->{views} };

    return;
}


sub _ask ($self, $id, $try, $type, $data, @more) {
    my $wants = $self->{wants};

    return if $type !~ /^presence\./;

    $self->{asked}{$id} = [$type, $data];
    @$wants{@{ $data->{userIds} }} = () if $type eq 'presence.subscribe';
    $wants->{''} = 1 if $type eq 'presence.get' && $data->{subscribe};

    return;
}


sub _refused ($self, $id, $error) {
    delete $self->{asked}{$id};

    return;
}


sub _reply ($self, $id, $data) {
    my ($type, $asked) = @{ delete $self->{asked}{$id} // return };

    if ($type eq 'presence.subscribe') {
        $self->_subscribed($asked->{userIds}, $data->{states});

    } elsif ($type eq 'presence.unsubscribe') {
        $self->_leave($_) for @{ $asked->{userIds} };

    } elsif ($type eq 'presence.get') {
        $self->_room($asked->{conversationId}, $data);
    }

    return;
}


sub _subscribed ($self, $users, $states) {
    my $told = join ' ', map { $_->{userId} } @$states;

    $self->_wrong("was asked for with others (@$users), and told was ($told)",
                  $users->[0]) if $told ne "@$users";

    for (@$states) {
        $_->{since} = $self->{now};
        $self->_judge($_);
        $self->_view($_);
    }

    return;
}


sub _told ($self, $user, $status, $last_seen, $text) {
    my $state = { userId => $user, status => $status, lastSeen => $last_seen,
                  text => $text, since => $self->{now} };
    my $wants = $self->{wants};

    $self->_wrong('was told of, and nobody had asked', $user)
        if !exists $wants->{$user} && !exists $wants->{''}
            && $user ne $self->{who}{user};
    $self->_judge($state);

    $self->_view($state) if $self->_leave($user);

    return;
}


# What is seen from now on.  Who looks as if no conversation were shared any more
# is not told of, unless there is a dm.

sub _view ($self, $state) {
    my $user = $state->{userId};

    $self->{views}{$user} = $state
        if exists $self->{dms}{$user} || $state->{status} ne 'offline'
            || defined $state->{lastSeen};

    return;
}


# A view that ends, or another takes its place: it must have been right lately.

sub _leave ($self, $user) {
    my $state = delete $self->{views}{$user} // return;

    return $self->_judge($state, 'is seen as');
}


# Conversations ----------------------------------------------------------

sub _room ($self, $conversation, $data) {
    my $members = $data->{members} // return;
    my @there = grep { $_->{status} ne 'offline' } @$members;

    $self->_wrong("is in $conversation with $data->{online} online, and "
                  . scalar(@there) . ' are told to be',
                  $self->{who}{user}) if $data->{online} != @there;
    $self->_judge($_) for @$members;

    return;
}


# Who types has said so lately, and is not invisible.

sub _typing ($self, $conversation, $user, $what) {
    my ($lives, $now) = @$self{qw(lives now)};
    my $name = $self->_name($user);
    my $from = $self->{fire}->calm($now, PROMISED);

    return if $what ne 'started';

    $self->_wrong("types in $conversation, and did not", $user)
        if !$lives->typed($name, $conversation, $from, $now);
    $self->_wrong("types in $conversation, and is invisible", $user)
        if !grep { $_->{status} ne 'invisible' }
            $lives->choices($name, $from, $now);

    return;
}


# States -----------------------------------------------------------------

# how: it was told now, or it has been seen until now; whether it is right

sub _judge ($self, $state, $how = 'was told') {
    my ($user, $status) = @$state{qw(userId status)};
    my $own = $user eq $self->{who}{user};

    $self->{states}++;

    my $wrong = _form($state, $own) // $self->_unlike($state, $own)
        // return 1;

    $self->_wrong("$how: $status, " . ($state->{lastSeen} // '-') . ": $wrong",
                  $user);

    return 0;
}


sub _form ($state, $own) {
    my ($status, $last_seen, $text) = @$state{qw(status lastSeen text)};

    return 'no such status'
        if !$STATUS{$status} && !($own && $status eq 'invisible');
    return 'last seen of one who is seen'
        if $status ne 'offline' && $status ne 'invisible'
            && defined $last_seen;
    return 'a text of one who is offline'
        if $status eq 'offline' && defined $text;
    return undef;
}


sub _unlike ($self, $state, $own) {
    my $now = $self->{now};
    my $name = $self->_name($state->{userId});
    my $from = $self->{fire}->calm($now, PROMISED);
    my @choices = $self->{lives}->choices($name, $from, $now);
    my %choices = map { $_->{status} => 1 } @choices;

    return $self->_unlike_own($state, \%choices) if $own;
    return $self->_unlike_absent($state, $name, $from, \%choices)
        if $state->{status} eq 'offline';

    return 'must not be seen' if keys %choices == 1 && $choices{invisible};
    return 'nobody was there'
        if !$self->{lives}->may_be_there($name, $from, $now);

    return $self->_unlike_present($state, $name, $from, \%choices)
        // _unlike_text($state, @choices);
}


sub _unlike_own ($self, $state, $choices) {
    my $status = $state->{status};

    # as long as the own choice is not known it is what most are
    return undef if $status eq 'online'
        && $self->{now} - ($state->{since} // $self->{now}) < UNKNOWN;

    return undef if $status eq 'offline' || $choices->{$status}
        || $status eq 'away' && $choices->{online};
    return 'nothing like it was chosen';
}


sub _unlike_present ($self, $state, $name, $from, $choices) {
    my ($lives, $now) = @$self{qw(lives now)};
    my $status = $state->{status};
    my $right = $status eq 'online'
        ? $choices->{online} && $lives->may_act($name, $from, $now)
        : $choices->{$status} || $status eq 'away' && $choices->{online}
            && $lives->may_rest($name, $from, $now);

    return $right ? undef : 'there was no reason ('
        . join(', ', sort keys %$choices) . ' were chosen)';
}


sub _unlike_text ($state, @choices) {
    my $text = $state->{text} // '';

    return undef if first { $_->{text} eq $text } @choices;
    return "nobody chose \"$text\"";
}


# The last seen of who was not there, or may not be seen

sub _unlike_absent ($self, $state, $name, $from, $choices) {
    my ($lives, $now) = @$self{qw(lives now)};

    return undef if !exists $self->{dms}{ $state->{userId} };
    return 'was there all the time'
        if !$choices->{invisible} && $lives->surely_there($name, $from, $now);

    my $seen = defined $state->{lastSeen} ? ms_of($state->{lastSeen}) : 0;

    return 'was invisible then'
        if $seen > $lives->visible_until($name, $now) + SLACK;
    return 'was not there then'
        if $seen > $lives->there_until($name, $now) + LEASE + SLACK;
    return 'was there later'
        if $seen < $self->_seen_after($name, $from) - LATE;
    return undef;
}


# When the user was surely seen for the last time before that; 0 if it may have
# been lost, or what is stored could not be read.

sub _seen_after ($self, $name, $from) {
    my ($lives, $fire, $now) = @$self{qw(lives fire now)};
    my $seen = $lives->surely_until($name, $from);
    my @invisible = grep { $_->{status} eq 'invisible' }
        $lives->choices($name, $seen - LATE, $seen);

    return 0 if @invisible
        || $fire->meets([$fire->losses], $seen - PROMISED, $now)
        || $fire->meets([$fire->at(qr/^(?:postgres|redis|keep)/)], $from, $now);
    return $seen;
}


# The end ----------------------------------------------------------------

sub _ready ($self, $what, @more) {
    $self->_wrong("could not be seen as $more[1] within 30 s: $more[2]",
                  $more[0]) if $what eq 'unlike';
    $self->{agreed}{ $more[0] } = $more[1] if $what eq 'agreed';
    $self->_down('end') if $what eq 'end';

    return;
}

1;
