# Drives random operations against the real servers and holds what comes of
# them against the model.
#
# In each conversation there is one operation at a time (or a burst of one
# session, which has an order): so the model knows what must come of it.  It is
# over when its reply is there and every session that listens has had what it
# must get, and nothing else.  Many conversations go on at once.
#
# An operation: { type, user, data }, the user being '' for the operator; drop
# => 1 if Redis shall forget the conversation; bad => code if it is wrong
# whatever there is; repeatable => 1 if a creation may find what it has made.
# Added here: session, sent and got (ms), look, number.

package ChatTest::Model::Driver;

use v5.36;

use Carp qw(croak);
use Time::HiRes qw(time);

use ChatTest::Hint qw(is_hint);
use ChatTest::Model::Conversation;
use ChatTest::Model::Dice qw(throw pick);
use ChatTest::Model::Link;
use ChatTest::Model::Look qw(join_wrong history_wrong members_wrong
    list_wrong);
use ChatTest::Model::Operator;
use ChatTest::Model::Storage;

use constant {
    STORY   => 30,         # operations of a conversation that are kept
    PATIENCE => 60,        # seconds for one operation
    AGAIN   => 0.2,        # what was unavailable is tried again after
    IDLE_EACH => 5,        # of so many conversations one is dropped then
};

my %LOOK = (
    'conversation.join' => \&join_wrong,
    'history.get'       => \&history_wrong,
    'member.list'       => \&members_wrong,
);

my %RAW = map { $_ => 1 } qw(afterRevision sequenceNumber limit beforeSequence
    afterSequence slowMode);

my $REPLY = qr/\A\{"type":"reply","id":(\d+),"ok":(?:true,"data":(.*)
    |false,"error":\{"code":"(\w+)","message":"(?:[^"\\]|\\.)*"
     (?:,"retryAfter":(\d+))?\})\}\z/xs;


# chat: a ChatTest that runs; tenants => { name => { users, admins } };
# conversations: ChatTest::Model::Conversation; window: operations at once;
# library: see ChatTest::Model::Storage

sub new ($class, %o) {
    my $self = bless {
        window   => 48,
        count    => 0,        # operations begun
        counts   => {},       # type and outcome => how often
        links    => {},       # fd => link
        sessions => {},       # "<tenant> <user>" => [links]
        drops    => [],       # conversations that Redis shall forget
        busy     => 0,
        %o,
    }, $class;

    $self->{storage} = ChatTest::Model::Storage->new($o{chat},
        defined $o{library} ? (library => $o{library}) : ());
    $self->{operator} = ChatTest::Model::Operator->new($self->{storage});

    return $self;
}


# a session of a user, on either node

sub connect ($self, $tenant, $user, %where) {
    my $roles = $tenant->{admins}{$user} ? { roles => ['admin'] } : {};
    my $client = $self->{chat}->connect(user => $user, %where,
        claims => { tid => $tenant->{name}, %$roles });
    my $link = ChatTest::Model::Link->new($client,
        tenant => $tenant, user => $user,
        name => "$tenant->{name}/$user/" . ++$self->{named});

    $self->{links}{ $link->fd } = $link;
    push @{ $self->{sessions}{"$tenant->{name} $user"} }, $link;

    return $client;
}


sub counts ($self) { return %{ $self->{counts} } }


# As many operations, then a rest: nothing is under way.

sub run ($self, $operations) {
    my $end = $self->{count} + $operations;

    while ($self->{count} < $end || $self->{busy}) {
        $self->_begin_some if $self->{count} < $end;
        $self->_wait(0.02);
    }

    return;
}


# Beginning -----------------------------------------------------------------

sub _begin_some ($self) {
    my $all = $self->{conversations};

    for (1 .. 2 * @$all) {
        last if $self->{busy} >= $self->{window};

        my $c = pick(@$all);
        next if $c->{busy};
        $self->_begin($c, throw($self, $c));
    }

    return;
}


sub _begin ($self, $c, @ops) {
    $self->{count} += @ops;

    if ($ops[0]{drop}) {
        $self->_drop($c);
        return;
    }

    $c->{busy} = [@ops];
    $c->{begun} = time;
    $self->{busy}++;

    if ($ops[0]{user} eq '') {
        $self->_operate($c, @ops);
        return;
    }

    my $user = "$c->{tenant}{name} $ops[0]{user}";
    my $link = pick(@{ $self->{sessions}{$user} });

    $self->_post($c, $link, $_) for @ops;

    return;
}


# the operator has no session, and gets an answer at once

sub _operate ($self, $c, $op) {
    $op->{number} = ++$self->{number};
    $op->{session} = 'the operator';
    $op->{conversation} = $c;
    $op->{sent} = 1000 * time;
    $op->{text} = _json($op->{data});

    _tell($c, $op);
    $self->_answered(undef, $op, $self->{operator}->reply($c, $op));
    $self->{counts}{'by the operator'}++;

    return;
}


# Redis may forget a conversation once all of it is stored; until then nothing
# else happens to it.

sub _drop ($self, $c) {
    return if !defined $c->{id};

    $c->{busy} = [];
    $c->{begun} = time;
    $self->{busy}++;
    push @{ $self->{drops} }, $c;

    return;
}


sub _drop_some ($self) {
    my @late;

    for my $c (splice @{ $self->{drops} }) {
        if (!$self->{storage}->drop($c->{tenant}{name}, $c->{id})) {
            push @late, $c;
            next;
        }

        $self->{counts}{dropped}++;
        $c->forget;
        $c->{busy} = undef;
        $self->{busy}--;
        _tell($c, { number => $self->{number}, type => 'Redis forgets it' });
    }

    push @{ $self->{drops} }, @late;

    return;
}


# What is idle leaves Redis whatever is under way: nobody must notice.  They take
# turns, lest the dice depend on time.

sub _idle_some ($self) {
    my $turn = $self->{turn}++;

    for my $c (grep { defined $_->{id} } @{ $self->{conversations} }) {
        next if $turn++ % IDLE_EACH;

        $self->{counts}{'dropped in the midst'} +=
            $self->{storage}->idle($c->{tenant}{name}, $c->{id});
    }

    return;
}


sub _post ($self, $c, $link, $op) {
    $op->{number} = ++$self->{number};
    $op->{session} = $link->{name};
    $op->{link} = $link;
    $op->{conversation} = $c;
    $op->{look} = $LOOK{ $op->{type} };
    $op->{sent} = 1000 * time;
    $op->{text} = _json($op->{data});

    _tell($c, $op);

    my $id = $link->post($op->{type}, $op->{text});
    $link->{pending}{$id} = $op;

    return;
}


sub _json ($data) {
    return '{' . join(',', map {
        my $value = $data->{$_};

        qq("$_":) . (ref $value eq 'SCALAR' ? $$value
            : ref $value ? '[' . join(',', map { qq("$_") } @$value) . ']'
            : $RAW{$_} ? $value : qq("$value"));
    } sort keys %$data) . '}';
}


# Hearing -----------------------------------------------------------------

# what comes within some seconds

sub _wait ($self, $seconds) {
    my $bits = '';

    vec($bits, $_, 1) = 1 for keys %{ $self->{links} };

    if (0 < select $bits, undef, undef, $seconds) {
        for my $fd (keys %{ $self->{links} }) {
            next if !vec $bits, $fd, 1;

            my $link = $self->{links}{$fd};
            $self->_hear($link, $_) for $link->read;
        }
    }

    $self->_look_at_clock;

    return;
}


# now and then: whether all goes on, and what has to be asked again

sub _look_at_clock ($self) {
    my $now = time;

    return if $now < ($self->{looked} // 0) + AGAIN;
    $self->{looked} = $now;
    $self->{storage}->count_needs;
    $self->_drop_some;
    $self->_idle_some;

    my @again = splice @{ $self->{again} //= [] };
    $self->_post(@$_) for @again;

    for my $c (@{ $self->{conversations} }) {
        next if !$c->{busy} || $now < $c->{begun} + PATIENCE;
        $self->_fail($c, 'it does not end: ' . _open($c));
    }

    return;
}


# what of an operation is still to come

sub _open ($c) {
    my @open = map { "a reply to #$_->{number}" } @{ $c->{busy} };

    for my $queue (qw(due receipts)) {
        for my $session (sort keys %{ $c->{$queue} }) {
            push @open, "$session: " . $_->text for @{ $c->{$queue}{$session} };
        }
    }

    return join "\n    ", @open;
}


sub _hear ($self, $link, $text) {
    if ($text =~ $REPLY) {
        my $op = delete $link->{pending}{$1}
            // croak "$link->{name}: a reply to nothing: $text";

        $self->_answered($link, $op, {
            ok => defined $2, data => $2, code => $3, retry => $4,
            text => $text,
        });

        return;
    }

    return if is_hint($text);       # of what it has not joined

    my ($id) = $text =~ /"conversationId":"([^"]+)"/;
    my $c = $link->{tenant}{by_id}{ $id // '' }
        // croak "$link->{name}: of no conversation: $text";
    my $queue = $text =~ /^\{"type":"receipt/ ? 'receipts' : 'due';

    push @{ $c->{heard}{$queue}{ $link->{name} } }, $text;
    $self->_settle($c);

    return;
}


sub _answered ($self, $link, $op, $reply) {
    my $c = $op->{conversation};

    $op->{got} = 1000 * time;
    $op->{reply} = $reply->{text};

    return $op->{then}->($reply) if $op->{then};

    if (!$reply->{ok} && $reply->{code} eq 'unavailable') {
        $self->{counts}{unavailable}++;
        push @{ $self->{again} }, [$c, $link, $op];
        return;
    }

    my $first = shift @{ $c->{busy} };

    $self->_fail($c, "a reply to #$op->{number}, out of order")
        if $first != $op;

    my $wrong = $c->take($op, $reply);
    $self->{counts}{ $op->{type} . ' ' . ($reply->{code} // 'ok') }++;

    $self->_fail($c, "the reply to #$op->{number}: $wrong\n    "
                     . $reply->{text}) if $wrong;

    $c->{tenant}{by_id}{ $c->{id} } = $c if defined $c->{id};
    $self->_join_on($c, $link, $op, $reply);
    $self->_settle($c);

    return;
}


# a join that was not complete goes on from where it ended

sub _join_on ($self, $c, $link, $op, $reply) {
    return if !$op->{walk} || !$reply->{ok}
        || $reply->{data} !~ /"complete":false,"reset":\w+\}\z/;

    $self->{counts}{'joins in parts'}++;

    my $next = { %$op, data => { %{ $op->{data} },
                                 afterRevision => $op->{walk}{seen} } };

    unshift @{ $c->{busy} }, $next;
    $self->_post($c, $link, $next);

    return;
}


# Holds what was heard against what was due; the operation may be over then.

sub _settle ($self, $c) {
    for my $queue (qw(due receipts)) {
        my $heard = $c->{heard}{$queue} // next;

        for my $session (keys %$heard) {
            my $due = $c->{$queue}{$session} // next;
            my $texts = $heard->{$session};

            while (@$texts && @$due) {
                my $text = shift @$texts;
                my $expected = shift @$due;

                $self->_fail($c, "$session got\n    $text\n  expected\n    "
                             . $expected->text)
                    if !$expected->matches($text);
                $self->{counts}{ $queue eq 'due' ? 'events' : $queue }++;
            }

            delete $heard->{$session} if !@$texts;
            delete $c->{$queue}{$session} if !@$due;
        }
    }

    return if !$c->{busy} || @{ $c->{busy} }
        || %{ $c->{due} } || %{ $c->{receipts} };

    for my $queue (qw(due receipts)) {
        my ($session, $texts) = %{ $c->{heard}{$queue} // {} };

        $self->_fail($c, "$session got what nobody should get: $texts->[0]")
            if $session;
    }

    $c->{busy} = undef;
    $self->{busy}--;

    return;
}


# Rests -------------------------------------------------------------------

# Lists the conversations of every user and holds them against the model.

sub check_lists ($self) {
    my $open = 0;

    for my $name (sort keys %{ $self->{sessions} }) {
        $open++;
        $self->_list(pick(@{ $self->{sessions}{$name} }), undef, [],
                     \$open);
    }

    my $deadline = time + PATIENCE;

    while ($open) {
        $self->_wait(0.1);
        croak 'conversation.list is not answered' if time > $deadline;
    }

    return;
}


sub _list ($self, $link, $cursor, $items, $open) {
    my %data = (limit => 1 + int rand 20,
                defined $cursor ? (cursor => $cursor) : ());
    my $op = { type => 'conversation.list', sent => 1000 * time };
    my $name = "conversation.list of $link->{name}";

    $op->{then} = sub ($reply) {
        $self->{counts}{'conversation.list'}++;

        my ($raw, $next) = ($reply->{data} // '') =~
            /\A\{"items":\[(.*)\],"nextCursor":(?:null|"([^"]+)")\}\z/s
            or croak "$name: $reply->{text}";

        push @$items, ChatTest::Model::Look::elements($raw);

        return $self->_list($link, $next, $items, $open) if defined $next;

        my ($wrong, $c) = list_wrong(
            [grep { $_->{tenant} == $link->{tenant} }
                @{ $self->{conversations} }], $link->{user}, @$items);
        $self->_fail($c, "$name: $wrong") if $c;
        croak "$name: $wrong" if $wrong;
        $$open--;
    };

    $link->{pending}{ $link->post($op->{type}, _json(\%data)) } = $op;

    return;
}


# Redis loses all it has, after all of it was stored.

sub empty_redis ($self) {
    $self->{storage}->empty;
    $_->forget for @{ $self->{conversations} };

    return;
}


# What clients know by events is what is so.

sub check_end ($self) {
    for my $c (@{ $self->{conversations} }) {
        my $wrong = $c->client_wrong;

        $self->_fail($c, "what clients have: $wrong") if $wrong;
    }

    return;
}


# what PostgreSQL has, against the model

sub check_storage ($self) {
    my $wrong = $self->{storage}->wrong(@{ $self->{conversations} });

    croak "PostgreSQL: $wrong" if $wrong;

    return;
}


sub needs ($self) { return $self->{storage}->needs }


# The story of a conversation -------------------------------------------------

sub _tell ($c, $op) {
    push @{ $c->{story} }, $op;
    shift @{ $c->{story} } if @{ $c->{story} } > STORY;

    return;
}


sub _fail ($self, $c, $what) {
    my @story = map {
        my $line = "  #$_->{number} "
            . join ' ', grep { defined } @$_{qw(session type text)};

        $line .= "\n    -> " . _short($_->{reply}) if defined $_->{reply};
        $line .= "\n    expected: $_->{expected}" if defined $_->{expected};
        $line;
    } @{ $c->{story} };

    croak join "\n", "operation $self->{number}, $c->{type} "
        . ($c->{id} // 'not made yet') . " of $c->{tenant}{name}: $what",
        'the story of the conversation:', @story, '';
}


sub _short ($text) {
    return length $text < 1000 ? $text
        : substr($text, 0, 700) . ' ... ' . substr $text, -200;
}

1;
