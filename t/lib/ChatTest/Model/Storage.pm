# What the property test does beside clients: it looks at what is stored, makes
# Redis forget, and counts what had to be asked of PostgreSQL.

package ChatTest::Model::Storage;

use v5.36;

use Carp qw(croak);
use Compress::Zlib qw(crc32);
use File::Path qw(remove_tree);

use ChatTest::Json qw(decode encode);
use ChatTest::Model::Redis;
use ChatTest::Wait qw(wait_until);

use constant PARTITIONS => 16;

# All keys of a conversation go in one call, if all of it is stored; also if
# somebody waits in slow mode, when the library would not do it.
my $DROP = <<~'END';
    local prefix, base, name = KEYS[1], KEYS[2], ARGV[1]

    for _, entry in ipairs(redis.call('XRANGE', prefix .. 'log', '-', '+')) do
        for i = 1, #entry[2], 2 do
            if entry[2][i] == 'c' and entry[2][i + 1] == name then
                return 0
            end
        end
    end

    local key = redis.call('HGET', base .. ':meta', 'key') or ''

    for _, field in ipairs(redis.call('HKEYS', prefix .. 'marks')) do
        if string.sub(field, 1, #key + 1) == key .. ' ' then
            return 0
        end
    end

    redis.call('UNLINK', base .. ':meta', base .. ':members', base .. ':hot',
               base .. ':ids')

    return 1
    END

# Nothing waits: neither events nor marks.
my $REST = <<~'END';
    local n = 0

    for p = 0, tonumber(ARGV[1]) - 1 do
        local prefix = string.format('chat:{p%02d}:', p)

        n = n + redis.call('XLEN', prefix .. 'log')
            + redis.call('HLEN', prefix .. 'marks')
    end

    return n
    END


# library: the text of another function library, to be used instead

sub new ($class, $chat, %o) {
    my $self = bless { chat => $chat, needs => {}, %o }, $class;

    $self->_connect;

    return $self;
}


sub _connect ($self) {
    $self->{redis} = ChatTest::Model::Redis->new(
        $self->{chat}->directory . '/redis.sock');
    $self->{seen} = { map { sprintf('chat:{p%02d}:need', $_) => '0-0' }
                          0 .. PARTITIONS - 1 };
    $self->{redis}->call('FUNCTION', 'LOAD', 'REPLACE', $self->{library})
        if defined $self->{library};

    return;
}


sub redis ($self) { return $self->{redis} }


# the prefix of its partition, and the base of its keys

sub place ($self, $tenant, $id) {
    my $prefix = sprintf 'chat:{p%02d}:',
        crc32("$tenant/$id") % PARTITIONS;

    return ($prefix, "${prefix}c:$tenant/$id");
}


# a function of the library, called as a node would call it

sub fcall ($self, $tenant, $id, $function, @arguments) {
    my ($prefix, $base) = $self->place($tenant, $id);
    my $identity = $self->{redis}->call('HGET', "${prefix}part", 'identity');

    return $self->{redis}->call('FCALL', $function, 2, $prefix, $base,
                                $identity, PARTITIONS, @arguments);
}


sub ask ($self, $tenant, $id, @fields) {
    my ($prefix, $base) = $self->place($tenant, $id);

    return $self->{redis}->call('XADD', "${prefix}need", '*',
                                c => "$tenant/$id", @fields);
}


# what chat-persist does with what is idle, to those of these conversations
# that it may be done to; how many these are

sub idle ($self, $tenant, $id) {
    my ($prefix, $base) = $self->place($tenant, $id);
    my @part = @{ $self->{redis}->call('HMGET', "${prefix}part",
                                       qw(fence identity generation)) };

    return $self->{redis}->call('FCALL', 'chat_v1_idle', 2, $prefix, $base,
                                @part, 0)->[1];
}


# whether Redis has forgotten it

sub drop ($self, $tenant, $id) {
    return 1 if $self->idle($tenant, $id);

    my (undef, $base) = $self->place($tenant, $id);
    my ($slow, $gone) = @{ $self->{redis}->call('HMGET', "$base:meta",
                                                qw(slow gone)) };

    return 0 if ($slow // 1) == 0 && !$gone;
    return $self->{redis}->call('EVAL', $DROP, 2, $self->place($tenant, $id),
                                "$tenant/$id");
}


# counts needs by kind, those that came since the last time

sub count_needs ($self) {
    my $seen = $self->{seen};
    my @keys = sort keys %$seen;
    my $streams = $self->{redis}->call('XREAD', 'COUNT', 10_000, 'STREAMS',
                                       @keys, @$seen{@keys});

    for (@{ $streams // [] }) {
        my ($key, $entries) = @$_;

        $seen->{$key} = $entries->[-1][0];

        for my $entry (@$entries) {
            my %fields = @{ $entry->[1] };

            $self->{needs}{ $fields{k} }++;
        }
    }

    return;
}


sub needs ($self) {
    $self->count_needs;

    return %{ $self->{needs} };
}


# waits until everything is in PostgreSQL, marks included

sub wait_stored ($self) {
    return wait_until {
        $self->{redis}->call('EVAL', $REST, 0, PARTITIONS) == 0;
    } 30;
}


sub empty ($self) {
    my $chat = $self->{chat};

    $self->wait_stored;
    $self->count_needs;
    $chat->kill('redis');
    remove_tree($chat->directory . '/appendonlydir');
    $chat->restart('redis');
    $chat->wait_ready;
    $self->_connect;

    return;
}


# Looking at what is stored -----------------------------------------------

# One line per thing, the database's and the model's, which must be the same.
# Of a conversation that was deleted nothing is told but that it is.  A client
# id that begins with a space was made by the node.

my %QUERY = (
    conversations => <<~'END',
        SELECT concat_ws('|', tenant_id, conversation_id, type,
                         CASE WHEN deleted_at IS NULL THEN 'live'
                              ELSE 'deleted' END,
                         revision,
                         CASE WHEN deleted_at IS NULL
                              THEN concat_ws('|', last_sequence, name,
                                             description, read_only, slow_mode,
                                             created_by) END)
          FROM chat.conversation
        END
    members => <<~'END',
        SELECT concat_ws('|', c.tenant_id, conversation_id, user_id, role,
                         CASE WHEN role <> 'blocked' THEN last_read END,
                         CASE WHEN role <> 'blocked' THEN last_delivered END)
          FROM chat.member JOIN chat.conversation c USING (conversation_key)
         WHERE c.deleted_at IS NULL AND role IS NOT NULL
        END
    circle => <<~'END',
        SELECT concat_ws('|', t.tenant_id,
                         coalesce(conversation_id, 'of no conversation'),
                         user_id)
          FROM chat.circle t LEFT JOIN chat.conversation USING
               (conversation_key)
        END
    messages => <<~'END',
        SELECT concat_ws('|', c.tenant_id, conversation_id, sequence, m.id,
                         m.revision, sender_id,
                         CASE WHEN client_id NOT LIKE ' %' THEN client_id
                              ELSE '-' END,
                         coalesce(content::text, '-'),
                         coalesce(reply_to::text, '-'),
                         coalesce(array_to_string(mentions, ','), '-'),
                         coalesce(attachments::text, '-'),
                         CASE WHEN m.deleted_at IS NOT NULL
                              THEN 'deleted by ' || coalesce(deleted_by, '-')
                              WHEN edited_at IS NOT NULL THEN 'edited'
                              ELSE 'as sent' END)
          FROM chat.message m JOIN chat.conversation c USING (conversation_key)
         WHERE c.deleted_at IS NULL
        END
    reactions => <<~'END',
        SELECT concat_ws('|', c.tenant_id, conversation_id, message_id,
                         user_id, emoji)
          FROM chat.reaction JOIN chat.conversation c USING (conversation_key)
         WHERE c.deleted_at IS NULL AND NOT removed
        END
    versions => <<~'END',
        SELECT concat_ws('|', c.tenant_id, conversation_id, m.id, v.content)
          FROM chat.message_version v
          JOIN chat.message m ON m.p = v.p AND m.id = v.message_id
          JOIN chat.conversation c USING (conversation_key)
         WHERE c.deleted_at IS NULL
        END
);

my %LINES = (
    conversations => \&_conversation_line,
    members       => \&_member_lines,
    circle        => \&_circle_lines,
    messages      => sub ($c) { return map { _message_line($_) }
                                    @{ $c->{order} } },
    reactions     => sub ($c) { return map { _reaction_lines($_) }
                                    @{ $c->{order} } },
    versions      => sub ($c) { return map { _version_lines($_) }
                                    @{ $c->{order} } },
);


sub _conversation_line ($c) {
    return join '|', $c->{type}, 'deleted', $c->{revision} if !$c->{exists};

    return join '|', $c->{type}, 'live', $c->{revision}, $c->last,
        $c->{name} // '', $c->{description} // '',
        $c->{read_only} ? 't' : 'f', $c->{slow_mode}, $c->{creator};
}


sub _member_lines ($c) {
    my $members = $c->{members};

    return map {
        my ($role, @marks) = @{ $members->{$_} }{qw(role read delivered)};

        join '|', $_, $role, $role eq 'blocked' ? () : @marks;
    } keys %$members;
}


# who shares it with others

sub _circle_lines ($c) {
    my $members = $c->{members};

    return if $c->{type} eq 'channel';
    return grep { $members->{$_}{role} ne 'blocked' } keys %$members;
}


sub _reaction_lines ($message) {
    return map { join '|', $message->{id}, @$_ } @{ $message->{reactions} };
}


sub _version_lines ($message) {
    return map { "$message->{id}|$_" } @{ $message->{versions} };
}


sub _message_line ($message) {
    my $deleted = $message->{deleted};
    my $mentions = $message->{mentions};

    return join '|', @$message{qw(sequence id revision sender)},
        $message->{client} // '-', $message->{content} // '-',
        $message->{reply_to} // '-',
        $mentions ? join(',', @$mentions) : '-',
        $message->{attachments} // '-',
        $deleted ? 'deleted by ' . ($deleted->{by} eq '' ? '-' : $deleted->{by})
        : $message->{edited} ? 'edited' : 'as sent';
}


# what is expected of the same thing

sub _instead ($line, %expected) {
    my $same = join '|', (split /\|/, $line)[0 .. 2];
    my @lines = grep { $expected{$_} && /^\Q$same\E\|/ } sort keys %expected;

    return join "\n  expected ", '', @lines;
}


# what is not as it should be, or ''

sub wrong ($self, @conversations) {
    $self->wait_stored;

    for my $what (sort keys %QUERY) {
        my (%expected, %tenants);

        $tenants{ $_->{tenant}{name} } = 1 for @conversations;

        for my $c (grep { defined $_->{id} } @conversations) {
            $expected{"$c->{tenant}{name}|$c->{id}|$_"}++
                for $LINES{$what}->($c);
        }

        for (split /\n/, $self->{chat}->psql($QUERY{$what})) {
            next if !$tenants{ (split /\|/)[0] };
            $expected{$_}-- or return "$what: there is $_"
                . _instead($_, %expected);
        }

        for (sort keys %expected) {
            return "$what: there is no $_" if $expected{$_};
        }
    }

    return '';
}

1;
