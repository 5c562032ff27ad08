# Who is seen by others, as Redis tells nodes: the state of a user, and all that
# was published of users since somebody listens.

package ChatTest::Seen;

use v5.36;

use Carp qw(croak);
use Compress::Zlib qw(crc32);

use ChatTest::Redis;
use ChatTest::Wait qw(wait_until);

use constant DETAIL => qr/^(\S+) (.) (\d+) (.*)$/m;


sub new ($class, $chat, %o) {
    my $self = bless { chat => $chat, partitions => $o{partitions} // 16,
                       told => [], pings => 0 }, $class;

    $self->reconnect;

    return $self;
}


# Redis was started anew

sub reconnect ($self) {
    my $path = $self->{chat}{redis_socket};

    $self->{redis} = ChatTest::Redis->new($path);
    $self->{listener} = ChatTest::Redis->new($path);
    $self->{listener}->call('PSUBSCRIBE', 'chat:{p*}:presence');

    return;
}


sub redis ($self) { return $self->{redis} }


# the prefix of the partition that the user is in

sub prefix ($self, $user) {
    return sprintf 'chat:{p%02d}:presence:',
        crc32("default/$user") % $self->{partitions};
}


sub _call ($self, $function, $user, @arguments) {
    return $self->redis->call('FCALL', "chat_presence_v1_$function", 1,
                              $self->prefix($user), $self->{partitions},
                              @arguments);
}


# "o 0 text", or "f <ms> ": as others see the user; "" if it is not known,
# "closed"

sub state ($self, $user) {
    my $identity = $self->redis->call('HGET', $self->prefix($user) . 'part',
                                      'identity') // '';
    my $answer = $self->_call('read', $user, $identity, "default/$user");

    return $answer->[0] eq 'ok' ? $answer->[3] : $answer->[0];
}


# of each node that has some: [sessions, active ones]

sub sessions ($self, $user) {
    my (undef, undef, undef, @nodes) = @{ $self->_call('own', $user,
                                                       "default/$user") };
    my @sessions;

    while (my (undef, $n, $active) = splice @nodes, 0, 3) {
        push @sessions, [$n, $active];
    }

    return [sort { $a->[0] <=> $b->[0] } @sessions];
}


# waits until the user is seen so; returns all of it

sub becomes ($self, $user, $state) {
    my $seen = '';

    eval { wait_until { ($seen = $self->state($user)) =~ /^\Q$state\E/ } }
        or croak "$user is seen as \"$seen\", not \"$state\"";

    return $seen;
}


# what was published of the user up to now: letters, in order

sub told ($self, $user) {
    $self->_listen;

    return join '', map { $_->[0] eq "default/$user" ? $_->[1] : () }
        @{ $self->{told} };
}


# who was said to be so, of all users

sub told_so ($self, $letter) {
    $self->_listen;

    return sort map { $_->[1] eq $letter ? $_->[0] =~ s{^default/}{}r : () }
        @{ $self->{told} };
}


sub forget ($self) {
    $self->_listen;
    $self->{told} = [];

    return;
}


# all that Redis has published before it answers this

sub _listen ($self) {
    my $mark = 'mark ' . ++$self->{pings};

    for (my $message = $self->{listener}->call('PING', $mark);
         $message->[0] ne 'pong' || $message->[1] ne $mark;
         $message = $self->{listener}->_reply)
    {
        next if $message->[0] ne 'pmessage';

        push @{ $self->{told} }, [$1, $2] while $message->[3] =~ /@{[DETAIL]}/gm;
    }

    return;
}

1;
