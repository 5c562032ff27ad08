# What an event says, whichever way it came: live, in the answer to a join, as
# a message of history, or, of an operation that was acknowledged, as what must
# be the event then.
#
# The same change may be told in several ways, since old ranges come compacted.
# So what must be the same for everybody is taken out of it:
#
#     revision, conversation
#     thing   what it tells the latest state of, and thereby supersedes:
#             "m <message>", "r <message> <user> <emoji>", "u <user>",
#             "s" settings, "c" creation, "d" end
#     value   that state; of settings a hash of those that are told
#     kind    of messages c, u or d: created, updated, deleted
#     content, sequence, reactions   of messages alone

package ChatTest::Chaos::Event;

use v5.36;

use Digest::MD5 qw(md5_base64);
use Exporter qw(import);

use ChatTest::Chaos::Json qw(encode);

our @EXPORT_OK = qw(read_event message_of settings_of);

my @SETTINGS = qw(name description readOnly slowMode);

my %READ = (
    message      => \&_message,
    reaction     => \&_reaction,
    member       => \&_member,
    conversation => \&_conversation,
);


# of a frame, or of a message as history has it

sub read_event ($frame) {
    my ($type, $data) = defined $frame->{type} && $frame->{data}
        ? @$frame{qw(type data)} : ('message.', $frame);
    my ($of, $what) = split /\./, $type, 2;
    my $event = $READ{$of}->($what, $data);

    $event->{revision} = $data->{revision};
    $event->{conversation} = $data->{conversationId};

    return $event;
}


sub _message ($what, $data) { return message_of($data) }


# reactions are things of their own

sub message_of ($data) {
    my %own = %$data;
    my $reactions = delete $own{reactions};

    return {
        reactions => _reactions_of($own{id}, $reactions),
        kind     => exists $own{deletedAt} ? 'd'
            : exists $own{editedAt} ? 'u' : 'c',
        thing    => "m $own{id}",
        value    => md5_base64(encode(\%own)),
        sequence => $own{sequenceNumber},
        content  => exists $own{content} ? md5_base64(encode($own{content}))
            : undef,
    };
}


sub _reactions_of ($id, $reactions) {
    return join ', ', sort map {
        my $emoji = $_->{emoji};

        map { "r $id $_ $emoji" } @{ $_->{userIds} };
    } @{ $reactions // [] };
}


sub _reaction ($what, $data) {
    return {
        kind  => $what eq 'added' ? '+' : '-',
        thing => "r $data->{messageId} $data->{userId} $data->{emoji}",
        value => $what,
    };
}


# joined or updated depends on where the reader has been

sub _member ($what, $data) {
    return {
        kind  => 'member',
        thing => "u $data->{userId}",
        value => $data->{role} // '',
    };
}


# the name at the creation is told as it is now

sub _conversation ($what, $data) {
    return { kind => 'updated', thing => 's', value => settings_of($data) }
        if $what eq 'updated';
    return { kind => 'deleted', thing => 'd', value => '' }
        if $what eq 'deleted';
    return {
        kind  => 'created',
        thing => 'c',
        value => join ' ', @$data{qw(type createdBy createdAt)},
    };
}


# as texts; what is off is as what was never set

sub settings_of ($data) {
    return { map {
        my $value = $data->{$_};

        ($_ => ref $value ? ($value ? '1' : '') : $value || '')
    } grep { exists $data->{$_} } @SETTINGS };
}

1;
