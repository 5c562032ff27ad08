# The operator, who may do everything: changes as chatctl makes them, by the
# function library and with no user.

package ChatTest::Model::Operator;

use v5.36;

use Carp qw(croak);
use POSIX qw(strftime);
use Time::HiRes qw(time sleep);

use ChatTest::Wait qw(PATIENCE);

use constant NODE => 'operator';

# what follows operation, user and time, given the conversation and the data
my %ARGUMENTS = (
    'conversation.update' => sub ($id, $time, $d) {
        my %text = (
            defined $d->{name} ? (name => qq("$d->{name}")) : (),
            exists $d->{description}
                ? (description => $d->{description} eq '' ? 'null'
                                      : qq("$d->{description}")) : (),
            defined $d->{readOnly} ? (readOnly => ${ $d->{readOnly} }) : (),
            defined $d->{slowMode} ? (slowMode => $d->{slowMode}) : (),
        );
        my @given = grep { exists $text{$_} }
            qw(name description readOnly slowMode);
        my $head = join ',', map { qq("$_":$text{$_}) } @given;

        return (_head('conversation.updated', $id, qq($head,)), map {
            $_ => $_ ne 'readOnly' ? $d->{$_}
                : $text{readOnly} eq 'true' ? 1 : 0
        } @given);
    },
    'conversation.delete' => sub ($id, $time, $d) {
        return _head('conversation.deleted', $id, '');
    },
    'member.add' => sub ($id, $time, $d) {
        return ($d->{userId}, $d->{role} // 'member', _member($id, $d),
                $d->{max});
    },
    'member.update' => sub ($id, $time, $d) {
        return ($d->{userId}, $d->{role}, _member($id, $d), $d->{max});
    },
    'member.remove' => sub ($id, $time, $d) {
        return ($d->{userId}, _member($id, $d));
    },
    'message.edit' => sub ($id, $time, $d) {
        return ($d->{messageId}, ${ $d->{content} },
                qq("editedAt":"@{[ _written($time) ]}",));
    },
    'message.delete' => sub ($id, $time, $d) {
        return ($d->{messageId}, qq({"type":"message.deleted","data":{)
            . qq("id":"$d->{messageId}","conversationId":"$id",)
            . qq("deletedBy":null,"deletedAt":"@{[ _written($time) ]}",));
    },
);


sub _head ($type, $id, $more) {
    return qq({"type":"$type","data":{"conversationId":"$id",$more);
}


sub _member ($id, $d) {
    return qq({"conversationId":"$id","userId":"$d->{userId}",);
}


sub _written ($ms) {
    return strftime('%Y-%m-%dT%H:%M:%S', gmtime $ms / 1000)
        . sprintf '.%03dZ', $ms % 1000;
}


sub types () { return sort keys %ARGUMENTS }


# storage: a ChatTest::Model::Storage; the reply to an operation, as a session
# would have got it

sub new ($class, $storage) {
    return bless { storage => $storage }, $class;
}


sub reply ($self, $c, $op) {
    my $time = int 1000 * time;
    my @more = $ARGUMENTS{ $op->{type} }->($c->{id}, $time,
        { %{ $op->{data} }, max => $c->{max_members} });
    my $deadline = time + PATIENCE;

    while (1) {
        my $answer = $self->{storage}->fcall($c->{tenant}{name}, $c->{id},
            'chat_v1_append', $op->{type}, '', $time, @more);

        return _reply(@$answer) if $answer->[0] ne 'need';

        croak "not loaded for the operator: @$answer" if time > $deadline;
        $self->_need($c, @$answer[1 .. $#$answer]);
        sleep 0.01;
    }
}


# what Redis lacks is asked for as nodes do it; the answer shows by itself

sub _need ($self, $c, $kind, $id = undef) {
    return if ($self->{asked} // '') eq "$kind $c->{id}"
        && time < $self->{asked_at} + 1;

    @$self{qw(asked asked_at)} = ("$kind $c->{id}", time);
    $self->{storage}->ask($c->{tenant}{name}, $c->{id}, k => $kind, n => NODE,
                          i => 1, defined $id ? (g => $id) : ());

    return;
}


sub _reply ($what, @more) {
    return { ok => 1, data => qq({"revision":$more[0]}),
             text => "$what @more" } if $what eq 'ok';

    return { ok => 0, code => $what eq 'error' ? $more[0] : $what,
             text => "$what @more" };
}

1;
