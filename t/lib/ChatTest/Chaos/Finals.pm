# What users see in the end, read afresh, against what is stored: the list of
# conversations with what is unread, members and their marks, history.

package ChatTest::Chaos::Finals;

use v5.36;

use ChatTest::Chaos::Event qw(message_of settings_of);

my %CHECK = (
    'conversation.list' => '_list',
    'member.list'       => '_member_list',
    'history.get'       => '_history',
);
my %RULES = map { $_ => 1 } qw(owner admin moderator);


# deeds, stored, report

sub new ($class, %o) { return bless { %o, checked => 0 }, $class }


sub checked ($self) { return $self->{checked} }


sub check ($self) {
    my $fresh = $self->{deeds}->fresh;

    for my $client (sort keys %$fresh) {
        my %seen;

        for my $answer (@{ $fresh->{$client} }) {
            my $method = $CHECK{ $answer->{type} } // next;

            $self->$method($answer, \%seen);
            $self->{checked}++;
        }

        $self->_all_listed($fresh->{$client}[0]{who}, \%seen);
    }

    return;
}


sub _wrong ($self, $answer, $what, $place, $revision = undef) {
    $self->{report}->("in the end, $answer->{type}: $what", place => $place,
                      client => $answer->{who}{name}, revision => $revision,
                      time => $answer->{time});

    return;
}


# The list ---------------------------------------------------------------

sub _list ($self, $answer, $seen) {
    my ($who, $stored) = ($answer->{who}, $self->{stored});

    for my $item (@{ $answer->{reply}{items} }) {
        my $c = $item->{conversation};
        my $place = "$who->{tenant}/$c->{conversationId}";
        my $is = $stored->{conversations}{$place} // {};
        my $member = $stored->{members}{$place}{ $who->{user} } // {};

        $self->_wrong($answer, 'it is there twice', $place)
            if $seen->{$place}++;
        $self->_same($answer, $place,
                     [revision => $c->{revision}, $is->{revision}],
                     [sequence => $c->{sequenceNumber}, $is->{sequence}],
                     [role => $item->{role}, $member->{role}],
                     [lastRead => $item->{lastReadSequence}, $member->{read}],
                     [unread => $item->{unread},
                      $c->{sequenceNumber} - $item->{lastReadSequence}],
                     $self->_settings($c, $is),
                     $self->_last($item->{lastMessage}, $place));
    }

    return;
}


sub _settings ($self, $c, $is) {
    my ($told, $stored) = map { settings_of($_) } $c, $is;

    return map { [$_, $told->{$_}, $stored->{$_}] } sort keys %$told;
}


sub _last ($self, $told, $place) {
    my $last = ($self->{stored}{messages}{$place} // [])->[-1];

    return [lastMessage => map { $_ ? message_of($_)->{value} : 'none' }
            $told, $last && $last->{data}];
}


sub _same ($self, $answer, $place, @pairs) {
    for (@pairs) {
        my ($what, $told, $is) = @$_;

        ($told, $is) = map { $_ // 'none' } $told, $is;
        $self->_wrong($answer, "$what is $told, and stored is $is", $place)
            if $told ne $is;
    }

    return;
}


sub _all_listed ($self, $who, $seen) {
    my $members = $self->{stored}{members};
    my @own = grep {
        my $role = $members->{$_}{ $who->{user} }{role};

        index($_, "$who->{tenant}/") == 0 && defined $role
            && $role ne 'blocked';
    } keys %$members;

    for my $place (grep { !$seen->{$_} } sort @own) {
        $self->_wrong({ type => 'conversation.list', who => $who },
                      'it is not there', $place);
    }

    return;
}


# Members and messages -----------------------------------------------------

sub _member_list ($self, $answer, $seen) {
    my ($place, $who) = @$answer{qw(place who)};
    my $stored = $self->{stored}{members}{$place} // {};
    my $own = $stored->{ $who->{user} }{role} // '';
    my %members = map { $_->{userId} => $_ } @{ $answer->{reply}{items} };
    my %there = map { $_ => 1 } grep {
        my $role = $stored->{$_}{role};

        defined $role && ($role ne 'blocked' || $RULES{$own});
    } keys %$stored;

    for my $user (sort keys %{ { %members, %there } }) {
        my ($told, $is) = ($members{$user} // {}, $stored->{$user});

        $self->_same($answer, $place,
                     ["role of $user", $told->{role},
                      $there{$user} ? $is->{role} : undef]);
        $self->_same($answer, $place,
                     ["read of $user", $told->{lastReadSequence}, $is->{read}],
                     ["delivered of $user", $told->{lastDeliveredSequence},
                      $is->{delivered}])
            if $told->{role} && $told->{role} ne 'blocked';
    }

    return;
}


sub _reactions ($self, $place, $message) {
    my $all = $self->{reactions}{$place} //= do {
        my %by_message;

        for (sort keys %{ $self->{stored}{reactions}{$place} // {} }) {
            my ($id) = /^r (\S+)/;

            push @{ $by_message{$id} }, $_;
        }

        \%by_message;
    };

    return join ', ', @{ $all->{$message} // [] };
}


# That the texts are the same is seen when they are read.

sub _history ($self, $answer, $seen) {
    my ($place, $data, $reply) = @$answer{qw(place data reply)};
    my $stored = $self->{stored}{messages}{$place} // [];
    my ($text, $reactions) = @{ $answer->{who} }{qw(text reactions)};
    my @numbers = @{ $reply->{messages} };
    my @revisions = map { ($text->($_))[1] } @numbers;
    my $end = defined $data->{beforeSequence} ? $data->{beforeSequence} - 1
        : @$stored;
    my $first = $end - @revisions;

    return if defined $data->{afterSequence};

    $self->_wrong($answer, @revisions . " messages up to $end", $place)
        if $first < 0 || $end > 0 && !@revisions;

    for my $i (0 .. $#revisions) {
        my $message = $stored->[$first + $i]{data} // {};
        my $n = 'sequence ' . (1 + $first + $i);

        $self->_same($answer, $place,
                     ["the revision of $n", $revisions[$i],
                      $message->{revision}],
                     ["the reactions to $n", $reactions->($numbers[$i]),
                      $self->_reactions($place, $message->{id} // '')]);
    }

    $self->_wrong($answer, "it ends at " . (1 + $first), $place)
        if $reply->{complete} xor $first == 0;

    return;
}

1;
