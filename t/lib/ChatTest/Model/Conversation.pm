# A conversation as the rules want it: its state, and of each operation the
# answer that it must get, the events that follow, and who hears them.
#
# Nothing here is taken from the server but what only it can know: ids, times,
# revisions.  These are looked at and kept when they are first seen.

package ChatTest::Model::Conversation;

use v5.36;

use POSIX qw(ceil);

use ChatTest::Model::Message;
use ChatTest::Model::State qw(read_change);
use ChatTest::Model::Text;

use constant {
    GENERATION => 2**32,
    OPERATOR   => '',         # who is asked for by no user
};

my %RANK = (owner => 4, admin => 3, moderator => 2, member => 1, reader => 0,
            blocked => -1);

my %RULE = (
    'conversation.join'   => \&_may_look,
    'conversation.update' => \&_update,
    'conversation.delete' => \&_delete,
    'member.add'          => \&_member_add,
    'member.update'       => \&_member_update,
    'member.remove'       => \&_member_remove,
    'member.list'         => \&_may_look,
    'message.send'        => \&_send,
    'message.edit'        => \&_message_edit,
    'message.delete'      => \&_message_delete,
    'reaction.add'        => \&_reaction_add,
    'reaction.remove'     => \&_reaction_remove,
    'history.get'         => \&_may_look,
    'read.mark'           => \&_mark,
    'delivered.mark'      => \&_mark,
);

my $UUID = qr/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}
              -[0-9a-f]{12}/x;
my $SENT = qr/\A\{"id":"($UUID)","sequenceNumber":(\d+),"revision":(\d+),
              "timestamp":"([^"]+)","duplicate":(true|false)\}\z/x;


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
    return 5 if $user eq OPERATOR;

    my $role = $self->_role($user);

    return defined $role ? $RANK{$role} : -2;
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

    return $RULE{ $op->{type} }->($self, $op, $op->{data});
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
        if ($self->{type} eq 'dm' || $self->rank($op->{user}) < $RANK{admin})
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
        if ($self->{type} eq 'dm' || $self->rank($op->{user}) < $RANK{owner})
        && $op->{user} ne OPERATOR;

    return { change => sub ($revision) {
        $self->_event($revision, qq({"type":"conversation.deleted","data":)
            . qq({"conversationId":"$self->{id}","revision":$revision}}));
        @$self{qw(exists joined members order messages clients)} =
            (0, {}, {}, [], {}, {});
    } };
}


# Members -----------------------------------------------------------------

# Whether a user may give a role to another one, or take it away ('').

sub _above ($self, $user, $target, $role) {
    return 1 if $user eq OPERATOR;
    return 0 if $self->rank($user) < $RANK{moderator};

    my $limit = $self->rank($user) + ($self->role($user) eq 'owner');
    my $member = $self->{members}{$target};
    my $now = $member ? $RANK{ $member->{role} } : 0;

    return $now < $limit && ($RANK{$role} // 0) < $limit;
}


sub _last_owner ($self, $user) {
    my @owners = $self->owners;

    return @owners == 1 && $owners[0] eq $user;
}


sub _member_add ($self, $op, $data) {
    my ($user, $target) = ($op->{user}, $data->{userId});
    my $role = $data->{role} // 'member';
    my $member = $self->{members}{$target};
    my $joins = $user eq $target && $role eq 'member'
        && $self->{type} eq 'channel';

    return 'forbidden' if $self->{type} eq 'dm' && $user ne OPERATOR;
    return 'forbidden' if !$joins && !$self->_above($user, $target, $role);
    return { same => 1 } if $member && $member->{role} eq $role;
    return 'conflict' if $member;
    return 'too_large'              # who is blocked has a place, too
        if $self->{type} eq 'group'
        && keys %{ $self->{members} } >= $self->{max_members};

    return { change => sub ($revision) {
        $self->_set_role($revision, $target, $role);
    } };
}


sub _member_update ($self, $op, $data) {
    my ($user, $target, $role) = ($op->{user}, @$data{qw(userId role)});
    my $member = $self->{members}{$target};

    return 'forbidden'
        if !($self->{type} eq 'dm' ? $self->_may_block($user, $target, $role)
             : $user eq $target && $user ne OPERATOR
               ? $self->_may_step_down($user, $role)
             : $self->_above($user, $target, $role));

    return 'not_found'
        if !$member && !($role eq 'blocked' && $self->{type} eq 'channel');
    return { same => 1 } if $member && $member->{role} eq $role;
    return 'conflict' if $self->_last_owner($target);

    return { change => sub ($revision) {
        $self->_set_role($revision, $target, $role);
    } };
}


# in a dm: the other one, by who is not blocked

sub _may_block ($self, $user, $target, $role) {
    return 1 if $user eq OPERATOR;

    return $user ne $target && exists $self->{members}{$target}
        && ($role eq 'blocked' || $role eq 'member');
}


sub _may_step_down ($self, $user, $role) {
    return $role ne 'blocked' && $RANK{$role} <= $self->rank($user);
}


sub _member_remove ($self, $op, $data) {
    my ($user, $target) = ($op->{user}, $data->{userId});
    my $member = $self->{members}{$target};

    return 'forbidden' if $self->{type} eq 'dm' && $user ne OPERATOR;
    return 'forbidden'
        if $user ne $target && !$self->_above($user, $target, '');
    return 'not_found' if !$member;
    return 'conflict' if $self->_last_owner($target);

    return { change => sub ($revision) {
        $self->_set_role($revision, $target, undef);
    } };
}


# Who comes starts with everything read; who goes, or is blocked, is out.

sub _set_role ($self, $revision, $user, $role) {
    my $member = $self->{members}{$user};
    my $was = $member && $member->{role} ne 'blocked';
    my $is = defined $role && $role ne 'blocked';
    my $type = !$is ? 'left' : $was ? 'updated' : 'joined';
    my $text = defined $role ? qq("$role") : 'null';

    if (!defined $role) {
        delete $self->{members}{$user};

    } elsif ($was) {
        $member->{role} = $role;

    } else {
        $self->{members}{$user} = { role => $role, read => $self->last,
                                    delivered => $self->last };
        $self->{ever}{$user} = 1;
    }

    $self->_event($revision, qq({"type":"member.$type","data":)
        . qq({"conversationId":"$self->{id}","userId":"$user",)
        . qq("role":$text,"revision":$revision}}), undef,
        $is ? undef : $user);

    return;
}


# the reader of a channel becomes a member, and nobody is told

sub _enrol ($self, $user) {
    return $self->{members}{$user} //=
        { role => 'member', read => 0, delivered => 0 };
}


# Messages ----------------------------------------------------------------

sub _muted ($self, $user) {
    return $self->{read_only} && $self->rank($user) < $RANK{moderator};
}


sub _send ($self, $op, $data) {
    my ($user, $client) = ($op->{user}, $data->{clientMessageId});

    return 'bad_request' if $user eq OPERATOR;

    my $known = defined $client ? $self->{clients}{"$user $client"} : undef;

    if ($known) {
        return { take => sub ($reply) {
            return $reply->{data} eq $known ? '' : "expected $known";
        } };
    }

    return 'forbidden' if $self->_muted($user);

    if (defined $data->{replyTo}) {
        my $message = $self->{messages}{ $data->{replyTo} };

        return 'not_found' if !$message || $message->deleted;
    }

    my $slow = $self->_slow($op);

    return 'rate_limited' if $slow eq 'yes';
    return {
        take => sub ($reply) { return $self->_sent($op, $data, $reply) },
        $slow eq 'maybe' ? (maybe => 'rate_limited') : (),
    };
}


# Whether slow mode is in the way.  The clock is the server's: it is only known
# that it looked between sending and receiving.  When somebody sent last is not
# in PostgreSQL, so it may have been forgotten.

sub _slow ($self, $op) {
    my $wait = 1000 * $self->{slow_mode};
    my $member = $self->{members}{ $op->{user} };
    my $sent = $member && $member->{sent};

    return 'no' if !$wait || !$sent || !$self->_slowed($op->{user});

    my $low = $sent->{low} + $wait - $op->{got};
    my $high = $sent->{high} + $wait - $op->{sent};

    return 'no' if $high <= 0;
    $self->{slow} = [$low > 0 ? ceil($low / 1000) : 1, ceil($high / 1000)];

    return $low > 0 && !$sent->{forgotten} ? 'yes' : 'maybe';
}


sub _slowed ($self, $user) {
    return $self->{slow_mode} && $self->rank($user) < $RANK{moderator};
}


# Redis has lost what it held of the conversation

sub forget ($self) {
    $_->{sent} && ($_->{sent}{forgotten} = 1) for values %{ $self->{members} };

    return;
}


sub _sent ($self, $op, $data, $reply) {
    my ($id, $sequence, $revision, $time, $duplicate) =
        $reply->{data} =~ $SENT or return 'is not that of a message';
    my $user = $op->{user};

    $_ += 0 for $sequence, $revision;

    return 'is a duplicate' if $duplicate eq 'true';
    return 'is not the next message' if $sequence != $self->last + 1;
    return "the revision does not follow $self->{revision}"
        if !$self->_follows($revision);

    my $message = ChatTest::Model::Message->new(
        conversation => $self->{id},
        id           => $id,
        sender       => $user,
        client       => $data->{clientMessageId},
        content      => ${ $data->{content} },
        time         => $time,
        reply_to     => $data->{replyTo},
        mentions     => $data->{mentions},
        attachments  => $data->{attachments} && ${ $data->{attachments} },
        sequence     => $sequence,
        revision     => $revision,
    );

    $self->{messages}{$id} = $message;
    push @{ $self->{order} }, $message;
    $self->{clients}{"$user $data->{clientMessageId}"} =
        $reply->{data} =~ s/false\}\z/true}/r
        if defined $data->{clientMessageId};

    my $member = $self->_enrol($user);

    @$member{qw(read delivered)} = ($sequence, $sequence);
    $member->{sent} = $self->_slowed($user) ? _moment($op) : undef;

    $self->_event($revision, $message->event,
                  [message => $id, $message->data]);

    return '';
}


# The moment at which an operation takes effect, to be learnt.

sub _moment ($op) { return { low => $op->{sent}, high => $op->{got} } }


sub _message_edit ($self, $op, $data) {
    return 'forbidden' if $self->_muted($op->{user});

    my $message = $self->{messages}{ $data->{messageId} };

    return 'not_found' if !$message || $message->deleted;
    return 'forbidden'
        if $op->{user} ne OPERATOR && $message->{sender} ne $op->{user};

    return { change => sub ($revision) {
        $message->edit(${ $data->{content} }, $revision, _moment($op));
        $self->_event($revision, $message->event,
                      [message => $message->{id}, $message->data]);
    } };
}


sub _message_delete ($self, $op, $data) {
    my $message = $self->{messages}{ $data->{messageId} }
        // return 'not_found';

    return { same => 1 } if $message->deleted;
    return 'forbidden'
        if $message->{sender} ne $op->{user}
        && $self->rank($op->{user}) < $RANK{moderator};

    return { change => sub ($revision) {
        $message->erase($op->{user}, $revision, _moment($op));
        $self->_event($revision, $message->event,
                      [deleted => $message->{id}, $message->data]);
    } };
}


sub _reaction_add ($self, $op, $data) {
    my $message = $self->{messages}{ $data->{messageId} };

    return 'bad_request' if $op->{user} eq OPERATOR;
    return 'not_found' if !$message || $message->deleted;
    return { same => 1 } if $message->reacted($op->{user}, $data->{emoji});
    return 'too_large'
        if @{ $message->{reactions} } >= $self->{max_reactions};

    return { change => sub ($revision) {
        $message->react($op->{user}, $data->{emoji});
        $self->_reaction('added', $op, $revision);
    } };
}


sub _reaction_remove ($self, $op, $data) {
    my $message = $self->{messages}{ $data->{messageId} };

    return 'not_found' if !$message || $message->deleted;
    return { same => 1 } if !$message->reacted($op->{user}, $data->{emoji});

    return { change => sub ($revision) {
        $message->unreact($op->{user}, $data->{emoji});
        $self->_reaction('removed', $op, $revision);
    } };
}


sub _reaction ($self, $what, $op, $revision) {
    my $data = $op->{data};

    $self->_event($revision, qq({"type":"reaction.$what","data":)
        . qq({"conversationId":"$self->{id}",)
        . qq("messageId":"$data->{messageId}","userId":"$op->{user}",)
        . qq("emoji":"$data->{emoji}","revision":$revision}}));

    return;
}


# Marks -------------------------------------------------------------------

sub _mark ($self, $op, $data) {
    return { take => sub ($reply) {
        return 'expected {}' if $reply->{data} ne '{}';
        $self->_marked($op, $data);
        return '';
    } };
}


sub _marked ($self, $op, $data) {
    my $user = $op->{user};
    my $what = $op->{type} eq 'read.mark' ? 'read' : 'delivered';
    my $to = 0 + $data->{sequenceNumber};
    my $reader = !$self->{members}{$user};
    my $member = $self->_enrol($user);

    $to = $self->last if $to > $self->last;
    return if $to <= $member->{$what} && !$reader;

    $member->{$what} = $to;
    $member->{delivered} = $to if $member->{delivered} < $to;

    $self->_tell(receipts => ChatTest::Model::Text->new(
        qq({"type":"receipt.$what","data":{"conversationId":"$self->{id}",)
        . qq("userId":"$user","sequenceNumber":$to}})));

    return;
}

1;
