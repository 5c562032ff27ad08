# Users who are there for Redis alone: as a node would tell of them, without any
# connection.  What they do, and when, is the test's.

package ChatTest::Ghost;

use v5.36;

use Carp qw(croak);
use Compress::Zlib qw(crc32);

use ChatTest::Redis;

use constant { PARTITIONS => 16, LEASE => 600_000 };


# tenant: theirs

sub new ($class, $chat, $tenant = 'default') {
    return bless { redis => ChatTest::Redis->new($chat->{redis_socket}),
                   tenant => $tenant, nodes => {} }, $class;
}


# a user has so many sessions, so many of them active

sub there ($self, $user, $sessions = 1, $active = $sessions) {
    my $p = $self->_partition($user);

    $self->_call('renew', $p, 'ghosts.1', LEASE, 1) if !$self->{nodes}{$p}++;
    $self->_call('report', $p, 'ghosts.1', LEASE, "$self->{tenant}/$user",
                 $sessions, $active);

    return;
}


sub gone ($self, $user) { return $self->there($user, 0, 0) }


# choice: o, a, b or i

sub choose ($self, $user, $choice, $text = '') {
    $self->_call('set', $self->_partition($user), "$self->{tenant}/$user",
                 $choice, $text);

    return;
}


# what others see, as Redis has it: "o 0 text"; "" if it is not loaded

sub seen ($self, $user) {
    my $p = $self->_partition($user);
    my $identity = $self->{redis}->call('HGET', _prefix($p) . 'part',
                                        'identity');
    my $answer = $self->_try('read', $p, $identity, "$self->{tenant}/$user");

    return $answer->[0] eq 'ok' ? $answer->[3] : $answer->[0];
}


# whether Redis holds anything of the user

sub is_known ($self, $user) {
    return $self->{redis}->call('HEXISTS',
                                _prefix($self->_partition($user)) . 'users',
                                "$self->{tenant}/$user");
}


sub _partition ($self, $user) {
    return crc32("$self->{tenant}/$user") % PARTITIONS;
}


sub _prefix ($p) { return sprintf 'chat:{p%02d}:presence:', $p }


sub _try ($self, $function, $p, @arguments) {
    return $self->{redis}->call('FCALL', "chat_presence_v1_$function", 1,
                                _prefix($p), PARTITIONS, @arguments);
}


sub _call ($self, $function, $p, @arguments) {
    my $answer = $self->_try($function, $p, @arguments);

    croak "$function: @$answer" if $answer->[0] ne 'ok';

    return $answer;
}

1;
