# The function library of chat-presence, called as a node would, and what it
# publishes.  For a test with one partition: all users lie in it.

package ChatTest::Presence;

use v5.36;

use Carp qw(croak);
use Exporter qw(import);
use IO::Select;
use IO::Socket::UNIX;

use ChatTest::Redis;
use ChatTest::Wait qw(wait_until);

our @EXPORT_OK = qw(presence_stack);

use constant {
    PREFIX => 'chat:{p00}:presence:',
    LEASE  => 600_000,      # ms: none ends by itself
};


# what a test's stack is made of; more may be given

sub presence_stack (%o) {
    return (
        with       => [qw(redis postgres presence)],
        partitions => 1,
        http       => 'chat_partitions 1;',
        %o,
    );
}


sub new ($class, $chat) {
    return bless { chat => $chat, redis => undef, heard => '' }, $class;
}


sub redis ($self) {
    return $self->{redis} //= ChatTest::Redis->new($self->{chat}{redis_socket});
}


# Redis has been started anew

sub reconnect ($self) {
    @$self{qw(redis socket heard)} = (undef, undef, '');

    return;
}


sub key ($self, $name) { return PREFIX . $name }


sub part ($self, $field) {
    return $self->redis->call('HGET', $self->key('part'), $field);
}


# a function; its answer without "ok", or dies

sub ask ($self, $function, @arguments) {
    my $answer = $self->try($function, @arguments);

    croak "$function(@arguments): @$answer" if $answer->[0] ne 'ok';

    return @$answer[1 .. $#$answer];
}


sub try ($self, $function, @arguments) {
    return $self->redis->call($self->command($function, @arguments));
}


sub command ($self, $function, @arguments) {
    return ('FCALL', "chat_presence_v1_$function", 1, PREFIX, 1, @arguments);
}


# A node, as it is called: its lease begins.

sub node ($self, $name, $lease = LEASE) {
    $self->ask('renew', $name, $lease, 1);

    return $name;
}


# ($node, user => [sessions, active], ...); the letters of their choices

sub report ($self, $node, %users) {
    my ($letters) = $self->ask('report', $node, LEASE,
                               map { ("t/$_", @{ $users{$_} }) } sort keys %users);

    return $letters;
}


sub set ($self, $user, $choice, $text = '') {
    return $self->ask('set', "t/$user", $choice, $text);
}


# as others see the user: "o 0 text"; "" not loaded, "closed"

sub seen ($self, $user) {
    my $answer = $self->try('read', $self->part('identity') // '', "t/$user");

    return $answer->[0] eq 'ok' ? $answer->[3] : $answer->[0];
}


sub state_of ($self, $user) { return substr $self->seen($user), 0, 1 }


# waits until the user is seen in this state

sub becomes ($self, $user, $state) {
    my $seen = '';

    eval { wait_until { ($seen = $self->seen($user)) =~ /^\Q$state\E/ } }
        or croak "$user is seen as \"$seen\", not \"$state\"";

    return $seen;
}


# until what was done before was looked at: another user, made for that, was

sub pass ($self) {
    my $user = 'pass' . ++$self->{passes};

    $self->node('pass');
    $self->report('pass', $user => [1, 1]);
    $self->becomes($user, 'o');

    return;
}


# Listens to the partition, and to these users' own channels.

sub listen ($self, @users) {
    $self->{socket} = IO::Socket::UNIX->new(
        Peer => $self->{chat}{redis_socket}) or croak "cannot connect: $!";
    my @channels = (substr(PREFIX, 0, -1), map { "chat:user:t/$_" } @users);

    syswrite $self->{socket}, join ' ', 'SUBSCRIBE', map { qq("$_") } @channels;
    syswrite $self->{socket}, "\r\n";
    wait_until { $self->_fill; ($self->{heard} =~ s/^.*?:${\ scalar @channels }\r\n//s) };

    return;
}


# What was published since the last time: [channel, text], ...

sub heard ($self) {
    my @messages;

    $self->_fill;

    while ($self->{heard} =~ s/^\*3\r\n\$7\r\nmessage\r\n\$\d+\r\n([^\r]+)\r\n\$(\d+)\r\n//) {
        my ($channel, $length) = ($1, $2);

        while (length $self->{heard} < $length + 2) {
            $self->_fill;
        }

        push @messages, [$channel, substr $self->{heard}, 0, $length];
        substr $self->{heard}, 0, $length + 2, '';
    }

    return @messages;
}


# the lines about a user among these

sub lines_about ($self, $user, @messages) {
    return map { /^t\/\Q$user\E (.*)$/mg ? $1 : () }
        map { split /\n/, $_->[1] } grep { $_->[0] !~ /^chat:user:/ } @messages;
}


sub _fill ($self) {
    my $select = IO::Select->new($self->{socket});

    while ($select->can_read(0)) {
        sysread $self->{socket}, my $bytes, 65536 or croak 'Redis closed';
        $self->{heard} .= $bytes;
    }

    return;
}

1;
