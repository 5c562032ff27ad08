# What is in PostgreSQL when all is over, by the "<tenant>/<conversation>" that
# it belongs to:
#
#     conversations  { type, name ..., revision, sequence, deleted }
#     generations    { generation => last revision that survived }
#     members        { user => { role, read, delivered, silent } }
#     messages       [{ data => as clients get it, sender, client => its id,
#                      created => revision }], the lowest sequence first
#     reactions      { "r <message> <user> <emoji>" => revision }, those there
#     wrong          what should not be there, as text
#
# It is kept beside the records, so that a run can be looked at again when its
# PostgreSQL is gone.

package ChatTest::Chaos::Storage;

use v5.36;

use ChatTest::Chaos::Json qw(decode encode);
use ChatTest::Command qw(must_run);

my ($psql) = reverse sort glob '/usr/lib/postgresql/*/bin/psql';

my $TIME = q{to_char(%s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')};

my %QUERY = (
    conversations => <<~'END',
        SELECT json_build_object(
            'place', tenant_id || '/' || conversation_id, 'type', type,
            'name', name, 'description', description, 'readOnly', read_only,
            'slowMode', slow_mode, 'createdBy', created_by,
            'revision', revision, 'sequence', last_sequence,
            'created_revision', created_revision,
            'deleted', deleted_at IS NOT NULL)
          FROM chat.conversation
        END
    generations => <<~'END',
        SELECT json_build_array(tenant_id || '/' || conversation_id,
                                generation, last_revision)
          FROM chat.conversation_generation
          JOIN chat.conversation USING (conversation_key)
        END
    members => <<~'END',
        SELECT json_build_object(
            'place', c.tenant_id || '/' || conversation_id, 'user', user_id,
            'role', role, 'read', last_read, 'delivered', last_delivered,
            'silent', silent)
          FROM chat.member JOIN chat.conversation c USING (conversation_key)
         WHERE c.deleted_at IS NULL
        END
    messages => sprintf(<<~'END', map { sprintf $TIME, $_ }
        SELECT json_build_object(
            'place', c.tenant_id || '/' || conversation_id, 'id', m.id,
            'senderId', sender_id, 'clientMessageId', client_id,
            'content', content, 'timestamp', %s,
            'replyTo', reply_to, 'mentions', mentions,
            'attachments', attachments, 'editedAt', %s, 'deletedAt', %s,
            'deletedBy', deleted_by, 'sequenceNumber', sequence,
            'revision', m.revision,
            'created', coalesce(m.created_revision, m.revision))
          FROM chat.message m JOIN chat.conversation c USING (conversation_key)
         WHERE c.deleted_at IS NULL
         ORDER BY sequence
        END
        qw(m.created_at edited_at m.deleted_at)),
    reactions => <<~'END',
        SELECT json_build_array(c.tenant_id || '/' || conversation_id,
            'r ' || message_id || ' ' || user_id || ' ' || emoji, r.revision)
          FROM chat.reaction r JOIN chat.conversation c USING (conversation_key)
         WHERE c.deleted_at IS NULL AND NOT removed
        END
    wrong => <<~'END',
        SELECT json_build_array('dead letter of partition ' || p || ' at '
                                || log_id || ': ' || reason)
          FROM chat.dead_letter
        UNION ALL
        SELECT json_build_array('partition ' || p || ' is stopped: ' || stopped)
          FROM chat.partition WHERE stopped IS NOT NULL
        UNION ALL
        SELECT json_build_array('client id ' || client_id || ' of ' || sender_id
                                || ' is there ' || count(*) || ' times')
          FROM chat.message WHERE client_id IS NOT NULL
         GROUP BY conversation_key, sender_id, client_id HAVING count(*) > 1
        UNION ALL
        SELECT json_build_array(coalesce(t.tenant_id, s.tenant_id) || '/'
                                || coalesce(t.user_id, s.user_id)
                                || CASE WHEN t.user_id IS NULL
                                        THEN ' is not' ELSE ' is' END
                                || ' in the circle of '
                                || coalesce(t.conversation_key,
                                            s.conversation_key))
          FROM chat.circle t FULL JOIN
               (SELECT m.tenant_id, m.user_id, m.conversation_key
                  FROM chat.member m
                  JOIN chat.conversation c USING (conversation_key)
                 WHERE m.role <> 'blocked' AND c.type <> 'channel'
                   AND c.deleted_at IS NULL) s
               ON s.tenant_id = t.tenant_id AND s.user_id = t.user_id
                  AND s.conversation_key = t.conversation_key
         WHERE t.user_id IS NULL OR s.user_id IS NULL
        END
);

my %TAKE = (
    conversations => sub ($s, $row) {
        $s->{conversations}{ $row->{place} } = $row;
        $s->{generations}{ $row->{place} }{ int $row->{revision} / 2 ** 32 } =
            $row->{revision};
    },
    generations => sub ($s, $row) {
        my ($place, $generation, $last) = @$row;

        $s->{generations}{$place}{$generation} //= $last;
    },
    members => sub ($s, $row) {
        $s->{members}{ $row->{place} }{ $row->{user} } = $row;
    },
    messages => sub ($s, $row) {
        push @{ $s->{messages}{ delete $row->{place} } }, _message($row);
    },
    reactions => sub ($s, $row) {
        my ($place, $thing, $revision) = @$row;

        $s->{reactions}{$place}{$thing} = $revision;
    },
    wrong => sub ($s, $row) { push @{ $s->{wrong} }, @$row },
);


# of a run: what is kept there, or what is found now, which is kept then

sub read ($directory, $postgres) {
    my $file = "$directory/stored.json";

    if (!-e $file) {
        open my $out, '>', $file or die "cannot write $file: $!\n";
        print $out encode(_look($postgres));
    }

    open my $in, '<', $file or die "cannot read $file: $!\n";

    return decode(scalar <$in>);
}


sub _look ($postgres) {
    my $stored = { wrong => [] };

    # what becomes of conversations comes first
    for my $what (qw(conversations generations members messages reactions
                     wrong)) {
        my $text = must_run($psql, '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d',
                            $postgres, '-c', $QUERY{$what});

        $TAKE{$what}->($stored, decode($_)) for split /\n/, $text;
    }

    return $stored;
}


# data: as clients get it; and what they do not: sender, client, created

sub _message ($row) {
    my $deleted = defined $row->{deletedAt};
    my @without = $deleted
        ? qw(senderId clientMessageId content timestamp replyTo mentions
             attachments editedAt)
        : qw(deletedBy);
    my %kept = (
        sender  => $row->{senderId},
        client  => $row->{clientMessageId},
        created => delete $row->{created},
    );

    delete @$row{@without};
    delete $row->{clientMessageId} if ($row->{clientMessageId} // '') =~ /^ /;
    delete @$row{grep { !defined $row->{$_} && $_ ne 'deletedBy' } keys %$row};

    return { data => $row, %kept };
}

1;
