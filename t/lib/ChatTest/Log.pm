# What a partition's log says, stored one event after the other: what the
# tables have to be, however chat-persist cuts the log into transactions.  Rows
# are lines, as psql prints them.

package ChatTest::Log;

use v5.36;

my %apply = (
    message => \&_message,
    edit    => \&_edit,
    delete  => \&_delete,
    react   => \&_react,
    unreact => \&_react,
    create  => \&_create,
    update  => \&_update,
    close   => \&_close,
    member  => \&_member,
    join    => \&_join,
);

# what psql is asked for, in the columns of rows()
my %select = (
    conversation => <<~'END',
        SELECT conversation_id, conversation_key, type, name, description,
               read_only, slow_mode, settings_revision, created_revision,
               last_sequence, revision, deleted_revision,
               deleted_at IS NOT NULL
        FROM chat.conversation
        END
    member => <<~'END',
        SELECT m.conversation_key, user_id, role, last_read, last_delivered,
               joined_revision, m.revision, silent
        FROM chat.member m JOIN chat.conversation c USING (conversation_key)
        WHERE deleted_at IS NULL
        END
    message => <<~'END',
        SELECT id, m.conversation_key, sequence, m.revision,
               coalesce(m.created_revision, m.revision), sender_id,
               client_id, content, reply_to, array_to_string(mentions, ','),
               attachments, edited_at IS NOT NULL,
               m.deleted_at IS NOT NULL, deleted_by
        FROM chat.message m JOIN chat.conversation c USING (conversation_key)
        WHERE c.deleted_at IS NULL
        END
    version => <<~'END',
        SELECT message_id, v.revision, v.content
        FROM chat.message_version v
        JOIN chat.message m ON m.p = v.p AND m.id = v.message_id
        JOIN chat.conversation c USING (conversation_key)
        WHERE c.deleted_at IS NULL
        END
    reaction => <<~'END',
        SELECT r.conversation_key, message_id, user_id, emoji, r.revision,
               removed
        FROM chat.reaction r JOIN chat.conversation c USING (conversation_key)
        WHERE deleted_at IS NULL
        END
    mention => <<~'END',
        SELECT user_id, message_id, n.conversation_key
        FROM chat.mention n JOIN chat.conversation c USING (conversation_key)
        WHERE deleted_at IS NULL
        END
);


sub new ($class) {
    return bless { map { $_ => {} } keys %select }, $class;
}


# an entry: its fields as XRANGE gives them

sub take ($self, @fields) {
    my %e = @fields;

    $apply{ $e{k} }->($self, \%e);

    my $c = $self->{conversation}{ $e{c} };
    $c->{revision} = $e{r} if $e{r} > $c->{revision};

    return;
}


sub tables ($self) { return sort keys %select }


sub select ($self, $table) { return $select{$table} }


# the rows of a table as they must be, sorted

sub rows ($self, $table) {
    my $line = $self->can("_line_of_$table");

    return sort map { join '|', map { $_ // '' } $line->($_) }
        grep { $table eq 'conversation' || !$self->_gone($_) }
        values %{ $self->{$table} };
}


# what is of a conversation that is deleted, or made again since

sub _gone ($self, $row) {
    my $c = $self->{conversation}{ $row->{c} };

    return $c->{key} ne $row->{v} || $c->{deleted};
}


sub _line_of_conversation ($c) {
    return @$c{qw(id key type name description read_only slow_mode
                  settings_revision created_revision sequence revision
                  deleted_revision)}, $c->{deleted} ? 't' : 'f';
}


sub _line_of_member ($m) {
    return @$m{qw(v user role read delivered joined_revision revision)},
        $m->{silent} ? 't' : 'f';
}


sub _line_of_message ($m) {
    return @$m{qw(id v sequence revision created_revision sender client_id
                  content reply_to mentions attachments)},
        $m->{edited} ? 't' : 'f', $m->{deleted} ? 't' : 'f',
        $m->{deleted_by};
}


sub _line_of_version ($v)  { return @$v{qw(id revision content)} }
sub _line_of_mention ($n)  { return @$n{qw(user id v)} }


sub _line_of_reaction ($r) {
    return @$r{qw(v id user emoji revision)}, $r->{removed} ? 't' : 'f';
}


sub _create ($self, $e) {
    my $was = $self->{conversation}{ $e->{c} };

    $self->{conversation}{ $e->{c} } = {
        id => $e->{c} =~ s{.*/}{}r, key => $e->{v}, type => $e->{y},
        name => $e->{n}, description => '', read_only => 'f', slow_mode => 0,
        settings_revision => 0, created_revision => $e->{r}, sequence => 0,
        revision => $e->{r},
        deleted_revision => $was ? $was->{deleted_revision} : 0,
    };

    for (split /,/, $e->{m}) {
        my ($user, $role) = split / /;
        $self->_joins($e, $user, 0);
        $self->_member_of($e, $user)->{role} = $role;
    }

    return;
}


sub _update ($self, $e) {
    my $c = $self->{conversation}{ $e->{c} };

    @$c{qw(name description read_only slow_mode settings_revision)} =
        (@$e{qw(n d)}, $e->{o} ? 't' : 'f', @$e{qw(w r)});

    return;
}


sub _close ($self, $e) {
    my $c = $self->{conversation}{ $e->{c} };

    @$c{qw(name description deleted deleted_revision)} = ('', '', 1, $e->{r});

    return;
}


sub _member_of ($self, $e, $user) {
    return $self->{member}{"$e->{v} $user"} //= {
        c => $e->{c}, v => $e->{v}, user => $user, read => $e->{q} // 0,
        delivered => $e->{q} // 0, joined_revision => 0, revision => 0,
    };
}


sub _joins ($self, $e, $user, $mark, $revision = 0) {
    my $m = $self->_member_of($e, $user);

    @$m{qw(read delivered joined_revision)} = ($mark, $mark, $revision);

    return;
}


sub _becomes ($self, $e, $user) {
    my $m = $self->_member_of($e, $user);

    @$m{qw(role silent)} = ('member', 1);

    return;
}


sub _member ($self, $e) {
    my $m = $self->_member_of($e, $e->{g});

    @$m{qw(role revision silent)} = (length $e->{y} ? $e->{y} : undef,
                                     $e->{r}, 0);
    $self->_joins($e, $e->{g}, $e->{q}, $e->{r}) if $e->{j};

    return;
}


# its marks come by themselves

sub _join ($self, $e) {
    $self->_joins($e, $e->{g}, 0);
    $self->_becomes($e, $e->{g});

    return;
}


sub _message ($self, $e) {
    $self->{message}{ $e->{i} } = {
        c => $e->{c}, v => $e->{v}, id => $e->{i}, sequence => $e->{q},
        revision => $e->{r}, created_revision => $e->{r},
        sender => $e->{u}, client_id => $e->{x}, content => $e->{b},
        reply_to => $e->{p}, mentions => $e->{m}, attachments => $e->{f},
    };

    for (split /,/, $e->{m} // '') {
        $self->{mention}{"$_ $e->{i}"} = {
            c => $e->{c}, v => $e->{v}, user => $_, id => $e->{i},
        };
    }

    $self->{conversation}{ $e->{c} }{sequence} = $e->{q};

    if ($e->{j}) {
        $self->_joins($e, $e->{u}, $e->{q});
        $self->_becomes($e, $e->{u});
    }

    return;
}


sub _edit ($self, $e) {
    my $m = $self->{message}{ $e->{i} };

    $self->{version}{"$e->{i} $m->{revision}"} = {
        c => $e->{c}, v => $e->{v}, id => $e->{i},
        revision => $m->{revision}, content => $m->{content},
    };
    @$m{qw(revision content edited)} = (@$e{qw(r b)}, 1);

    return;
}


sub _delete ($self, $e) {
    my $m = $self->{message}{ $e->{i} };

    @$m{qw(revision deleted deleted_by)} =
        ($e->{r}, 1, length $e->{u} ? $e->{u} : undef);
    delete @$m{qw(content reply_to mentions attachments edited)};

    for my $table (qw(version mention reaction)) {
        my $rows = $self->{$table};
        delete @$rows{grep { $rows->{$_}{id} eq $e->{i} } keys %$rows};
    }

    return;
}


sub _react ($self, $e) {
    $self->{reaction}{"$e->{i} $e->{u} $e->{y}"} = {
        c => $e->{c}, v => $e->{v}, id => $e->{i}, user => $e->{u},
        emoji => $e->{y}, revision => $e->{r}, removed => $e->{k} eq 'unreact',
    };

    return;
}

1;
