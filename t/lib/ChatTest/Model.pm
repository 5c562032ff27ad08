# The world of the property test: tenants with the same users and conversations
# of the same ids, sessions of theirs, and all that happens between them.
#
#     my $chat = ChatTest->new(workers => 2, ChatTest::Model->configuration);
#     my $model = ChatTest::Model->new(chat => $chat, seed => 1);
#
#     $model->run(1000);       # random operations, checked as they happen
#     $model->rest;            # lists of conversations, then Redis forgets all
#     $model->finish;          # what is stored
#
# What goes wrong dies with the seed, the operation's number and the story of
# the conversation concerned.  A seed makes the same choices again where the
# answers come in the same order, which with many conversations at once they
# rarely do: what helps is the story.

package ChatTest::Model;

use v5.36;

use Carp qw(croak);

use ChatTest::Model::Conversation;
use ChatTest::Model::Driver;
use ChatTest::Uuid qw(uuid);

use constant {
    MAX_MEMBERS   => 5,
    MAX_REACTIONS => 4,
};

my @USERS = qw(ada bob cy.d:e@f_g-1 dan eve fay gus hal);
my @ADMINS = qw(ada bob);

# how many conversations of a tenant are made in which way
my %WAYS = (chosen_channel => 6, chosen_group => 5, client_group => 5, dm => 6);


# what the configuration of nginx must have: limits small enough to be met, and
# a place where replies wait for PostgreSQL

sub configuration ($class) {
    my $limits = sprintf <<~'END', MAX_MEMBERS, MAX_REACTIONS;
        chat_max_outstanding 1000;
        chat_send_queue 4m;
        chat_request_timeout 30s;
        chat_max_members %d;
        chat_max_reactions %d;
        END

    return (location => $limits, server => <<~"END");
        location = /stored {
            chat_websocket on;
            chat_ack stored;
            $limits
        }
        END
}


# chat, seed, which names the tenants, too; scale: so many times the usual
# number of conversations; library: see ChatTest::Model::Storage

sub new ($class, %o) {
    my $self = bless { scale => 1, %o }, $class;

    srand $self->{seed};

    my @tenants = map { {
        name   => $_,
        users  => [@USERS],
        admins => { map { $_ => 1 } @ADMINS },
        by_id  => {},
    } } map { "$_-$self->{seed}" } qw(acme zebra);

    $self->{driver} = ChatTest::Model::Driver->new(
        chat          => $o{chat},
        library       => $o{library},
        window        => 48 * $self->{scale},
        conversations => [map { $self->_conversations($_) } @tenants],
    );
    $self->_connect($_) for @tenants;

    return $self;
}


# two sessions of each user, on two nodes; some wait for what is stored

sub _connect ($self, $tenant) {
    my $driver = $self->{driver};
    my @paths = ('/chat', '/chat', '/stored');

    for my $user (@{ $tenant->{users} }) {
        my $first = $driver->connect($tenant, $user);

        push @paths, shift @paths;
        $driver->connect($tenant, $user, node_other_than => $first,
                         path => $paths[0]);
    }

    return;
}


sub _conversations ($self, $tenant) {
    my @all;

    for my $way (sort keys %WAYS) {
        push @all, map {
            my $method = "_$way";
            $self->$method($tenant, $_);
        } 1 .. $WAYS{$way} * $self->{scale};
    }

    return @all;
}


sub _conversation ($tenant, $type, %way) {
    return ChatTest::Model::Conversation->new(
        tenant        => $tenant,
        type          => $type,
        way           => \%way,
        max_members   => MAX_MEMBERS,
        max_reactions => MAX_REACTIONS,
    );
}


# in one there are messages so big that not every answer can be complete

sub _chosen_channel ($self, $tenant, $n) {
    return _conversation($tenant, 'channel', id => "channel-$n",
                         big => $n == 1);
}


sub _chosen_group ($self, $tenant, $n) {
    return _conversation($tenant, 'group', id => "group-$n");
}


sub _client_group ($self, $tenant, $n) {
    return _conversation($tenant, 'group', client => uuid(),
                         by => $USERS[$n % @USERS]);
}


# no two have the same pair

sub _dm ($self, $tenant, $n) {
    state @pairs = map {
        my $i = $_;
        map { [@USERS[$i, $_]] } $i + 1 .. $#USERS;
    } 0 .. $#USERS;

    return _conversation($tenant, 'dm', pair => $pairs[5 * $n % @pairs]);
}


# so many operations, in the order that the seed makes

sub run ($self, $operations) {
    $self->_do(sub ($driver) { $driver->run($operations) });

    return;
}


sub rest ($self, %o) {
    $self->_do(sub ($driver) {
        $driver->check_lists;
        $driver->empty_redis if $o{empty};
    });

    return;
}


# Everybody has heard everything, the lists of conversations are right, and so
# is what is stored.

sub finish ($self) {
    $self->_do(sub ($driver) {
        $driver->check_lists;
        $driver->check_end;
        $driver->check_storage;
    });

    return;
}


sub _do ($self, $what) {
    eval { $what->($self->{driver}); 1 }
        or croak "seed $self->{seed}: $@";

    return;
}


# how often what happened; and how often what was asked of PostgreSQL

sub operations ($self) { return $self->{driver}{count} }
sub counts ($self)     { return $self->{driver}->counts }
sub needs ($self)      { return $self->{driver}->needs }

1;
