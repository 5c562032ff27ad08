# A conversation as the rules want it: its state, and of each operation the
# answer that it must get, the events that follow, and who hears them.
#
# Nothing here is taken from the server but what only it can know: ids, times,
# revisions.  These are looked at and kept when they are first seen.

package ChatTest::Model::Conversation;

use v5.36;

use parent qw(ChatTest::Model::Membership ChatTest::Model::Messages);

use ChatTest::Model::Rank qw(rank_of OPERATOR);
use ChatTest::Model::State qw(read_change);
use ChatTest::Model::Text;

use constant GENERATION => 2**32;

my %RULE = (
    'conversation.join'   => '_may_look',
    'conversation.update' => '_update',
    'conversation.delete' => '_delete',
    'member.add'          => '_member_add',
    'member.update'       => '_member_update',
    'member.remove'       => '_member_remove',
    'member.list'         => '_may_look',
    'message.send'        => '_send',
    'message.edit'        => '_message_edit',
    'message.delete'      => '_message_delete',
    'reaction.add'        => '_reaction_add',
    'reaction.remove'     => '_reaction_remove',
    'history.get'         => '_may_look',
    'read.mark'           => '_mark',
    'delivered.mark'      => '_mark',
);

# tenant, type, and once it is known id; max_members, max_reactions

sub new ($class, %o) {
    return bless {
        exists   => 0,
        revision => 0,
        events   => [],      # { revision, text, change }, of all its lives
        joined   => {},      # session => user
        due      => {},      # session => texts that it must get
        receipts => {},      # likewise
        client   => ChatTest::Model::State->new,
        members  => {},
        %o,
    }, $class;
}


# Looking -----------------------------------------------------------------

sub member ($self, $user) { return $self->{members}{$user} }
sub role ($self, $user)   { return $self->_role($user) // 'stranger' }
sub last ($self)          { return scalar @{ $self->{order} // [] } }


# of a member, the reader of a channel, or undef

sub _role ($self, $user) {
    my $member = $self->{members}{$user};

    return $member->{role} if $member;
    return $self->{type} eq 'channel' ? 'reader' : undef;
}


sub rank ($self, $user) {
    return $user eq OPERATOR ? 5 : rank_of($self->role($user));
}


sub least ($self, $user, $role) {
    return $self->rank($user) >= rank_of($role);
}


# those who belong to it, that is, who are not blocked

sub belonging ($self) {
    my $members = $self->{members};

    return grep { $members->{$_}{role} ne 'blocked' } sort keys %$members;
}


sub owners ($self) {
    my $members = $self->{members};

    return grep { $members->{$_}{role} eq 'owner' } keys %$members;
}


# What a client knows that has applied all events, against what is so.  It does
# not know of those who became members without an event.

sub client_wrong ($self) {
    my $own = ChatTest::Model::State->new;
    my $known = $self->{client}{members};

    if ($self->{exists}) {
        $own->apply($_) for map { $_->changes } @{ $self->{order} };
        $own->{settings} = $self->{client}{settings};
        $own->{members} = $known;
    }

    for my $user (keys %$known) {
        my $role = $self->role($user);

        return "$user is $known->{$user}, but $role"
            if $known->{$user} ne $role;
    }

    return $self->{client}->differs($own) || $self->_settings_wrong;
}


sub _settings_wrong ($self) {
    my $known = $self->{client}{settings};
    my %own = !$self->{exists} ? () : (
        name => $self->{name}, description => $self->{description},
        readOnly => $self->{read_only}, slowMode => $self->{slow_mode},
    );

    for (qw(name description readOnly slowMode)) {
        my ($is, $must) = map { $_ || '' } $known->{$_}, $own{$_};

        utf8::encode($is);
        return "$_ is $is, but $must" if $is ne $must;
    }

    return '';
}


# What must be the answer: an error's code, or a hash:
#
#   same    nothing changes; revision is told
#   change  function that makes the change, given the new revision
#   take    function that is given the reply, and says what is wrong with it
#   maybe   another code that is right as well, since time decides

sub foretell ($self, $op) {
    return $self->_create($op) if $op->{type} eq 'conversation.create';
    return $self->_leave($op) if $op->{type} eq 'conversation.leave';
    return 'not_found'
        if !$self->{exists} || $self->rank($op->{user}) < 0;

    my $rule = $RULE{ $op->{type} };

    return $self->$rule($op, $op->{data});
}


# Takes a reply: says what is wrong with it, or '', and follows it.

sub take ($self, $op, $reply) {
    my $expected = $op->{bad} // $self->foretell($op);

    $op->{expected} = ref $expected ? join(' ', sort keys %$expected)
        : $expected;

    if (!$reply->{ok}) {
        return $self->_refused($expected, $reply);
    }

    return "must fail: $expected" if !ref $expected;
    return $expected->{take}->($reply) if $expected->{take};

    my ($revision) = $reply->{data} =~ /\A\{"revision":(\d+)\}\z/
        or return 'is not a revision';

    if ($expected->{same}) {
        return $revision == $self->{revision} ? ''
            : "must not change anything: revision $self->{revision}";
    }

    return "the revision does not follow $self->{revision}"
        if !$self->_follows($revision);

    $expected->{change}->($revision);

    return '';
}


sub _refused ($self, $expected, $reply) {
    my $code = ref $expected ? $expected->{maybe} // 'none' : $expected;

    return "must fail with $code" if $reply->{code} ne $code;

    if ($code eq 'rate_limited') {
        my $seconds = $reply->{retry} // return 'must have retryAfter';
        my ($low, $high) = @{ $self->{slow} };

        return "retryAfter must be from $low to $high"
            if $seconds < $low || $seconds > $high;
    }

    return '';
}


# Every change is the next one, in this generation or a later one.

sub _follows ($self, $revision) {
    my $last = $self->{revision};

    return $revision % GENERATION == $last % GENERATION + 1
        && $revision > $last;
}


# Something durable has happened: an event to all who listen.  out: a user who
# hears nothing more.

sub _event ($self, $revision, $text, $change = undef, $out = undef) {
    $text = ChatTest::Model::Text->new($text) if !ref $text;
    $change //= read_change($text->text);

    $self->{revision} = 0 + $revision;
    $self->{client}->apply($change);
    push @{ $self->{events} },
        { revision => $revision, text => $text, change => $change };

    $self->_tell(due => $text);

    if (defined $out) {
        my $joined = $self->{joined};

        delete @$joined{grep { $joined->{$_} eq $out } keys %$joined};
    }

    return;
}


sub _tell ($self, $queue, $text) {
    push @{ $self->{$queue}{$_} }, $text for keys %{ $self->{joined} };

    return;
}


# The conversation itself ---------------------------------------------------

# what must be seen is told by ChatTest::Model::Look

sub _may_look ($self, $op, $data) {
    return { take => sub ($reply) {
        return $op->{look}->($self, $op, $reply);
    } };
}


# who does not listen stops listening, too

sub _leave ($self, $op) {
    return { take => sub ($reply) {
        delete $self->{joined}{ $op->{session} };
        return $reply->{data} eq '{}' ? '' : 'expected {}';
    } };
}


sub _create ($self, $op) {
    my ($user, $data) = ($op->{user}, $op->{data});
    my %members = map { $_ => 1 } $user, @{ $data->{members} // [] };

    return 'too_large'
        if $self->{type} eq 'group' && keys %members > $self->{max_members};

    if ($self->{exists}) {
        return 'conflict' if !$op->{repeatable} || $self->rank($user) < 0
            || $data->{type} ne $self->{type};
        return { take => sub ($reply) {
            return $reply->{data} eq $self->_describe($user, 'true') ? ''
                : 'expected ' . $self->_describe($user, 'true');
        } };
    }

    return { take => sub ($reply) { return $self->_created($op, $reply) } };
}


sub _created ($self, $op, $reply) {
    my ($user, $data) = ($op->{user}, $op->{data});
    my ($id, $time, $revision) = $reply->{data} =~
        /"conversationId":"([^"]+)".*"createdAt":"([^"]+)".*"revision":(\d+)/
        or return 'is no conversation';

    $revision += 0;
    return 'has another id'
        if defined $self->{id} && $id ne $self->{id};
    return "the revision does not follow $self->{revision}"
        if !$self->_follows($revision);

    my %members = map { $_ => 'member' } @{ $data->{members} // [] };
    $members{$user} = $data->{type} eq 'dm' ? 'member' : 'owner';

    %$self = (
        %$self,
        id          => $id,
        exists      => 1,
        name        => $data->{name},
        description => undef,
        read_only   => 0,
        slow_mode   => 0,
        creator     => $user,
        created     => $time,
        revision    => $revision,
        order       => [],
        messages    => {},
        clients     => {},
        members     => {
            map { $_ => { role => $members{$_}, read => 0, delivered => 0 } }
                keys %members
        },
        ever        => { map { $_ => 1 } keys %members },
    );

    my $name = defined $data->{name} ? qq("name":"$data->{name}",) : '';

    $self->_event($revision, qq({"type":"conversation.created","data":)
        . qq({"conversationId":"$id","type":"$self->{type}",$name)
        . qq("createdBy":"$user","createdAt":"$time","sequenceNumber":0,)
        . qq("revision":$revision}}));

    return $reply->{data} eq $self->_describe($user, 'false') ? ''
        : 'expected ' . $self->_describe($user, 'false');
}


sub _describe ($self, $user, $duplicate) {
    my $name = defined $self->{name} ? qq("$self->{name}") : 'null';
    my $role = $self->role($user);

    $role = $role eq 'reader' ? 'null' : qq("$role");

    return qq({"conversationId":"$self->{id}","type":"$self->{type}",)
        . qq("name":$name,"createdBy":"$self->{creator}",)
        . qq("createdAt":"$self->{created}","role":$role,)
        . '"sequenceNumber":' . $self->last
        . qq(,"revision":$self->{revision},"duplicate":$duplicate});
}


sub _update ($self, $op, $data) {
    return 'forbidden'
        if ($self->{type} eq 'dm' || !$self->least($op->{user}, 'admin'))
        && $op->{user} ne OPERATOR;

    my %new = (
        exists $data->{name} ? (name => $data->{name}) : (),
        exists $data->{description}
            ? (description => $data->{description} eq '' ? undef
                                                : $data->{description}) : (),
        exists $data->{readOnly}
            ? (read_only => ${ $data->{readOnly} } eq 'true' ? 1 : 0) : (),
        exists $data->{slowMode} ? (slow_mode => $data->{slowMode}) : (),
    );

    return { same => 1 }
        if !grep { ($self->{$_} // '') ne ($new{$_} // '') } keys %new;

    return { change => sub ($revision) {
        @$self{keys %new} = values %new;
        $self->_event($revision, $self->_updated(\%new, $revision));
    } };
}


sub _updated ($self, $new, $revision) {
    my $text = qq({"type":"conversation.updated","data":)
        . qq({"conversationId":"$self->{id}",);

    $text .= qq("name":"$new->{name}",) if exists $new->{name};
    $text .= '"description":'
        . (defined $new->{description} ? qq("$new->{description}") : 'null')
        . ',' if exists $new->{description};
    $text .= '"readOnly":' . ($new->{read_only} ? 'true' : 'false') . ','
        if exists $new->{read_only};
    $text .= qq("slowMode":$new->{slow_mode},) if exists $new->{slow_mode};

    return qq($text"revision":$revision}});
}


sub _delete ($self, $op, $data) {
    return 'forbidden'
        if ($self->{type} eq 'dm' || !$self->least($op->{user}, 'owner'))
        && $op->{user} ne OPERATOR;

    return { change => sub ($revision) {
        $self->_event($revision, qq({"type":"conversation.deleted","data":)
            . qq({"conversationId":"$self->{id}","revision":$revision}}));
        @$self{qw(exists joined members order messages clients)} =
            (0, {}, {}, [], {}, {});
    } };
}


1;
