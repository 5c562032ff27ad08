# A private instance of everything, as "make run" starts it, for measurements:
# in a directory of its own, on a free port, ended with the program that
# started it, however that ends.

package Bench::Instance;

use v5.36;

use Carp qw(croak);
use Cwd qw(realpath);
use File::Basename qw(dirname);
use File::Temp;
use List::Util qw(sum);

use Bench::Redis qw(encode);
use Bench::Tls;
use ChatTest::Client;
use ChatTest::Command qw(run);
use ChatTest::Metrics qw(parse_metrics);
use ChatTest::Port qw(take_port);
use ChatTest::Process;
use ChatTest::Token qw(make_token);
use ChatTest::Wait qw(wait_until);
use ChatTest::WebSocket;

use constant {
    START    => 90,
    SETTLE   => 30,
    TRIES    => 200,        # connections, until one lands where it should
    LIFETIME => 3600,       # of tokens
    LOGS     => 16,         # partitions
};

# what the parts are called in /proc
my %name = (
    'chat-persist'  => 'chat-persist',
    'chat-presence' => 'chat-presence',
    'Redis'         => 'redis-server',
    'PostgreSQL'    => 'postgres',
);

my @LIMITS = qw(handshake_rate max_connections_per_address
    max_connections_per_user max_unauthenticated request_rate message_rate
    typing_rate frame_rate);

my $root = realpath(dirname(__FILE__) . '/../../..');


# workers => 2; cpus => processors for all of it, as taskset has them, by default
# any; http => directives for nginx' http block, by default those that switch off
# the limits of strangers: what is measured floods on purpose; also => more of
# such directives; quiet => 1: no canary; tls => 1: there is a server that speaks TLS, too

sub new ($class, %o) {
    my $base = File::Temp->newdir('ngx_chat-bench-XXXXXX', TMPDIR => 1);
    my ($port, $lock) = take_port;

    # started by root it runs as another user, who must be able to reach it
    chmod 0755, $base;

    my $self = bless {
        workers   => 2,
        http      => join(' ', map { "chat_$_ off;" } @LIMITS),
        %o,
        base      => $base,
        port      => $port,
        lock      => $lock,
        directory => "$base/run",
    }, $class;

    $self->{http} .= ' chat_canary off;' if $self->{quiet};
    $self->{http} .= " $self->{also}" if defined $self->{also};

    if ($self->{tls}) {
        $self->{tls} = Bench::Tls->new("$base");
        $self->{http} .= ' ' . $self->{tls}->server(
            "location = /chat { chat_websocket on;"
            . " chat_token_key HS256 $self->{directory}/token.key; }");
    }

    $self->{process} = ChatTest::Process->new(
        name      => 'the instance',
        command   => [
            defined $self->{cpus} ? ('taskset', '-c', $self->{cpus}) : (),
            "$root/tools/run.sh", 'run',
        ],
        directory => $root,
        log       => "$base/out.log",
        env       => {
            RUN_DIR       => $self->{directory},
            PORT          => $port,
            NGINX_WORKERS => $self->{workers},
            NGINX_HTTP    => $self->{http},
        },
    );

    return $self;
}


sub port ($self)      { return $self->{port} }
sub tls_port ($self)  { return $self->{tls}->port }
sub directory ($self) { return $self->{directory} }


sub start ($self) {
    $self->{process}->start;

    eval {
        wait_until {
            slurp("$self->{base}/out.log") =~ /^ngx_chat is running/m
                || !$self->{process}->alive;
        } START;
    };

    if ($@ || !$self->{process}->alive) {
        croak "the instance does not start:\n"
            . slurp("$self->{base}/out.log");
    }

    chomp($self->{secret} = slurp("$self->{directory}/token.key"));
    $self->{sock} = realpath("$self->{directory}/sock");

    return $self;
}


# the same, seen through another port

sub at ($self, $port) { return bless { %$self, port => $port }, ref $self }


# leaves the directory there, for whoever wants to know what went wrong

sub keep ($self) {
    $self->{base}->unlink_on_destroy(0);

    return "$self->{directory}/log";
}


# before anything is destroyed, in whatever order that is

END {
    my $status = $?;

    ChatTest::Process::stop_all();
    $? = $status;
}


# A session that is let in, by a token in the handshake; other => a client
# whose node this one must not land on; roles => [...].

sub connect ($self, %o) {
    my $token = $self->token(sub => $o{user}, roles => $o{roles});

    for (1 .. TRIES) {
        my $client = ChatTest::Client->new(
            port    => $self->{port},
            path    => '/chat',
            headers => {
                'Authorization'          => "Bearer $token",
                'Sec-WebSocket-Protocol' => 'chat.v1',
            },
        );

        croak 'not let in: ' . $client->status if $client->status != 101;
        $client->welcome;
        return $client if !$o{other} || $o{other}->node ne $client->node;

        $client->disconnect;
    }

    croak 'no connection came to another node';
}


# what a query gives, a row a line; undef while PostgreSQL is away

sub rows ($self, $query) {
    my ($code, $text) = run('psql', '-XAtq', '-h', $self->{sock}, '-U', 'chat',
                            '-d', 'chat', '-c', $query);

    return $code == 0 ? $text =~ s/\n\z//r : undef;
}


# where libpq finds PostgreSQL

sub conninfo ($self) { return "host=$self->{sock} user=chat dbname=chat" }


# a link to Redis of one's own

sub redis ($self) { return Bench::Redis->new("$self->{sock}/redis.sock") }


# how many events wait to be stored, as a link to Redis tells

sub backlog ($self, $redis) {
    $redis->write(join '', map {
        encode('XLEN', sprintf 'chat:{p%02d}:log', $_)
    } 0 .. LOGS - 1);

    return sum $redis->replies(LOGS);
}


# tells supervisord, as in supervise('stop', 'chat:persist'), and waits until
# it is so

sub supervise ($self, @command) {
    my $process = $self->supervision(@command);

    $process->start;
    croak "supervisorctl @command failed:\n"
        . slurp("$self->{base}/supervisorctl.log")
        if $process->wait_end(SETTLE) != 0;

    return;
}


# the same as a process that can be started

sub supervision ($self, @command) {
    return ChatTest::Process->new(
        name    => 'supervisorctl',
        log     => "$self->{base}/supervisorctl.log",
        command => ['supervisorctl', '-c',
                    "$self->{directory}/etc/supervisord.conf", @command],
    );
}


# a token as connect() uses it

sub token ($self, %claims) {
    return make_token($self->{secret}, exp => time + LIFETIME, %claims);
}


# The process id of a part, undef while it is away.  supervisord's children
# are asked for at the moment of use, so that no other process can be meant.

sub pid_of ($self, $part) {
    my $supervisor = slurp("$self->{directory}/supervisord.pid");

    my ($pid) = grep {
        slurp("/proc/$_/comm") eq "$name{$part}\n"
    } children($supervisor =~ s/\s//gr);

    return $pid;
}


sub kill_part ($self, $part) {
    my $pid = $self->pid_of($part) // croak "$part does not run";

    kill('KILL', $pid) or croak "kill($part) failed: $!";

    return;
}


# the process ids of nginx's workers

sub worker_pids ($self) {
    return children(slurp("$self->{directory}/nginx/nginx.pid") =~ s/\s//gr);
}


# nginx' workers are ended and others take their place, in so many seconds

sub renew_workers ($self, $seconds) {
    my $master = slurp("$self->{directory}/nginx/nginx.pid") =~ s/\s//gr;
    my %old = map { $_ => 1 } $self->worker_pids;

    kill 'HUP', $master or croak "kill(HUP) failed: $!";

    wait_until {
        my @now = $self->worker_pids;

        @now == $self->{workers} && !grep { $old{$_} } @now;
    } $seconds;
    wait_until {
        (run('curl', '-fsS', "http://127.0.0.1:$self->{port}/readyz"))[0] == 0;
    } $seconds;

    return;
}


# what nginx counts: 'name{label="value"}' => value

sub metrics ($self) {
    my $response = ChatTest::WebSocket->new(
        port    => $self->{port},
        path    => '/metrics',
        headers => { Connection => 'close', Upgrade => undef },
    );

    return (parse_metrics($response->body))[0];
}


# lines of the logs that nobody should ever see

sub alarms ($self) {
    my @alarms;

    for my $file (glob "$self->{directory}/log/*.log") {
        push @alarms, grep {
            /\[(?:alert|emerg|crit)\]|"level":"(?:alert|crit)"|PANIC:/
        } split /^/, slurp($file);
    }

    return @alarms;
}


sub children ($pid) {
    return split ' ', slurp("/proc/$pid/task/$pid/children");
}


# empty if it is not there, as with processes that have just ended

sub slurp ($file) {
    open my $in, '<', $file or return '';
    local $/ = undef;

    return <$in> // '';
}

1;
