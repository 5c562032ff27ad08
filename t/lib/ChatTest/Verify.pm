# Conversations in which everything has happened, and what chatctl verify says of
# them.

package ChatTest::Verify;

use v5.36;

use Exporter qw(import);

use ChatTest::Json qw(decode);
use ChatTest::Uuid qw(uuid);

our @EXPORT_OK = qw(lived verify kinds);


# The exit code, and what a line of JSON says.

sub verify ($chat, @line) {
    my ($code, $text) = $chat->chatctl('verify', @line, '--json');

    return ($code, $text =~ /\A\{/ ? decode((split /\n/, $text)[0]) : {});
}


sub kinds ($told) {
    my %kinds = map { $_->{kind} => 1 } @{ $told->{faults} };

    return join ' ', sort keys %kinds;
}


# The group lobby and the channel square, with all kinds of events.  Returns the
# sessions by their users, and the messages of the lobby.

sub lived ($chat) {
    $chat->create('lobby', type => 'group', by => 'ada',
                  members => [qw(bob carol dan)]);
    $chat->create('square');

    my %user = map { $_ => $chat->connect(user => $_) } qw(ada bob carol dan);
    my %lobby = (conversationId => 'lobby');
    my @said = _talk('lobby', %user);

    $user{ada}->request('conversation.update',
                        { %lobby, name => 'Lobby', slowMode => 0 });
    $user{ada}->request('member.update', { %lobby, userId => 'carol',
                                           role => 'moderator' });
    $user{ada}->request('member.remove', { %lobby, userId => 'dan' });
    $user{dan}->join('square');
    _talk('square', %user);

    return (\%user, \@said);
}


sub _talk ($room, %user) {
    my %of = (conversationId => $room);
    my @say = map {
        $user{bob}->request('message.send', { %of, content => "Number $_",
            clientMessageId => $_ % 3 ? uuid() : "bob-$_" })
    } 1 .. 12;

    $user{carol}->request('message.send', {
        %of, content => 'yes', replyTo => $say[0]{id}, mentions => ['bob'],
        attachments => [{ id => 'a' }],
    });
    $user{bob}->request('message.edit',
                        { %of, messageId => $_->{id}, content => 'other' })
        for @say[1, 2, 3, 2];
    $user{$_}->request('reaction.add',
                       { %of, messageId => $say[4]{id}, emoji => '+1' })
        for qw(ada bob carol);
    $user{bob}->request('reaction.remove',
                        { %of, messageId => $say[4]{id}, emoji => '+1' });
    $user{bob}->request('reaction.add',
                        { %of, messageId => $say[5]{id}, emoji => '-1' });
    $user{bob}->request('message.delete', { %of, messageId => $_->{id} })
        for @say[5, 1];
    $user{carol}->request('read.mark', { %of, sequenceNumber => 3 });

    return @say;
}

1;
