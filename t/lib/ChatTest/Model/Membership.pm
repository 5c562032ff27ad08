# The rules about who is in a conversation of the model, and how far everybody
# has read: a part of ChatTest::Model::Conversation.

package ChatTest::Model::Membership;

use v5.36;

use ChatTest::Model::Rank qw(rank_of OPERATOR);
use ChatTest::Model::Text;


# Whether a user may give a role to another one, or take it away (reader).

sub _above ($self, $user, $target, $role) {
    return 1 if $user eq OPERATOR;
    return 0 if !$self->least($user, 'moderator');

    my $limit = $self->rank($user) + ($self->role($user) eq 'owner');
    my $member = $self->{members}{$target};
    my $now = $member ? rank_of($member->{role}) : 0;

    return $now < $limit && rank_of($role) < $limit;
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
    return $role ne 'blocked' && rank_of($role) <= $self->rank($user);
}


sub _member_remove ($self, $op, $data) {
    my ($user, $target) = ($op->{user}, $data->{userId});
    my $member = $self->{members}{$target};

    return 'forbidden' if $self->{type} eq 'dm' && $user ne OPERATOR;
    return 'forbidden'
        if $user ne $target && !$self->_above($user, $target, 'reader');
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
