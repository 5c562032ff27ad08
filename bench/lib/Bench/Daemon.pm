# One more nginx of an instance, as a daemon, which can be replaced in flight.
# It ends with the program that started it, however that ends.

package Bench::Daemon;

use v5.36;

use parent -norequire, 'Bench::Node';

use Carp qw(croak);

use Bench::Instance;
use Bench::Node;
use ChatTest::Command qw(run);
use ChatTest::Process;
use ChatTest::Wait qw(wait_until);

use constant {
    START => 60,
    LEAVE => 120,
};

# ends whatever these files name, when it is told to
my $guard = <<'END';
$SIG{TERM} = sub {
    for my $file (@ARGV) {
        open my $in, '<', $file or next;
        my $pid = <$in>;
        open my $title, '<', '/proc/' . int($pid) . '/cmdline' or next;
        kill 'TERM', int $pid if <$title> =~ /^nginx: master/;
    }
    exit;
};
sleep while 1;
END


# workers

sub new ($class, $chat, %o) {
    my $self = $class->SUPER::new($chat, %o);
    my $file = "$self->{directory}/nginx.conf";
    my $conf = Bench::Instance::slurp($file);

    $conf =~ s{^daemon\s+off;}{daemon on;}m or croak 'where is "daemon"?';
    $conf =~ s{^worker_processes.*}{worker_processes $o{workers};}m;

    open my $out, '>', $file or croak "cannot write: $!";
    print $out $conf;
    close $out or croak "cannot write: $!";

    return $self;
}


sub start ($self) {
    $self->{guard} = ChatTest::Process->new(
        name    => 'the guard',
        log     => "$self->{directory}/guard.log",
        command => [$^X, '-e', $guard, map { $self->pid_file . $_ } '',
                    '.oldbin'],
    )->start;

    $self->{process}->start;
    $self->{process}->wait_end(START);
    wait_until {
        (run('curl', '-fsS', "http://127.0.0.1:$self->{port}/readyz"))[0] == 0;
    } START;

    return $self;
}


sub pid_file ($self) { return "$self->{directory}/nginx.pid" }


sub pid ($self, $file = $self->pid_file) {
    return Bench::Instance::slurp($file) =~ s/\s//gr;
}


sub workers ($self, $master = $self->pid) {
    return grep {
        Bench::Instance::slurp("/proc/$_/cmdline") =~ /^nginx: worker/
    } Bench::Instance::children($master);
}


# another nginx takes over: the sessions of the old one move; returns the
# process id of the old master

sub upgrade ($self) {
    my $old = $self->pid;

    kill 'USR2', $old or croak "cannot send a signal: $!";
    wait_until {
        my $new = $self->pid;
        $new && $new != $old && $self->workers($new);
    } START;

    kill 'WINCH', $old;
    wait_until { !$self->workers($old) } LEAVE;

    return $old;
}


# the old one takes over again, and the new one ends

sub back ($self, $old) {
    my $new = $self->pid;

    kill 'HUP', $old;
    wait_until { $self->workers($old) } START;
    kill 'QUIT', $new;
    wait_until { !kill 0, $new } LEAVE;
    wait_until { $self->pid == $old } START;

    return;
}


sub stop ($self) {
    my $pid = $self->pid || return;

    kill 'QUIT', $pid;
    wait_until { !kill 0, $pid } LEAVE;
    $self->{guard}->stop;

    return;
}

1;
