# A link to Redis: commands as lists of arguments, replies as Perl has such
# things.  An error in a reply dies.

package Bench::Redis;

use v5.36;

use Carp qw(croak);
use Exporter qw(import);
use IO::Socket::UNIX;

our @EXPORT_OK = qw(encode);

use constant CHUNK => 65536;


sub new ($class, $path) {
    my $socket = IO::Socket::UNIX->new(Peer => $path)
        or croak "cannot connect to $path: $!";

    return bless { socket => $socket, in => '', at => 0 }, $class;
}


# a command as it goes over the line

sub encode (@arguments) {
    return join '', '*', scalar @arguments, "\r\n",
        map { ('$', length, "\r\n", $_, "\r\n") } @arguments;
}


sub call ($self, @arguments) {
    $self->write(encode(@arguments));

    return $self->reply;
}


# what the library answered, without its "ok"

sub fcall ($self, @arguments) {
    my ($ok, @rest) = @{ $self->call('FCALL', @arguments) };

    croak "$arguments[0]: $ok @rest" if $ok ne 'ok';

    return @rest;
}


# commands that are encoded, and the replies to as many

sub write ($self, $bytes) {
    while (length $bytes) {
        my $n = syswrite $self->{socket}, $bytes
            or croak "cannot write to Redis: $!";

        substr $bytes, 0, $n, '';
    }

    return;
}


sub reply ($self) {
    my $line = $self->line;
    my $type = substr $line, 0, 1, '';

    return $line                if $type eq '+' || $type eq ':';
    croak "Redis said: $line"   if $type eq '-';
    return $self->_bulk($line)  if $type eq '$';
    return undef                if $line < 0;
    return [map { $self->reply } 1 .. $line];
}


sub replies ($self, $count) {
    return map { $self->reply } 1 .. $count;
}


# one line, of the protocol or of MONITOR

sub line ($self) {
    while (1) {
        my $end = index $self->{in}, "\r\n", $self->{at};

        if ($end >= 0) {
            my $line = substr $self->{in}, $self->{at}, $end - $self->{at};

            $self->{at} = $end + 2;
            return $line;
        }

        $self->_fill;
    }
}


# what INFO says of these names, in a list

sub info ($self, $section, @names) {
    my %value = $self->call('INFO', $section) =~ /^(\w+):(.*?)\r?$/mg;

    return map { $value{$_} // croak "INFO has no $_" } @names;
}


# the seconds of processor that it has taken since its start

sub cpu ($self) {
    my ($user, $system) = $self->info('cpu', qw(used_cpu_user used_cpu_sys));

    return $user + $system;
}


# how often each command was called: name => count

sub command_counts ($self) {
    return $self->call('INFO', 'commandstats')
        =~ /^cmdstat_(\S+?):calls=(\d+)/mg;
}


# the seconds that it has spent in each command: name => seconds

sub command_times ($self) {
    my %us = $self->call('INFO', 'commandstats')
        =~ /^cmdstat_(\S+?):calls=\d+,usec=(\d+)/mg;

    return map { $_ => $us{$_} / 1e6 } keys %us;
}


sub _bulk ($self, $length) {
    return undef if $length < 0;

    $self->_fill while length($self->{in}) < $self->{at} + $length + 2;

    my $text = substr $self->{in}, $self->{at}, $length;
    $self->{at} += $length + 2;

    return $text;
}


sub _fill ($self) {
    substr $self->{in}, 0, $self->{at}, '';
    $self->{at} = 0;

    sysread $self->{socket}, $self->{in}, CHUNK, length $self->{in}
        or croak 'Redis has ended the connection';

    return;
}

1;
