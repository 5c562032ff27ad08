# A Redis of its own with the shipped settings and the function library, in a
# private directory.  A partition is opened as chat-persist would.

package Bench::RedisServer;

use v5.36;

use Carp qw(croak);
use Cwd qw(realpath);
use File::Basename qw(dirname);
use File::Temp;

use Bench::Redis;
use ChatTest::Process;
use ChatTest::Wait qw(wait_until);

use constant {
    IDENTITY   => 'the one of the measurement',
    GENERATION => 1,
    PARTITIONS => 16,
    BACKLOG    => 10_000_000,
    START      => 20,
};

my $root = realpath(dirname(__FILE__) . '/../../..');


# settings => [...]: beside the shipped ones

sub new ($class, %o) {
    my $base = File::Temp->newdir('ngx_chat-bench-XXXXXX', TMPDIR => 1);
    my $socket = "$base/redis.sock";
    my $self = bless { base => $base, socket => $socket }, $class;

    $self->{process} = ChatTest::Process->new(
        name    => 'redis',
        log     => "$base/redis.log",
        command => ['redis-server', "$root/conf/redis.conf", '--port', 0,
                    '--unixsocket', $socket, '--dir', $base,
                    @{ $o{settings} // [] }],
    );

    return $self;
}


sub socket ($self)    { return $self->{socket} }
sub directory ($self) { return $self->{base} }


sub start ($self) {
    $self->{process}->start;

    my $link = wait_until { eval { Bench::Redis->new($self->{socket}) } } START;

    $link->call('FUNCTION', 'LOAD', _slurp("$root/build/chat.lua"));
    $self->{link} = $link;

    return $self;
}


sub redis ($self) { return $self->{link} }
sub stop ($self) { return $self->{process}->stop }


# opens a partition; returns its prefix

sub open_part ($self, $partition) {
    my $prefix = sprintf 'chat:{p%02d}:', $partition;

    $self->{link}->fcall('chat_v1_reopen', 1, $prefix, 1, IDENTITY, GENERATION,
                         '0-0', PARTITIONS, BACKLOG);

    return $prefix;
}


# everything in the log of a partition up to there counts as stored

sub stored ($self, $prefix, $position) {
    return $self->{link}->fcall('chat_v1_stored', 1, $prefix, 1, IDENTITY,
                                GENERATION, $position);
}


sub _slurp ($file) {
    open my $in, '<', $file or croak "cannot read $file: $!";
    local $/ = undef;

    return <$in>;
}

1;
