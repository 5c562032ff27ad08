# What clients do: operations of every kind, by chance, nearly all of them
# allowed.
#
# Some conversations, the slots, are there from the start; who made one puts
# it in order again: brings back members, and makes it anew after it was
# deleted.

package ChatTest::Chaos::Actions;

use v5.36;

use List::Util qw(sum);
use Time::HiRes qw(time);

use ChatTest::Uuid qw(uuid);

use constant {
    TRIES      => 8,
    SIDE       => 3,            # conversations beside the slots, per client
    LONG_AGO   => 10 ** 10,     # ms
};

my @EMOJI = ("\N{U+1F44D}", "\N{U+2764}", '+1', ':-)');

my %WEIGHT = (
    send => 42, edit => 9, delete => 3, react => 9, unreact => 4, read => 8,
    delivered => 4, member_add => 2, member_update => 2, member_remove => 1.5,
    go => 0.6, update => 2, create => 0.3, end => 0.3, end_slot => 0.04,
    history => 2, members => 1, list => 1, leave => 0.7, look_back => 1,
    place => 0.5, hang_up => 0.2, slow => 0.05, choose => 1, watch => 0.5,
    watch_again => 0.5, unwatch => 0.5, who => 1, type => 3,
);
my @NAMES = sort keys %WEIGHT;
my $TOTAL = sum values %WEIGHT;


# one thing that this client can do now; users: those of its tenant

sub do_one ($client, $users) {
    for (1 .. TRIES) {
        my $name = _weighed();
        my $action = __PACKAGE__->can("_$name");

        return $name if $action->($client, $users);
    }

    return '';
}


sub _weighed () {
    my $n = rand $TOTAL;

    for (@NAMES) {
        $n -= $WEIGHT{$_};
        return $_ if $n < 0;
    }

    return 'send';
}


sub _one (@list) { return @list ? $list[rand @list] : undef }
sub _chance ($p) { return rand() < $p }


sub _conversation ($client) {
    return _one(sort { $a->{id} cmp $b->{id} }
                grep { defined $_->{known} } $client->holding->all);
}


# one in which the client has one of these roles, and which is no dm

sub _ruled ($client, @roles) {
    my %has = map { $_ => 1 } @roles;

    return _one(sort { $a->{id} cmp $b->{id} }
                grep { $has{ $_->{role} // '' } && ($_->{type} // '') ne 'dm' }
                    grep { defined $_->{known} } $client->holding->all);
}


# a change, repeated until it is answered if that is chosen

sub _change ($client, $type, $c, %data) {
    my %again = _chance(0.7) ? (again => 1) : ();

    return $client->ask($type, { conversationId => $c->{id}, %data }, %again);
}


# Messages ---------------------------------------------------------------

sub _content ($client) {
    my $text = "$client->{name}-" . ++$client->{said};
    my $n = rand;

    return $n < 0.02 ? { type => 'image', url => "/$text.png", width => 640 }
        : $n < 0.03 ? $text . ' x' x (1 + rand 3000)
        : $n < 0.1 ? "$text \N{U+fc}\N{U+1F600}\"\\\n\t"
        : $text . ' x' x rand 40;
}


sub _client_id ($client) {
    my $n = rand;

    return $n < 0.03 ? ()
        : (clientMessageId => $n < 0.05 ? "$client->{name}:$client->{said}"
           : $n < 0.07 ? uuid(int(1000 * time - rand LONG_AGO)) : uuid());
}


sub _send ($client, $users) {
    my $c = _conversation($client) // return 0;
    my @id = _client_id($client);
    my $reply_to = _chance(0.05) && _one(@{ $c->{recent} });

    $client->ask('message.send', {
        conversationId => $c->{id}, content => _content($client), @id,
        $reply_to ? (replyTo => $reply_to->{id}) : (),
        _chance(0.05) ? (mentions => [_one(@$users)]) : (),
        _chance(0.02) ? (attachments => [{ url => "/a/$client->{said}" }])
            : (),
    }, !@id ? () : (again => _chance(0.95), echo => _chance(0.04)));

    return 1;
}


sub _edit ($client, $users) {
    my $c = _conversation($client) // return 0;
    my $message = _one(grep { $_->{sender} eq $client->{user} }
                       @{ $c->{recent} }) // return 0;

    _change($client, 'message.edit', $c, messageId => $message->{id},
            content => _content($client));

    return 1;
}


sub _delete ($client, $users) {
    my $c = _conversation($client) // return 0;
    my $rules = ($c->{role} // '') =~ /^(?:owner|admin|moderator)\z/;
    my $message = _one(grep { $rules || $_->{sender} eq $client->{user} }
                       @{ $c->{recent} }) // return 0;

    _change($client, 'message.delete', $c, messageId => $message->{id});

    return 1;
}


sub _react ($client, $users) {
    my $c = _conversation($client) // return 0;
    my $message = _one(@{ $c->{recent} }) // return 0;
    my $emoji = _one(@EMOJI);

    $message->{reacted} = $emoji;
    _change($client, 'reaction.add', $c, messageId => $message->{id},
            emoji => $emoji);

    return 1;
}


sub _unreact ($client, $users) {
    my $c = _conversation($client) // return 0;
    my $message = _one(grep { $_->{reacted} } @{ $c->{recent} }) // return 0;

    _change($client, 'reaction.remove', $c, messageId => $message->{id},
            emoji => $message->{reacted});

    return 1;
}


sub _read ($client, $users)      { return _mark($client, 'read.mark') }
sub _delivered ($client, $users) { return _mark($client, 'delivered.mark') }

sub _mark ($client, $type) {
    my $c = _conversation($client) // return 0;
    my $last = $c->{sequence} || return 0;
    my $sequence = _chance(0.8) ? $last
        : _chance(0.9) ? 1 + int rand $last : $last + 5;

    _change($client, $type, $c, sequenceNumber => $sequence);

    return 1;
}


# Members ----------------------------------------------------------------

# Those who made a slot are left alone: they put things in order.

sub _target ($client, $c, $users, $test) {
    return _one(grep { $_ ne $client->{user} && $_ ne ($c->{creator} // '')
                       && $test->($c->{members}{$_} // 'member') } @$users);
}


sub _member_add ($client, $users) {
    my $c = _ruled($client, qw(owner admin moderator)) // return 0;
    my $who = _target($client, $c, $users, sub ($role) { $role eq 'out' });

    return _unblock($client, $c, $users) if !defined $who;
    _change($client, 'member.add', $c, userId => $who);

    return 1;
}


sub _unblock ($client, $c, $users) {
    my $who = _target($client, $c, $users, sub ($role) { $role eq 'blocked' })
        // return 0;

    _change($client, _chance(0.5) ? ('member.update', $c, role => 'member')
            : ('member.remove', $c), userId => $who);

    return 1;
}


sub _member_update ($client, $users) {
    my $c = _ruled($client, qw(owner)) // return 0;
    my $who = _target($client, $c, $users, sub ($role) {
        $role !~ /^(?:out|blocked)\z/;
    }) // return 0;

    _change($client, 'member.update', $c, userId => $who,
            role => _one(qw(admin moderator member member blocked)));

    return 1;
}


sub _member_remove ($client, $users) {
    my $c = _ruled($client, qw(owner admin)) // return 0;
    my $who = _target($client, $c, $users, sub ($role) {
        $role eq 'member';
    }) // return 0;

    _change($client, 'member.remove', $c, userId => $who);

    return 1;
}


sub _go ($client, $users) {
    my $c = _ruled($client, qw(admin moderator member)) // return 0;

    return 0 if ($c->{creator} // '') eq $client->{user};
    _change($client, 'member.remove', $c, userId => $client->{user});

    return 1;
}


# Conversations ----------------------------------------------------------

# read-only and slow mode do not last

sub _update ($client, $users) {
    my $c = _ruled($client, qw(owner admin)) // return 0;
    my @what = _one(
        [name => "Name " . int rand 1000],
        [description => _one('', "About " . int rand 1000)],
        [readOnly => \0], [slowMode => 0],
        _one([readOnly => \1], [slowMode => 1], [readOnly => \0]),
    );

    _change($client, 'conversation.update', $c, @{ $what[0] });
    $client->ask('conversation.update', {
        conversationId => $c->{id}, readOnly => \0, slowMode => 0,
    }, again => 1) if $what[0][0] =~ /^(?:readOnly|slowMode)\z/;

    return 1;
}


sub _create ($client, $users) {
    my $holding = $client->holding;

    return 0 if SIDE <= grep { !$_->{slot} } $holding->all;

    create($client, {
        type => 'group', name => 'Side', clientId => uuid(),
        members => [grep { $_ ne $client->{user} && _chance(0.6) } @$users],
    }, sub ($c) {
        $holding->add($c->{conversationId}, type => 'group',
                      creator => $client->{user}, mine => 1);
    });

    return 1;
}


# Until it is answered; made: what to do with the conversation then.

sub create ($client, $data, $made) {
    return $client->ask('conversation.create', $data, again => 1,
                        ended => sub ($reply) {
        $made->($reply->{data}) if $reply && $reply->{ok};
    });
}


sub _end ($client, $users) {
    my $c = _one(sort { $a->{id} cmp $b->{id} } grep { $_->{mine} }
                 $client->holding->all) // return 0;

    $c->{wanted} = 0;
    $client->ask('conversation.delete', { conversationId => $c->{id} },
                 again => 1, ended => sub ($reply) {
        $client->holding->drop($c->{id});
    });

    return 1;
}


sub _end_slot ($client, $users) {
    my $c = _one(sort { $a->{id} cmp $b->{id} }
                 grep { $_->{slot} && ($_->{creator} // '') eq $client->{user}
                        && $_->{type} ne 'dm' && $_->{live} }
                 $client->holding->all) // return 0;

    $client->ask('conversation.delete', { conversationId => $c->{id} },
                 again => 1, ended => sub ($reply) {
        create($client, $c->{slot}, sub ($data) { });
    });

    return 1;
}


# Looking ----------------------------------------------------------------

sub _history ($client, $users) {
    my $c = _conversation($client) // return 0;
    my $sequence = int rand 1 + $c->{sequence};

    $client->ask('history.get', {
        conversationId => $c->{id}, limit => 1 + int rand 50,
        _one([], [beforeSequence => 1 + $sequence],
             [afterSequence => $sequence])->@*,
    });

    return 1;
}


sub _members ($client, $users) {
    my $c = _conversation($client) // return 0;

    $client->ask('member.list', { conversationId => $c->{id} });

    return 1;
}


# conversations that others have made are found here

sub _list ($client, $users) {
    my $holding = $client->holding;

    $client->ask('conversation.list', { limit => 50 }, ended => sub ($reply) {
        return if !$reply || !$reply->{ok};

        my %there = map { $_->{conversation}{conversationId} => $_ }
            @{ $reply->{data}{items} };

        for my $id (sort keys %there) {
            $holding->add($id, type => $there{$id}{conversation}{type},
                          creator => $there{$id}{conversation}{createdBy});
        }

        # those that have come to their end
        for my $c (grep { !$_->{slot} && !$_->{mine} && !$_->{live}
                          && !$there{ $_->{id} } && !$_->{asked} }
                   $holding->all) {
            $holding->drop($c->{id});
        }
    });

    return 1;
}


sub _leave ($client, $users) {
    my $c = _one(sort { $a->{id} cmp $b->{id} }
                 grep { $_->{live} } $client->holding->all) // return 0;

    $client->holding->leave($c, rand 5);

    return 1;
}


# A position of long ago, the start, or the present, beside what goes on.

sub _look_back ($client, $users) {
    my $c = _conversation($client) // return 0;

    return 0 if !$c->{live};

    my $marks = $c->{places} //= [];

    push @$marks, $c->{known} if @$marks < 5 || _chance(0.2);
    shift @$marks if @$marks > 20;

    $client->ask('conversation.join', {
        conversationId => $c->{id},
        afterRevision  => _chance(0.1) ? 0 : _one(@$marks),
    }, probe => 1);

    return 1;
}


sub _place ($client, $users) {
    my $c = _conversation($client) // return 0;

    return 0 if !$c->{live};
    $client->ask('conversation.join', { conversationId => $c->{id} },
                 probe => 1);

    return 1;
}


# Presence ---------------------------------------------------------------

sub _choose ($client, $users) {
    my $status = _one(qw(online online online away busy invisible));

    $client->ask('presence.set', {
        status => $status,
        _chance(0.4) ? (text => "$client->{name} \"" . int rand 1000) : (),
    }, again => _chance(0.5));

    return 1;
}


sub _watch ($client, $users) {
    $client->company->want(@$users);

    return 1;
}


sub _watch_again ($client, $users) {
    return $client->company->look_again(_one(@$users));
}


sub _unwatch ($client, $users) {
    return $client->company->forget(_one(@$users));
}


sub _who ($client, $users) {
    my $c = _conversation($client) // return 0;

    $client->ask('presence.get', {
        conversationId => $c->{id},
        _one([], [subscribe => \1], [subscribe => \0])->@*,
    });

    return 1;
}


sub _type ($client, $users) {
    my $c = _conversation($client) // return 0;

    return $client->company->type($c->{id}, _chance(0.3));
}


# The connection ---------------------------------------------------------

sub _hang_up ($client, $users) {
    $client->leave(_one(qw(close end reset)));

    return 1;
}


sub _slow ($client, $users) {
    $client->deafen(_one(1, 3, 6, 12));

    return 1;
}

1;
