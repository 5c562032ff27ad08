# openssl s_client as a client: it can do with TLS what no library of Perl can.
# What it gets is read only when somebody wants it.

package ChatTest::SClient;

use v5.36;

use Carp qw(croak);
use IPC::Open3;
use Symbol qw(gensym);
use Time::HiRes qw(time);

use ChatTest::Frame qw(take_frame);
use ChatTest::Wait qw(PATIENCE);


# port of loopback; options of openssl

sub new ($class, $port, @options) {
    my $self = bless { in => '', said => '', errors => gensym }, $class;

    $self->{pid} = open3(
        $self->{to}, $self->{from}, $self->{errors}, 'setpriv', '--pdeathsig',
        'KILL', 'openssl', 's_client', '-brief', @options, '-connect',
        "127.0.0.1:$port");

    $_->blocking(0) for @$self{qw(from errors)};
    $self->{to}->autoflush(1);

    return $self;
}


sub DESTROY ($self) {
    local ($?, $@);

    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;

    return;
}


# it reads a letter that comes alone as a command, and says so

sub command ($self, $letter) {
    my $said = $self->{said} =~ tr/\n//;

    $self->send("$letter\n");
    $self->_wait(errors => \$self->{said}, sub {
        $self->{said} =~ tr/\n// > $said;
    }) or croak "openssl has ended: $self->{said}";

    return;
}


sub send ($self, $bytes) {
    local $SIG{PIPE} = 'IGNORE';

    print { $self->{to} } $bytes or croak "openssl does not take it: $!";

    return;
}


# the header of the response

sub head ($self) {
    $self->_wait(from => \$self->{in}, sub {
        $self->{in} =~ s/\A(.*?\r\n)\r\n//s;
    }) or croak 'the connection ended';

    return;
}


# the next frame

sub frame ($self) {
    my $frame;

    $self->_wait(from => \$self->{in}, sub {
        $frame = take_frame(\$self->{in});
    }) or croak "the connection ended: $self->{said}";

    return $frame;
}


# whether it ends, whatever comes before

sub ends ($self) {
    return !$self->_wait(from => \$self->{in}, sub { 0 });
}


# reads until the condition is true; false at the end

sub _wait ($self, $from, $buffer, $condition) {
    my $deadline = time + PATIENCE;
    my $bits = '';

    vec($bits, fileno $self->{$from}, 1) = 1;

    while (!$condition->()) {
        my $left = $deadline - time;

        select my $ready = $bits, undef, undef, $left > 0 ? $left : 0
            or croak 'nothing came within the time allowed';

        my $n = sysread $self->{$from}, $$buffer, 65_536, length $$buffer;

        return 0 if defined $n && $n == 0;
    }

    return 1;
}

1;
