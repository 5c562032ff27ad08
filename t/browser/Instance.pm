# What "make run" starts, for tests: in a directory of its own, on a free port,
# ended with the test.

package Instance;

use v5.36;

use Carp qw(croak);
use File::Temp;
use FindBin;
use Test::More ();

use ChatTest::Port qw(take_port);
use ChatTest::Process;
use ChatTest::Wait qw(wait_until);

use constant START => 90;

my $root = "$FindBin::Bin/..";


# where it lives; nothing is started yet.  http: what is to be added to nginx'
# configuration, environment: what its parts are told besides

sub new ($class, %o) {
    my $base = File::Temp->newdir('ngx_chat-XXXXXX', TMPDIR => 1);
    my ($port, $lock) = take_port();

    # started by root it runs as another user, who must be able to reach it
    chmod 0755, $base;

    my $self = bless { http => '', environment => {}, %o, base => $base, port => $port,
                       lock => $lock, directory => "$base/run" }, $class;

    $self->{process} = ChatTest::Process->new(
        name      => 'instance',
        command   => ["$root/tools/run.sh", 'run'],
        directory => $root,
        env       => $self->env,
        log       => "$base/out.log",
    );

    return $self;
}


sub env ($self) {
    return { RUN_DIR => $self->{directory}, PORT => $self->{port},
             NGINX_WORKERS => 2, NGINX_HTTP => $self->{http},
             %{ $self->{environment} } };
}


sub start ($self) {
    $self->{process}->start;

    my $ready = eval {
        wait_until {
            $self->output =~ /^ngx_chat is running/m
                || !$self->{process}->alive;
        } START;
    };

    if (!$ready || !$self->{process}->alive) {
        croak 'the instance does not start: ' . $self->output;
    }

    return $self;
}


# says whether it had to be forced

sub stop ($self) {
    return $self->{process}->stop;
}


sub DESTROY ($self) {
    local ($?, $@);
    $self->stop if defined $self->{process};

    return;
}


sub url ($self) {
    return "http://127.0.0.1:$self->{port}/";
}


sub directory ($self) {
    return $self->{directory};
}


sub slurp ($file) {
    open my $in, '<:encoding(UTF-8)', $file or return '';
    local $/ = undef;

    return <$in>;
}


# what "make run" has printed

sub output ($self) {
    return slurp("$self->{base}/out.log");
}


# another command of tools/run.sh, for the same directory unless %env differs:
# its exit code and what it printed

sub run ($self, $command, %env) {
    my %all = (%{ $self->env }, %env);
    local @ENV{keys %all} = values %all;
    my $output = qx($root/tools/run.sh $command 2>&1);

    return ($? >> 8, $output);
}


# the processes that name the directory in their command line

sub processes ($self) {
    return grep { slurp("/proc/$_/cmdline") =~ /\Q$self->{directory}\E/ }
           map { m{(\d+)$} } glob '/proc/[0-9]*';
}


# tells supervisord to start, stop or restart a part

sub control ($self, @words) {
    my $conf = "$self->{directory}/etc/supervisord.conf";
    my $output = qx(supervisorctl -c $conf @words 2>&1);

    croak "supervisorctl @words: $output" if $?;

    return $output;
}


sub pid_of ($self, $part) {
    my ($pid) = $self->control('pid', $part) =~ /^(\d+)$/m;

    return $pid;
}


sub workers ($self) {
    my $master = slurp("$self->{directory}/nginx/nginx.pid") + 0;

    return split ' ', slurp("/proc/$master/task/$master/children");
}


# lines that nobody should ever see; only tests use signal 9

sub alarms ($self) {
    my @alarms;

    for my $file (glob "$self->{directory}/log/*.log") {
        push @alarms, grep {
            /\[(?:alert|emerg|crit)\]|"level":"(?:alert|crit)"|PANIC:/
                && !/ exited on signal 9$/
        } split /^/, slurp($file);
    }

    return @alarms;
}

1;
