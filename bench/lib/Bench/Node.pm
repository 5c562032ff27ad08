# One more nginx of an instance, with one worker: another node, on a port of
# its own, with locations of its own where they are asked for.  It may be run by
# another program, such as valgrind, and with another build of the module.

package Bench::Node;

use v5.36;

use Carp qw(croak);

use Bench::Instance;
use ChatTest::Command qw(run);
use ChatTest::Port qw(take_port);
use ChatTest::Process;
use ChatTest::Wait qw(wait_until);

use constant START => 30;


# locations => sub ($directory) { ... }: what is added to the server; the
# directory is for files that it names.  name => 'second'; wrap => [...], what
# comes before nginx' own name; module => file; http: what is added to the http
# block

sub new ($class, $chat, %o) {
    my ($port, $lock) = take_port;
    my $name = $o{name} // 'second';
    my $directory = $chat->directory . "/$name";

    my $self = bless {
        locations => sub ($directory) { '' },
        wrap      => [],
        module    => '',
        http      => '',
        %o,
        name      => $name,
        chat      => $chat,
        port      => $port,
        lock      => $lock,
        directory => $directory,
    }, $class;

    mkdir $directory or croak "cannot make $directory: $!";
    $self->_configure;

    $self->{process} = ChatTest::Process->new(
        name    => "the $name nginx",
        stop    => 'QUIT',
        log     => "$directory/out.log",
        directory => $directory,
        command => [@{ $self->{wrap} }, '/usr/sbin/nginx', '-p', $directory,
                    '-c', "$directory/nginx.conf", '-e', $chat->directory
                    . "/log/$name.log"],
        $self->_user,
    );

    return $self;
}


sub start ($self) {
    $self->{process}->start;

    wait_until {
        croak "the $self->{name} nginx does not start:\n"
            . Bench::Instance::slurp("$self->{directory}/out.log")
            if !$self->{process}->alive;
        (run('curl', '-fsS', "http://127.0.0.1:$self->{port}/readyz"))[0] == 0;
    } START;

    return $self;
}


sub port ($self)      { return $self->{port} }
sub directory ($self) { return $self->{directory} }


# ends it as it should end

sub stop ($self) {
    $self->{process}->signal('QUIT');
    wait_until { !$self->{process}->alive } START;

    return;
}


# the instance as it is seen through this node

sub chat ($self) { return $self->{chat}->at($self->{port}) }


sub worker_pid ($self) {
    return (Bench::Instance::children($self->{process}{pid}))[0];
}


# the configuration of the first, with a directory and a port of its own

sub _configure ($self) {
    my $base = $self->{chat}->directory;
    my $port = $self->{chat}->port;
    my $conf = Bench::Instance::slurp("$base/etc/nginx.conf");

    $conf =~ s{\Q$base\E/nginx\b}{$self->{directory}}g;
    $conf =~ s{127\.0\.0\.1:$port\b}{127.0.0.1:$self->{port}}g;
    $conf =~ s{\Q$base\E/log/nginx\.log}{$base/log/$self->{name}.log}g;
    $conf =~ s{^(load_module\s+)\S+/ngx_chat_module\.so}{$1$self->{module}}m
        if $self->{module};
    $conf =~ s{^(worker_processes\s+)\d+}{${1}1}m;
    $conf =~ s{^(\s+)(chat_partitions)}{$1$self->{http}\n$1$2}m;
    $conf =~ s{^(\s+location = /chat)}
              {$self->{locations}->($self->{directory}) . $1}me;

    open my $out, '>', "$self->{directory}/nginx.conf"
        or croak "cannot write: $!";
    print $out $conf;
    close $out or croak "cannot write: $!";

    return;
}


# who runs the first one

sub _user ($self) {
    return () if $> != 0;

    my ($uid, $gid) = (stat $self->{chat}->directory)[4, 5];

    chown $uid, $gid, $self->{directory}, "$self->{directory}/nginx.conf";

    return (user => scalar getpwuid $uid);
}

1;
