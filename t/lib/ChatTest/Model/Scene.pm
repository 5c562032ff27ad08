# A conversation with somebody of each role in it, to try a row of docs/roles.md
# in.  An actor has the role that is its name: owner, admin, moderator, member,
# reader, blocked, stranger; root has made the conversation.  In a dm there are
# one, who acts, and two.

package ChatTest::Model::Scene;

use v5.36;


# a channel or a group

sub new ($class, $actors, $kind) {
    state $made = 0;
    my $id = 'scene-' . ++$made;

    $actors->{root}->request('conversation.create',
                             { type => $kind, conversationId => $id });

    return bless { id => $id, kind => $kind, actors => $actors, names => {} },
        $class;
}


# of two users of its own

sub dm ($class, $chat) {
    state $made = 0;
    my %names = (one => 'one-' . ++$made, two => "two-$made");
    my %actors = map { $_ => $chat->connect(user => $names{$_}) } keys %names;

    my $id = $actors{one}->request('conversation.create',
        { type => 'dm', members => [$names{two}] })->{conversationId};

    return bless { id => $id, kind => 'dm', actors => \%actors,
                   names => \%names }, $class;
}


sub is_dm ($self)        { return $self->{kind} eq 'dm' }
sub name ($self, $actor) { return $self->{names}{$actor} // $actor }


# the whole reply to a request about this conversation

sub try ($self, $actor, $type, %data) {
    my $client = $self->{actors}{$actor};

    return $client->reply($client->post($type,
        { conversationId => $self->{id}, %data }));
}


# a request that must succeed, and one that must fail

sub as ($self, $actor, $type, %data) {
    return $self->{actors}{$actor}->request($type,
        { conversationId => $self->{id}, %data });
}


sub refused ($self, $actor, $type, %data) {
    return $self->{actors}{$actor}->refused($type,
        { conversationId => $self->{id}, %data })->{code};
}


# whom something is done to: each actor has somebody of its own

sub target ($self, $actor) {
    return $self->is_dm ? $self->name('two') : "target-$actor";
}


# gives a role to a user, whatever it has now

sub set ($self, $user, $role) {
    my $by = $self->is_dm ? 'one' : 'root';

    $self->as($by, 'member.add', userId => $user,
              role => $role eq 'blocked' ? 'member' : $role)
        if !$self->is_dm && !$self->{known}{$user}++;

    return $self->as($by, 'member.update', userId => $user, role => $role);
}


# the id of a message, which an actor says as a member, whatever it is later

sub say ($self, $actor) {
    $actor = 'two' if $self->is_dm && $actor ne 'one';
    $self->set($actor, 'member') if !$self->is_dm && $actor ne 'root';

    return $self->as($actor, 'message.send', content => 'Hello')->{id};
}


# everybody gets the role that is its name

sub assign ($self, @actors) {
    for my $actor (@actors) {
        $self->_react($actor) if $self->{reacts}{$actor};
        next if $self->is_dm;

        if ($actor !~ /^(?:reader|stranger|operator)\z/) {
            $self->set($actor, $actor);

        } elsif ($self->{known}{$actor}) {
            $self->as('root', 'member.remove', userId => $actor);
        }
    }

    return;
}


sub _react ($self, $actor) {
    $self->set($actor, 'member') if !$self->is_dm;

    return $self->as($actor, 'reaction.add', emoji => '+',
                     messageId => $self->{message}{$actor});
}

1;
