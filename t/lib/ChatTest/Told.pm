# What a client knows of a conversation from nothing but its events.

package ChatTest::Told;

use v5.36;

use Carp qw(croak);
use Storable qw(dclone);

my %apply = (
    'message.created'  => \&take_message,
    'message.updated'  => \&take_message,
    'message.deleted'  => sub ($s, $e) {
        $s->{messages}{ $e->{id} } = { deleted => $e->{deletedBy},
            map { $_ => $e->{$_} } qw(sequenceNumber revision) };
        delete $s->{reactions}{ $e->{id} };
    },
    'reaction.added'   => sub ($s, $e) {
        $s->{reactions}{ $e->{messageId} }{"$e->{userId} $e->{emoji}"} = 1;
    },
    'reaction.removed' => sub ($s, $e) {
        my $of = $s->{reactions}{ $e->{messageId} };
        delete $of->{"$e->{userId} $e->{emoji}"};
        delete $s->{reactions}{ $e->{messageId} } if !%{ $of // {} };
    },
    'member.joined'    => \&take_member,
    'member.updated'   => \&take_member,
    'member.left'      => \&take_member,
    'conversation.created' => sub ($s, $e) {
        %$s = (revision => $s->{revision},
               settings => { name => $e->{name}, readOnly => 0 });
    },
    'conversation.updated' => sub ($s, $e) {
        for (grep { exists $e->{$_} } qw(name description readOnly slowMode)) {
            $s->{settings}{$_} = $e->{$_};
            delete $s->{settings}{$_} if !$e->{$_} && $_ ne 'readOnly';
        }
        $s->{settings}{readOnly} = $s->{settings}{readOnly} ? 1 : 0;
    },
    'conversation.deleted' => sub ($s, $e) {
        %$s = (revision => $s->{revision});
    },
);


sub new ($class) { return bless { revision => 0 }, $class }


sub copy ($self)     { return dclone($self) }
sub revision ($self) { return $self->{revision} }


sub take_message ($s, $e) {
    $s->{messages}{ $e->{id} } = {%$e};

    return;
}


sub take_member ($s, $e) {
    $s->{members}{ $e->{userId} } = $e->{role};
    delete $s->{members}{ $e->{userId} } if !defined $e->{role};

    return;
}


# one event more

sub take ($state, $event) {
    my $data = $event->{data};

    croak "revision $data->{revision} after $state->{revision}"
        if $data->{revision} <= $state->{revision};
    $apply{ $event->{type} }->($state, $data);
    $state->{revision} = $data->{revision};

    return;
}


# what counts in the end: empty things are not there

sub known ($self) {
    my %s = %{ dclone($self) };

    delete $s{revision};
    $s{$_} //= {} for qw(messages reactions members settings);

    return \%s;
}

1;
