# A message of the model, and the texts of it that clients get.

package ChatTest::Model::Message;

use v5.36;

use ChatTest::Model::Text;


# conversation, id, sender, client (undef: none), content (raw JSON), time,
# reply_to, mentions => [...], attachments (raw JSON), sequence, revision

sub new ($class, %o) {
    return bless { reactions => [], versions => [], %o }, $class;
}


# content is another one from now on

sub edit ($self, $content, $revision, $moment) {
    push @{ $self->{versions} }, $self->{content};
    $self->{content} = $content;
    $self->{revision} = $revision;
    $self->{edited} = $moment;

    return;
}


# nothing is left but where it was

sub erase ($self, $by, $revision, $moment) {
    delete @$self{qw(content attachments mentions reply_to edited)};

    @$self{qw(reactions versions)} = ([], []);
    $self->{revision} = $revision;
    $self->{deleted} = { by => $by, moment => $moment };

    return;
}


sub deleted ($self) { return exists $self->{deleted} }


sub reacted ($self, $user, $emoji) {
    return grep { $_->[0] eq $user && $_->[1] eq $emoji }
        @{ $self->{reactions} };
}


sub react ($self, $user, $emoji) {
    push @{ $self->{reactions} }, [$user, $emoji];

    return;
}


sub unreact ($self, $user, $emoji) {
    $self->{reactions} = [
        grep { $_->[0] ne $user || $_->[1] ne $emoji }
            @{ $self->{reactions} }
    ];

    return;
}


# the event that brought it into its present state

sub event ($self) {
    my $type = $self->deleted ? 'deleted'
        : $self->{edited} ? 'updated' : 'created';

    return $self->_text(qq({"type":"message.$type","data":), '}}');
}


# the data of that event

sub data ($self) { return $self->_text('', '}') }


# what applying its events leads to, as ChatTest::Model::State takes it

sub changes ($self) {
    return [deleted => $self->{id}, $self->data] if $self->deleted;

    return [message => $self->{id}, $self->data],
        map { [added => $self->{id}, @$_] } @{ $self->{reactions} };
}


# the same as history has it, with its reactions: emojis in the order of their
# first one

sub history ($self) {
    my (@emojis, %users);

    for (@{ $self->{reactions} }) {
        my ($user, $emoji) = @$_;

        push @emojis, $emoji if !$users{$emoji};
        push @{ $users{$emoji} }, qq("$user");
    }

    return $self->data if !@emojis;

    my @reactions = map {
        qq({"emoji":"$_","userIds":[) . join(',', @{ $users{$_} }) . ']}'
    } @emojis;

    return $self->_text('', ',"reactions":[' . join(',', @reactions) . ']}');
}


sub _text ($self, $head, $tail) {
    my $position = qq("sequenceNumber":$self->{sequence},)
        . qq("revision":$self->{revision}$tail);
    my $deleted = $self->{deleted};

    $head .= qq({"id":"$self->{id}","conversationId":"$self->{conversation}",);

    if ($deleted) {
        my $by = $deleted->{by} eq '' ? 'null' : qq("$deleted->{by}");

        return ChatTest::Model::Text->new(
            qq($head"deletedBy":$by,"deletedAt":"), $deleted->{moment},
            qq(",$position));
    }

    $head .= $self->_fields;

    return ChatTest::Model::Text->new($head . $position) if !$self->{edited};
    return ChatTest::Model::Text->new(qq($head"editedAt":"), $self->{edited},
                                      qq(",$position));
}


sub _fields ($self) {
    my $text = qq("senderId":"$self->{sender}",);

    $text .= qq("clientMessageId":"$self->{client}",)
        if defined $self->{client};
    $text .= qq("content":$self->{content},"timestamp":"$self->{time}",);
    $text .= qq("replyTo":"$self->{reply_to}",) if defined $self->{reply_to};
    $text .= '"mentions":["' . join('","', @{ $self->{mentions} }) . '"],'
        if @{ $self->{mentions} // [] };
    $text .= qq("attachments":$self->{attachments},)
        if defined $self->{attachments};

    return $text;
}

1;
