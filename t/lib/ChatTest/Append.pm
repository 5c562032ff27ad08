# Random calls of what changes conversations, as nodes make them, for whoever
# has no node: few users, few rooms, so that much happens to each.  What the
# events say does not matter here.

package ChatTest::Append;

use v5.36;

use Compress::Zlib qw(crc32);

use ChatTest::Uuid qw(uuid);

# how often each comes, in tenths
my %often = (
    send => 80, edit => 40, delete => 10, react => 60, undo => 40, add => 20,
    change => 30, remove => 20, update => 10, create => 10, end => 1,
    mark => 10,
);
my @wheel = map { ($_) x $often{$_} } sort keys %often;


# redis => a link, partitions => their number

sub new ($class, %o) {
    return bless {
        %o,
        users    => [map { "u$_" } 1 .. 5],
        rooms    => [map { "room$_" } 1 .. 4],
        messages => {},
    }, $class;
}


# commands that make all rooms

sub create_calls ($self) {
    return map { $self->_create($_) } @{ $self->{rooms} };
}


# one command, or none if there is nothing that it could be about

sub any_call ($self) {
    my $method = '_' . _any(@wheel);

    return $self->$method(_any(@{ $self->{rooms} }));
}


sub _any (@of) { return $of[rand @of] }


sub _user ($self, @more) { return _any(@{ $self->{users} }, @more) }


sub _call ($self, $name, $room, @arguments) {
    my $p = crc32("default/$room") % $self->{partitions};
    my $prefix = sprintf 'chat:{p%02d}:', $p;

    $self->{identity}{$p} //= $self->{redis}->call('HGET', "${prefix}part",
                                                   'identity');

    return ['FCALL', "chat_v1_$name", 2, $prefix,
            "${prefix}c:default/$room", $self->{identity}{$p},
            $self->{partitions}, @arguments];
}


sub _append ($self, $room, $request, $user, @arguments) {
    return $self->_call('append', $room, $request, $user, int(1000 * time),
                        @arguments);
}


# on one of the latest messages mostly, so that much happens to few

sub _on_message ($self, $room, $request, @arguments) {
    my $ids = $self->{messages}{$room};

    return if !@$ids;

    return $self->_append($room, $request, $self->_user('', ''),
                          $ids->[-1 - @$ids * rand() ** 3], @arguments);
}


sub _create ($self, $room) {
    my @members = map { $_ => _any(qw(owner admin member member)) }
        @{ $self->{users} };

    $self->{messages}{$room} = [];

    return $self->_append($room, 'conversation.create', $self->_user,
                          _any(qw(channel channel group)), "Name of $room",
                          uuid(), 1, '{', 'root', 'owner',
                          @members[0 .. 1 + 2 * int rand 4]);
}


sub _send ($self, $room) {
    my $id = uuid();
    my $client = rand() < 0.5 ? uuid() : '';
    my $rich = rand() < 0.3;
    my @mentioned = grep { rand() < 0.4 } @{ $self->{users} };

    push @{ $self->{messages}{$room} }, $id;

    return $self->_append($room, 'message.send', $self->_user, $client,
        $client ? int(1000 * time) : '', $id, qq({"id":"$id",),
        '"text ' . rand() . '"', ',',
        $rich && rand() < 0.5 ? _any(@{ $self->{messages}{$room} }) : '',
        $rich ? join(',', @mentioned) : '',
        $rich && rand() < 0.5 ? '[{"id":"a1"}]' : '');
}


sub _edit ($self, $room) {
    return $self->_on_message($room, 'message.edit', '"edit ' . rand() . '"',
                              '');
}


sub _delete ($self, $room) {
    return $self->_on_message($room, 'message.delete', '{');
}


sub _react ($self, $room) {
    return $self->_on_message($room, 'reaction.add', _any(qw(+1 -1)), '{', 50);
}


sub _undo ($self, $room) {
    return $self->_on_message($room, 'reaction.remove', _any(qw(+1 -1)), '{');
}


sub _add ($self, $room) {
    return $self->_append($room, 'member.add', $self->_user('root'),
                          $self->_user, _any(qw(member moderator)), '{', 100);
}


sub _change ($self, $room) {
    return $self->_append($room, 'member.update', $self->_user('root'),
                          $self->_user,
                          _any(qw(member admin moderator blocked)), '{', 100);
}


sub _remove ($self, $room) {
    return $self->_append($room, 'member.remove', $self->_user('root'),
                          $self->_user, '{');
}


sub _update ($self, $room) {
    return $self->_append($room, 'conversation.update', 'root', '{', 'name',
                          'Name ' . int rand 5, 'readOnly', int rand 1.2);
}


sub _end ($self, $room) {
    return $self->_append($room, 'conversation.delete', 'root', '{');
}


sub _mark ($self, $room) {
    return $self->_call('mark', $room, $self->_user, int(1000 * time),
                        'read', int rand 9, '{');
}

1;
