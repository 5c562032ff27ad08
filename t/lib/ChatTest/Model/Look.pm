# What looking at a conversation of the model must show: join, history.get,
# member.list and conversation.list.  Each function says what is wrong with an
# answer, or ''.

package ChatTest::Model::Look;

use v5.36;

use Exporter qw(import);

use ChatTest::Json qw(decode encode);
use ChatTest::Model::State qw(read_change);

our @EXPORT_OK = qw(join_wrong history_wrong members_wrong list_wrong);

use constant FULL => 256_000;        # bytes; the bound is a bit more

# a value without a look at what is in it
my $OBJECT = qr/(\{(?:"(?:[^"\\]++|\\.)*+"|[^{}"]++|(?1))*+\})/s;

my $JOINED = qr/\A\{"conversationId":"([^"]+)","role":(?:null|"(\w+)"),
    "sequenceNumber":(\d+),"revision":(\d+),"lastReadSequence":(\d+),
    "events":\[(.*)\],"complete":(true|false),"reset":(true|false)\}\z/xs;


sub elements ($raw) {
    my @elements;

    push @elements, $1 while $raw =~ /\G,?$OBJECT/gc;

    return @elements;
}


# An answer to a join.  Where it is not complete, $op->{walk} is what is known
# so far, and the next answer goes on from it; a session whose answer is
# complete is among those who listen from then on.

sub join_wrong ($c, $op, $reply) {
    my ($id, $role, $sequence, $revision, $read, $events, $complete, $reset)
        = $reply->{data} =~ $JOINED or return 'is no answer to a join';
    my $after = $op->{data}{afterRevision};
    my $own = $c->role($op->{user});
    my $member = $c->member($op->{user});

    return 'has another id' if $id ne $c->{id};
    return "the role must be $own" if ($role // 'reader') ne $own;
    return 'the last sequence must be ' . $c->last if $sequence != $c->last;
    return "lastReadSequence must be $member->{read}"
        if $read != ($member ? $member->{read} : 0);

    my $beyond = defined $after && $after > $c->{revision};

    return 'reset must be ' . ($beyond ? 'true' : 'false')
        if $beyond != ($reset eq 'true');
    return 'must have no events'
        if (!defined $after || $beyond) && $events ne '';

    my $wrong = defined $after && !$beyond
        ? _events_wrong($c, $op, $revision, $complete, elements($events))
        : '';

    return $wrong if $wrong || $complete eq 'false';

    return "the revision must be $c->{revision}"
        if $revision != $c->{revision};

    $c->{joined}{ $op->{session} } = $op->{user};

    return '';
}


sub _events_wrong ($c, $op, $revision, $complete, @raw) {
    my $walk = $op->{walk} //= _walk_begin($c, $op->{data}{afterRevision});
    my $seen = $walk->{seen};

    return 'must have events' if $complete eq 'false' && !@raw;

    for (@raw) {
        my ($r) = /"revision":(\d+)\}\}\z/ or return "no event: $_";

        return "an event out of order: $_" if $r <= $seen || $r > $revision;
        $seen = $r;

        my $wrong = _walk($c, $walk, $_);
        return $wrong if $wrong;
    }

    $walk->{seen} = $revision;
    return '' if $complete eq 'false';

    return $walk->{next} == @{ $c->{events} } ? '' : 'events are missing'
        if !$walk->{state};

    my $differs = $walk->{state}->differs($c->{client});

    return $differs ? "compacted events lead to $differs" : '';
}


# next: the event of the model that may come now, for as long as they all come;
# once they do not, the answer is compacted, and what counts is the state that
# it leads to.

sub _walk_begin ($c, $after) {
    my ($low, $high) = (0, scalar @{ $c->{events} });

    while ($low < $high) {
        my $middle = ($low + $high) >> 1;

        $c->{events}[$middle]{revision} <= $after ? ($low = $middle + 1)
            : ($high = $middle);
    }

    return { next => $low, seen => $after };
}


sub _walk ($c, $walk, $raw) {
    my $change = read_change($raw);
    my $message = $change->[0] eq 'message'
        ? $c->{messages}{ $change->[1] } : undef;

    return "content of a deleted message: $raw"
        if $message && $message->deleted;

    if (!$walk->{state}) {
        my $event = $c->{events}[ $walk->{next} ];

        if ($event && $event->{text}->matches($raw)) {
            $walk->{next}++;
            return '';
        }

        my $state = $walk->{state} = ChatTest::Model::State->new;

        $state->apply($_->{change})
            for @{ $c->{events} }[0 .. $walk->{next} - 1];
    }

    $walk->{state}->apply($change);

    return '';
}


# A page may hold less than was asked for if it would be too big.

sub history_wrong ($c, $op, $reply) {
    my ($first, $last, $complete) = _page($c, $op->{data});
    my @messages = @{ $c->{order} }[$first - 1 .. $last - 1];
    my @expected = map { $_->history } @messages;
    my $text = '{"messages":[' . join(',', map { $_->text } @expected)
        . '],"complete":' . ($complete ? 'true' : 'false') . '}';

    return '' if $reply->{data} eq $text;

    my ($raw, $end) = $reply->{data} =~
        /\A\{"messages":\[(.*)\],"complete":(true|false)\}\z/s
        or return "expected $text";
    my @got = elements($raw);

    if (@got < @expected && @got && $end eq 'false') {
        my $forward = defined $op->{data}{afterSequence};
        my @rest = splice @expected, $forward ? @got : 0, @expected - @got;
        my $next = $forward ? $rest[0] : $rest[-1];

        $complete = 0;
        return 'the page is not full'
            if length($raw) + length($next->text) < FULL;
    }

    return 'complete must be ' . ($complete ? 'true' : 'false')
        if $complete != ($end eq 'true');
    return scalar(@expected) . ' messages are expected' if @got != @expected;

    for (@expected) {
        my $got = shift @got;

        return "$got: expected " . $_->text if !$_->matches($got);
    }

    return '';
}


# the first and the last sequence of a page, and whether that is the end

sub _page ($c, $data) {
    my $limit = $data->{limit} // 50;
    my $last = $c->last;

    if (defined $data->{afterSequence}) {
        my $first = $data->{afterSequence} + 1;
        my $to = $first + $limit - 1;

        $to = $last if $to > $last;
        return (1, 0, 1) if $first > $to;

        return ($first, $to, $to == $last);
    }

    my $to = ($data->{beforeSequence} // $last + 1) - 1;

    $to = $last if $to > $last;
    my $first = $to - $limit + 1;
    $first = 1 if $first < 1;

    return $first > $to ? (1, 0, 1) : ($first, $to, $first == 1);
}


# A page of members by id.  Who is blocked is shown to those who may end that;
# how far such a one had read is of no interest.

sub members_wrong ($c, $op, $reply) {
    my $data = decode($reply->{data});
    my $all = $c->{members};
    my @shown = grep { $_ gt ($op->{behind} // '') }
        $c->rank($op->{user}) >= 2 ? sort keys %$all : $c->belonging;
    my $limit = $op->{data}{limit} // 200;
    my $more = @shown > $limit;

    splice @shown, $limit if $more;

    my @expected = map { _member($_, @{ $all->{$_} }{qw(role read delivered)}) }
        @shown;
    my @got = map { _member(@$_{qw(userId role lastReadSequence
                                   lastDeliveredSequence)}) }
        @{ $data->{items} };

    return "expected @expected" if "@got" ne "@expected";
    return 'memberCount must be ' . $c->belonging
        if $data->{memberCount} != $c->belonging;
    return 'nextCursor must be ' . ($more ? 'there' : 'null')
        if $more != defined $data->{nextCursor};

    $c->{page} = { cursor => $data->{nextCursor}, behind => $shown[-1] }
        if $more;

    return '';
}


sub _member ($user, $role, @marks) {
    return join '/', $user, $role, $role eq 'blocked' ? () : @marks;
}


# The items of all pages that a user got, raw, against all conversations of its
# tenant: newest first.  Also returns the conversation concerned.

sub list_wrong ($conversations, $user, @items) {
    my @expected = sort { $b->{created} cmp $a->{created} }
        grep { $_->{exists} && $_->rank($user) > 0 } @$conversations;
    my %by_id = map { $_->{id} => $_ } @expected;
    my $before = '9';

    return @items . ' items, expected ' . @expected if @items != @expected;

    for (@items) {
        my ($id) = /\A\{"conversation":\{"conversationId":"([^"]+)"/;
        my $c = delete $by_id{ $id // '' } // return "not expected: $_";

        return ("out of order: $_", $c) if $c->{created} gt $before;
        $before = $c->{created};

        my $wrong = _item_wrong($c, $user, $_);
        return ($wrong, $c) if $wrong;
    }

    return '';
}


# the model keeps bytes

sub _characters ($bytes) {
    utf8::decode($bytes) if defined $bytes;

    return $bytes;
}


sub _item_wrong ($c, $user, $raw) {
    my $member = $c->member($user);
    my $last = $c->{order}[-1];
    my $text = $last ? $last->data : undef;
    my $item = decode($raw);
    my ($message) = $raw =~ /"lastMessage":$OBJECT\}\z/;

    return "lastMessage must be " . $text->text . " in $raw"
        if $text && !$text->matches($message // '');

    delete $item->{lastMessage} if $text;
    my $members = delete $item->{conversation}{members};
    my $expected = {
        conversation => {
            conversationId => $c->{id}, type => $c->{type},
            name => _characters($c->{name}),
            description => _characters($c->{description}),
            createdBy => $c->{creator}, createdAt => $c->{created},
            readOnly => $c->{read_only} ? \1 : \0,
            slowMode => 0 + $c->{slow_mode}, sequenceNumber => $c->last,
            revision => $c->{revision},
        },
        role => $member->{role},
        unread => $c->last - $member->{read},
        lastReadSequence => 0 + $member->{read},
        $last ? () : (lastMessage => undef),
    };

    my ($got, $want) = map { encode($_) } $item, $expected;

    return "$got, expected $want" if $got ne $want;
    return '' if $c->{type} ne 'dm';

    $got = join ',', sort @{ $members // [] };
    $want = join ',', sort keys %{ $c->{ever} };

    return $got eq $want ? '' : "members $got, expected $want";
}

1;
