# Messages for a whole instance that go past nginx: handed to the function
# library as a node would, many in a pipeline.

package Bench::Fill;

use v5.36;

use Carp qw(croak);
use Compress::Zlib qw(crc32);

use Bench::Message qw(now send_arguments);
use Bench::Redis qw(encode);
use ChatTest::Uuid qw(uuid);

use constant {
    PARTITIONS => 16,
    DEPTH      => 500,          # calls in a pipeline; each is synced to disk
};


# chat; conversations (names): channels, which are made if create is given

sub new ($class, %o) {
    my $self = bless { %o, redis => $o{chat}->redis, next => 0 }, $class;

    $self->{identity} = $self->{redis}->call('HGET', 'chat:{p00}:part',
                                             'identity');
    $self->_create if $o{create};

    return $self;
}


sub redis ($self) { return $self->{redis} }


# so many messages, as commands that are encoded: in turn in all conversations

sub messages ($self, $count) {
    my $names = $self->{conversations};

    return map {
        my $name = $names->[$self->{next}++ % @$names];
        my $partition = crc32("default/$name") % PARTITIONS;
        my $time = now();

        encode(send_arguments(
            prefix       => sprintf('chat:{p%02d}:', $partition),
            conversation => $name,
            user         => 'ada',
            identity     => $self->{identity},
            partitions   => PARTITIONS,
            time         => $time,
            client_time  => $time,
            client_id    => uuid($time),
            id           => _id($time, $partition),
        ));
    } 1 .. $count;
}


# sends them; dies if one is not accepted

sub send ($self, @messages) {
    while (my @some = splice @messages, 0, DEPTH) {
        $self->{redis}->write(join '', @some);

        for my $reply ($self->{redis}->replies(scalar @some)) {
            croak "a message was not accepted: @$reply" if $reply->[0] ne 'ok';
        }
    }

    return;
}


# of a message: with the partition in six bits of it

sub _id ($time, $partition) {
    my $id = uuid($time);

    substr $id, 15, 3, sprintf '%03x', $partition << 6 | int rand 64;

    return $id;
}


sub _create ($self) {
    my $admin = $self->{chat}->connect(user => 'admin', roles => ['admin']);

    for my $name (@{ $self->{conversations} }) {
        $admin->request('conversation.create', {
            conversationId => $name, type => 'channel',
        });
    }

    $admin->disconnect;

    return;
}

1;
