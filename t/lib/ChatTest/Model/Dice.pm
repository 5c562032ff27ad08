# What happens next in a conversation of the property test: users of every role
# do what they may, and what they may not, to what there is, and to what there
# is not.
#
# A choice looks at the model only to be worth trying; what must come of it is
# none of its business.

package ChatTest::Model::Dice;

use v5.36;

use Exporter qw(import);

use ChatTest::Model::Operator;
use ChatTest::Uuid qw(uuid);

our @EXPORT_OK = qw(throw pick);

my @EMOJIS = ("\xf0\x9f\x91\x8d", "\xe2\x9d\xa4", ':o)', 'ok', "\xc3\xa4");
my @ROLES = qw(owner admin moderator member blocked);

# how often, and what
my @CHOICES = (
    [300, \&_send], [30, \&_send_again], [20, \&_burst],
    [80, \&_edit], [50, \&_delete],
    [100, \&_react], [60, \&_unreact],
    [60, \&_mark_read], [40, \&_mark_delivered],
    [50, \&_member_add], [40, \&_member_update], [30, \&_member_remove],
    [40, \&_promote], [15, \&_step_down], [15, \&_calm],
    [35, \&_update], [8, \&_delete_conversation], [8, \&_create],
    [70, \&_join], [60, \&_resume], [15, \&_leave],
    [50, \&_history], [30, \&_member_list],
    [25, \&_repeat], [25, \&_nonsense], [10, \&_drop], [15, \&_operate],
);
my @WITHOUT = ([6, \&_create], [1, \&_send], [1, \&_join], [1, \&_history],
               [1, \&_mark_read], [1, \&_drop], [1, \&_repeat]);


sub pick (@list) { return $list[rand @list] }


sub _weighed ($choices) {
    my $sum = 0;

    $sum += $_->[0] for @$choices;
    my $at = rand $sum;

    for (@$choices) {
        $at -= $_->[0];
        return $_->[1] if $at < 0;
    }

    return $choices->[0][1];
}


# The next operations of a conversation, to be sent at once, all by one session:
# { type, user, data } and what ChatTest::Model::Driver says.

sub throw ($world, $c) {
    return _create($world, $c) if !defined $c->{id};

    my $choice = _weighed($c->{exists} ? \@CHOICES : \@WITHOUT);
    my @ops = $choice->($world, $c);

    $_->{user} //= _user($world, $c) for @ops;
    $c->{again} = $ops[0] if $ops[0]{data};

    return @ops;
}


# Who, and what about -------------------------------------------------------

# mostly somebody who belongs to it

sub _user ($world, $c, $chance = 0.8) {
    my @inside = rand() < $chance ? $c->belonging : ();

    return pick(@inside ? @inside : @{ $c->{tenant}{users} });
}


sub _ranked ($c, $least) {
    return pick(grep { $c->rank($_) >= $least } $c->belonging);
}


# mostly a message of this conversation; of late, of any time, deleted ones,
# that of another conversation, one that never was

sub _message ($world, $c) {
    my $order = $c->{order};
    my $chance = rand;

    return uuid() if $chance < 0.03;

    if ($chance < 0.06) {
        my $other = pick(@{ $world->{conversations} })->{order};

        return @{ $other // [] } ? pick(@$other)->{id} : uuid();
    }

    return uuid() if !$order || !@$order;
    return pick(@$order)->{id} if $chance < 0.3;

    my $back = @$order < 12 ? @$order : 12;

    return $order->[@$order - 1 - int rand $back]{id};
}


sub _of ($c, $id) { return $c->{messages}{$id} }


sub _op ($c, $type, %data) {
    return { type => $type, data => { conversationId => $c->{id}, %data } };
}


# Messages ------------------------------------------------------------------

sub _content ($c) {
    my $n = int rand 1e6;
    my $chance = rand;

    return \('"' . ('x' x rand 20_000) . '"') if $c->{way}{big} && $chance < 0.5;
    return \qq("number $n") if $chance < 0.6;
    return \qq({"type":"text", "text":"n $n","ratio":1.50,"big":1e2})
        if $chance < 0.75;
    return \qq({"type":"image","url":"/i/$n.png","deep":[[[{"a":null}]]]})
        if $chance < 0.9;
    return \('"' . ('x' x rand 2000) . qq( \\u00e4 \xc3\xa4 $n"));
}


# A client id is new, mostly with the time in it; or one of another user or of
# another conversation, which is as good as new; or one used before.

sub _client_id ($world, $c, $user) {
    my $chance = rand;
    my @used = @{ $c->{used_ids} //= [] };
    my $id = $chance < 0.15 ? undef
        : $chance < 0.7 ? uuid()
        : $chance < 0.8 ? 'free-' . int rand 1e9
        : $chance < 0.83 ? uuid(int(1000 * time) - int rand 1e10)
        : $chance < 0.86 ? uuid(int(1000 * time) + 1e6 + int rand 1e6)
        : @used ? pick(@used[-(@used < 20 ? @used : 20) .. -1], @used)
        : uuid();

    if ($chance > 0.97) {
        my $other = pick(@{ $world->{conversations} });

        $id = pick(@{ $other->{used_ids} // [] }) // $id;
    }

    push @{ $c->{used_ids} }, $id if defined $id;

    return $id;
}


sub _send ($world, $c) {
    my $user = _user($world, $c);
    my $id = _client_id($world, $c, $user);
    my $users = $c->{tenant}{users};
    my %seen;

    my $op = _op($c, 'message.send',
        content => _content($c),
        defined $id ? (clientMessageId => $id) : (),
        rand() < 0.15 ? (replyTo => _message($world, $c)) : (),
        rand() < 0.1 ? (mentions => [grep { !$seen{$_}++ }
                            map { pick(@$users) } 1 .. 1 + rand 3]) : (),
        rand() < 0.05 ? (attachments => \('[{"url":"/f/' . int(rand 1e6)
                            . '.pdf", "size":1.0}]')) : (),
    );

    $op->{user} = $user;

    return $op;
}


# what was sent once, by whoever sent it, perhaps with another content

sub _send_again ($world, $c) {
    my @clients = keys %{ $c->{clients} };

    return _send($world, $c) if !@clients;

    my ($user, $id) = split / /, pick(@clients), 2;
    my $op = _op($c, 'message.send', content => _content($c),
                 clientMessageId => $id);

    $op->{user} = $user;

    return $op;
}


# several at once, by one session: they take effect in the order sent

sub _burst ($world, $c) {
    my $user = _user($world, $c);
    my @ops = map {
        pick(\&_send, \&_send, \&_edit, \&_delete, \&_react, \&_mark_read)
            ->($world, $c)
    } 1 .. 2 + rand 4;

    $_->{user} = $user for @ops;

    return @ops;
}


sub _edit ($world, $c) {
    my $id = _message($world, $c);
    my $message = _of($c, $id);
    my $op = _op($c, 'message.edit', messageId => $id,
                 content => _content($c));

    $op->{user} = $message->{sender} if $message && rand() < 0.8;

    return $op;
}


sub _delete ($world, $c) {
    my $id = _message($world, $c);
    my $message = _of($c, $id);
    my $op = _op($c, 'message.delete', messageId => $id);

    $op->{user} = $message->{sender} if $message && rand() < 0.5;

    return $op;
}


sub _react ($world, $c) {
    # one message gets so many that there is no room for more
    my $id = $c->{liked} = rand() < 0.4 && $c->{liked}
        && _of($c, $c->{liked}) ? $c->{liked} : _message($world, $c);

    return _op($c, 'reaction.add', messageId => $id,
               emoji => pick(@EMOJIS));
}


sub _unreact ($world, $c) {
    my $id = _message($world, $c);
    my $message = _of($c, $id);
    my $op = _op($c, 'reaction.remove', messageId => $id,
                 emoji => pick(@EMOJIS));

    if ($message && @{ $message->{reactions} } && rand() < 0.8) {
        ($op->{user}, $op->{data}{emoji}) =
            @{ pick(@{ $message->{reactions} }) };
    }

    return $op;
}


sub _mark ($c, $type) {
    my $last = $c->last;
    my $to = $last - int rand 4;

    $to = int rand $last + 3 if rand() < 0.2 || $to < 0;

    return _op($c, $type, sequenceNumber => $to);
}

sub _mark_read ($world, $c)      { return _mark($c, 'read.mark') }
sub _mark_delivered ($world, $c) { return _mark($c, 'delivered.mark') }


# Members -------------------------------------------------------------------

sub _member_op ($world, $c, $type, %data) {
    my $op = _op($c, $type, userId => pick(@{ $c->{tenant}{users} }), %data);

    $op->{user} = _ranked($c, 2) if rand() < 0.6;

    return $op;
}


sub _member_add ($world, $c) {
    my $role = pick(@ROLES[0 .. 3], ('member') x 4);
    my $op = _member_op($world, $c, 'member.add',
                        rand() < 0.3 ? () : (role => $role));

    $op->{data}{userId} = $op->{user} //= _user($world, $c, 0.3)
        if rand() < 0.2;

    return $op;
}


sub _member_update ($world, $c) {
    my $op = _member_op($world, $c, 'member.update',
                        role => pick(@ROLES, 'member'));

    $op->{data}{userId} = $op->{user} //= _user($world, $c)
        if rand() < 0.15;

    return $op;
}


sub _member_remove ($world, $c) {
    return _member_op($world, $c, 'member.remove');
}


# an owner makes others of a rank, so that there are some of each

sub _promote ($world, $c) {
    my @inside = grep { $c->role($_) ne 'owner' } $c->belonging;
    my $op = _op($c, 'member.update', userId => pick(@inside) // 'ada',
                 role => pick(qw(admin moderator moderator owner)));

    $op->{user} = _ranked($c, 4);

    return $op;
}


# one leaves, or gives up a rank

sub _step_down ($world, $c) {
    my $user = _user($world, $c);
    my $op = rand() < 0.6 ? _op($c, 'member.remove', userId => $user)
        : _op($c, 'member.update', userId => $user,
              role => pick(qw(admin moderator member)));

    $op->{user} = $user;

    return $op;
}


# the first page, or one behind a page that was shown once

sub _member_list ($world, $c) {
    my $page = rand() < 0.5 ? $c->{page} : undef;
    my $op = _op($c, 'member.list',
        rand() < 0.5 ? (limit => 1 + int rand 5) : (),
        $page ? (cursor => $page->{cursor}) : (),
    );

    $op->{behind} = $page->{behind} if $page;

    return $op;
}


# The conversation ----------------------------------------------------------

sub _update ($world, $c) {
    my $n = int rand 1000;
    my @data = (
        [name => "Name $n \xc3\xa4"], [description => "About $n"],
        [description => ''], [readOnly => \pick(qw(true false))],
        [slowMode => pick(0, 1, 3600)], [slowMode => 3600],
    );
    my $op = _op($c, 'conversation.update', map { @{ pick(@data) } }
                                                1 .. 1 + rand 2);

    $op->{user} = _ranked($c, 2) if rand() < 0.8;

    return $op;
}


# what hinders all others does not last

sub _calm ($world, $c) {
    return _send($world, $c) if !$c->{read_only} && !$c->{slow_mode};

    my $op = _op($c, 'conversation.update', readOnly => \'false',
                 slowMode => 0);

    $op->{user} = _ranked($c, 3);

    return $op;
}


sub _delete_conversation ($world, $c) {
    my $op = _op($c, 'conversation.delete');

    # mostly by those who may not, lest there is no time to talk
    my $who = pick(qw(owner admin admin moderator member));
    $op->{user} = pick(grep { $c->role($_) eq $who } $c->belonging);

    return $op;
}


# Each conversation of the test has a way in which it is made, again and again
# if need be.

sub _create ($world, $c) {
    my ($way, $tenant) = @$c{qw(way tenant)};
    my $op = {
        type       => 'conversation.create',
        user       => $way->{by},
        repeatable => !defined $way->{id},
        data       => {
            type => $c->{type},
            defined $way->{id} ? (conversationId => $way->{id}) : (),
            defined $way->{client} ? (clientId => $way->{client}) : (),
        },
    };

    if ($way->{pair}) {
        my ($user, $other) = rand() < 0.5 ? @{ $way->{pair} }
            : reverse @{ $way->{pair} };

        $op->{user} = $user;
        $op->{data}{members} = [$other];
        return $op;
    }

    if (defined $way->{id}) {
        $op->{user} = pick(@{ $tenant->{users} });
        $op->{bad} = 'forbidden' if !$tenant->{admins}{ $op->{user} };
    }

    $op->{data}{name} = 'Number ' . int rand 100 if rand() < 0.5;
    $op->{data}{members} = [grep { rand() < 0.4 } @{ $tenant->{users} }];

    return $op;
}


# Listening -----------------------------------------------------------------

sub _join ($world, $c) { return _op($c, 'conversation.join') }


# from where one was, from long ago, from the beginning, from the future

sub _resume ($world, $c) {
    my $events = $c->{events};
    my $chance = rand;
    my $from = @$events - 1 - int rand(@$events < 8 ? @$events : 8);

    my $after = $chance < 0.1 || !@$events ? 0
        : $chance < 0.14 ? $c->{revision} + 1 + int rand 9
        : $chance < 0.5 ? pick(@$events)->{revision}
        : $events->[$from]{revision};

    return _op($c, 'conversation.join', afterRevision => $after);
}


sub _leave ($world, $c) { return _op($c, 'conversation.leave') }


sub _history ($world, $c) {
    my $last = $c->last;

    return _op($c, 'history.get',
        rand() < 0.8 ? (limit => 1 + int rand(rand() < 0.2 ? 200 : 20)) : (),
        rand() < 0.3 ? ()
            : rand() < 0.5 ? (beforeSequence => int rand $last + 3)
            : (afterSequence => int rand $last + 3),
    );
}


# whatever the operator can do, as another one might have asked for it

sub _operate ($world, $c) {
    my $op = pick(\&_member_add, \&_member_update, \&_member_remove,
                  \&_edit, \&_delete, \&_calm, \&_update,
                  rand() < 0.1 ? \&_delete_conversation : \&_calm)
        ->($world, $c);
    my %types = map { $_ => 1 } ChatTest::Model::Operator::types();

    $op->{user} = '' if $types{ $op->{type} };

    return $op;
}


# Trouble -------------------------------------------------------------------

# the same request once more

sub _repeat ($world, $c) {
    my $op = $c->{again};

    return _send($world, $c) if !$op || $op->{type} =~ /join|create/;

    return { map { $_ => $op->{$_} } qw(type user data bad behind) };
}


# what is refused whatever there is

sub _nonsense ($world, $c) {
    my $id = _message($world, $c);
    my $op = _op($c, @{ pick(
        ['conversation.update'],
        ['member.add', userId => 'x', role => 'blocked'],
        ['member.add', userId => 'x', role => 'king'],
        ['member.update', userId => 'x'],
        ['member.remove'],
        ['message.edit', messageId => $id],
        ['message.edit', messageId => uc $id, content => \'1'],
        ['message.delete', messageId => 'none'],
        ['message.send', content => \'"a"', replyTo => 'none'],
        ['message.send', content => \'"a"', mentions => ['a', 'a']],
        ['message.send', content => \'"a"', attachments => \'[{}]'],
        ['reaction.add', messageId => $id, emoji => 'a b'],
        ['reaction.add', messageId => $id, emoji => ''],
        ['reaction.remove', messageId => $id, emoji => 'x' x 65],
        ['read.mark'],
        ['conversation.update', slowMode => 21_601],
        ['conversation.update', name => ''],
        ['conversation.update', description => 'x' x 1025],
        ['member.list', limit => 1001],
    ) });

    $op->{bad} = 'bad_request';

    return $op;
}


# Redis forgets what it holds of the conversation, if it may

sub _drop ($world, $c) { return { drop => 1, user => '-' } }

1;
