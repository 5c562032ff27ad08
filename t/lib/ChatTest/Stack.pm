# The processes of a test, in a private directory: nginx, and as far as they
# are asked for redis, postgres and persist.  They live as long as the test.

package ChatTest::Stack;

use v5.36;

use Carp qw(croak);
use Cwd qw(realpath);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);

use ChatTest::Command qw(must_run run);
use ChatTest::Logs;
use ChatTest::Metrics qw(parse_metrics);
use ChatTest::Nginx;
use ChatTest::Port qw(take_port);
use ChatTest::Postgres;
use ChatTest::Process;
use ChatTest::Program qw(command_of is_plain);
use ChatTest::Proxy;
use ChatTest::Wait qw(wait_until);
use ChatTest::WebSocket;

use constant ASKED => 20;       # requests that meet every worker

# in the order in which they start
my @PARTS = qw(redis postgres persist presence nginx);

my $root = realpath(dirname(__FILE__) . '/../../..');


# with: the parts beside nginx, all but presence by default; partitions; presence
# => { grace, settle, forget }, in seconds; settings => { ... } for the
# environment of the workers; files => { name => text } beside
# nginx.conf; proxied => 1: nginx reaches Redis through a proxy, its listener
# "redis"; and what ChatTest::Nginx takes

sub new ($class, %o) {
    my @with = @{ delete $o{with} // [qw(redis postgres persist)] };
    my $directory = tempdir('chat-XXXXXX', TMPDIR => 1,
                            CLEANUP => !$ENV{CHAT_TEST_KEEP});
    my ($port, $lock) = take_port;

    # PostgreSQL and the nginx workers are other users when root tests
    chmod 0755, $directory;

    my $self = bless {
        directory => $directory,
        build     => $ENV{CHAT_TEST_BUILD} // "$root/build",
        port      => $port,
        lock      => $lock,
        secret    => unpack('H*', join '', map { chr rand 256 } 1 .. 32),
        plain     => is_plain(),
        logs      => ChatTest::Logs->new($directory),
        %o,
    }, $class;

    $self->{redis_socket} = "$directory/redis.sock";
    $self->{proxy} = $self->_proxy if $o{proxied};
    $self->{postgres} = ChatTest::Postgres->new(
        directory => "$directory/postgres",
        cache     => "$self->{build}/t",
        log       => $self->{logs}->file('postgres'),
    );
    $self->{nginx} = $self->_nginx(%o);

    my %parts = (
        redis    => $self->_redis,
        postgres => $self->{postgres}->process,
        persist  => $self->command('persist', 'chat-persist'),
        presence => $self->command('presence', 'chat-presence'),
        nginx    => $self->{nginx}->process,
    );

    $self->{parts} = { map { $_ => $parts{$_} } @with, 'nginx' };

    $self->_write('token.key', "$self->{secret}\n");
    $self->_write($_, $o{files}{$_}) for keys %{ $o{files} // {} };

    return $self;
}


sub logs ($self)      { return $self->{logs} }
sub port ($self)      { return $self->{port} }
sub secret ($self)    { return $self->{secret} }
sub directory ($self) { return $self->{directory} }
sub proxy ($self)     { return $self->{proxy} }


# Starts all parts, one after the other.  LIBRARY, a file, is a function library
# that Redis shall have instead of ours: see t/property/mutations.

sub start ($self) {
    for my $name (@PARTS) {
        next if !$self->{parts}{$name};

        $self->chatctl_must('migrate') if $name =~ /^(?:persist|presence)\z/;
        $self->start_part($name);
    }

    must_run('sh', '-c', 'redis-cli -s "$0" -x FUNCTION LOAD REPLACE < "$1"',
             $self->{redis_socket}, $ENV{LIBRARY}) if defined $ENV{LIBRARY};

    return;
}


# starts a part, for the first time or again, and waits until it serves

sub start_part ($self, $name) {
    my $part = $self->part($name);

    $self->{postgres}->prepare if $name eq 'postgres';
    $self->{nginx}->prepare if $name eq 'nginx';

    $part->start;

    my $ready = $self->can("_${name}_ready");
    my $served = eval {
        wait_until { $self->$ready || !$part->alive } 20;
    };

    croak "$name does not start:\n" . $self->logs->tail
        if !$served || !$part->alive;

    return;
}


sub part ($self, $name) {
    return $self->{parts}{$name} // croak "this test has no $name";
}


# nginx, then the rest in turn; returns what was not as it should be

sub stop ($self) {
    my @faults;

    for my $name (reverse @PARTS) {
        my $part = $self->{parts}{$name} // next;

        push @faults, $self->_stop_part($name, $part);
    }

    return @faults, $self->logs->faults;
}


sub _stop_part ($self, $name, $part) {
    if ($part->died) {
        return "$name ended by itself, status $part->{status}\n";
    }

    return () if !$part->alive;
    return "$name had to be killed\n" if $part->stop;
    return () if $part->{status} == 0;

    return "$name ended with status $part->{status}\n";
}


# Commands ---------------------------------------------------------------

sub redis_cli ($self, @command) {
    return must_run('redis-cli', '-s', $self->{redis_socket}, @command);
}


sub psql ($self, $statement) { return $self->{postgres}->psql($statement) }


# any request; see ChatTest::WebSocket on what may be given, and on what the
# response can tell

sub http ($self, %o) {
    my %headers = (
        'Connection'            => 'close',
        'Upgrade'               => undef,
        'Sec-WebSocket-Version' => undef,
        'Sec-WebSocket-Key'     => undef,
        %{ $o{headers} // {} },
    );

    return ChatTest::WebSocket->new(port => $self->{port}, %o,
                                    headers => \%headers);
}


# what nginx counts: { 'name{label="value"}' => value }

sub metrics ($self) {
    my $response = $self->http(path => '/metrics');

    croak '/metrics: status ' . $response->status if $response->status != 200;

    return (parse_metrics($response->body))[0];
}


# how often a limit was hit, by its directive without "chat_"

sub limited ($self, $limit) {
    return $self->metrics->{"chat_limited_total{limit=\"$limit\"}"};
}


# the words of the command that runs one of this project's

sub program ($self, $name) {
    return command_of($name, build => $self->{build}, logs => $self->logs,
                      plain => $self->{plain});
}


# such a program with the settings of this test, to run by itself

sub command ($self, $name, $program, @arguments) {
    return ChatTest::Process->new(
        name      => $name,
        directory => $self->{directory},
        log       => $self->{logs}->file($name),
        env       => $self->_settings,
        command   => [$self->program($program), @arguments],
    );
}


sub chatctl ($self, @arguments) {
    my %settings = %{ $self->_settings };
    local @ENV{keys %settings} = values %settings;

    return run($self->program('chatctl'), @arguments);
}


# the same beside the test, which gets its process id; $out: a file for what it
# prints

sub chatctl_start ($self, $out, @arguments) {
    my %settings = %{ $self->_settings };
    my $pid = fork // croak "fork() failed: $!";

    return $pid if $pid;

    @ENV{keys %settings} = values %settings;
    open STDIN, '<', '/dev/null';
    open STDOUT, '>', $out;
    open STDERR, '>&', \*STDOUT;

    no warnings 'exec';
    exec { "$self->{build}/bin/chatctl" } 'chatctl', @arguments;
    POSIX::_exit(127);
}


sub chatctl_must ($self, @arguments) {
    my ($code, $text) = $self->chatctl(@arguments);

    croak "chatctl @arguments: exit code $code\n$text" if $code != 0;

    return $text;
}


# The parts --------------------------------------------------------------

sub _nginx ($self, %o) {
    return ChatTest::Nginx->new(
        %o,
        directory => $self->{directory},
        build     => $self->{build},
        port      => $self->{port},
        redis     => $self->{proxied_socket} // $self->{redis_socket},
        reports   => $self->logs->reports('nginx'),
        log       => $self->{logs}->file('nginx'),
    );
}


sub _proxy ($self) {
    my $proxy = ChatTest::Proxy->new(
        directory => $self->{directory},
        log       => $self->{logs}->file('proxy'),
    );

    $self->{proxied_socket} = $proxy->listen(
        'redis',
        on   => "$self->{directory}/proxied.sock",
        to   => $self->{redis_socket},
        resp => 1,
    );

    return $proxy;
}


sub _redis ($self) {
    my $file = "$self->{directory}/redis.conf";

    $self->_write_redis_conf($file);

    return ChatTest::Process->new(
        name      => 'redis',
        directory => $self->{directory},
        log       => $self->{logs}->file('redis'),
        command   => ['redis-server', $file],
    );
}


# the shipped settings, but for the places

sub _write_redis_conf ($self, $file) {
    open my $shipped, '<', "$root/conf/redis.conf"
        or croak "cannot read conf/redis.conf: $!";
    open my $own, '>', $file or croak "cannot write $file: $!";

    print $own grep { !/^(?:bind|port|unixsocket|unixsocketperm|dir) / }
        <$shipped>;
    print $own <<~"END";
        port 0
        unixsocket $self->{redis_socket}
        unixsocketperm 777
        dir $self->{directory}
        END

    return;
}


sub _settings ($self) {
    my %presence = %{ $self->{presence} // {} };

    return {
        CHAT_REDIS_URL      => "unix://$self->{redis_socket}",
        CHAT_POSTGRES_URL   => $self->{postgres}->url,
        CHAT_TOKEN_KEY_FILE => "$self->{directory}/token.key",
        CHAT_PARTITIONS     => $self->_partitions,
        CHAT_LOG_LEVEL      => $ENV{CHAT_TEST_LOG} // 'info',
        CHAT_PRESENCE_GRACE_TIME  => $presence{grace} // 2,
        CHAT_PRESENCE_SETTLE_TIME => $presence{settle} // 1,
        CHAT_PRESENCE_FORGET_TIME => $presence{forget} // 3600,
        %{ $self->{settings} // {} },
    };
}


sub _partitions ($self) { return $self->{partitions} // 16 }


sub _redis_ready ($self) {
    return eval { $self->redis_cli('PING') eq 'PONG' };
}


sub _postgres_ready ($self) { return $self->{postgres}->ready }


# what it has to do before others can work shows in nginx's /readyz
sub _persist_ready ($self) { return 1 }


# who is there can be asked once every partition has settled

sub _presence_ready ($self) {
    return eval { $self->redis_cli('EVAL', <<~'END', 0, $self->_partitions) };
        local t = redis.call('TIME')
        local now = t[1] * 1000 + math.floor(t[2] / 1000)
        for p = 0, ARGV[1] - 1 do
            local opens = redis.call('HGET', string.format(
                'chat:{p%02d}:presence:part', p), 'opens')
            if not opens or tonumber(opens) > now then return 0 end
        end
        return 1
        END
}


sub _nginx_ready ($self) {
    my $path = $self->{parts}{persist} ? '/readyz' : '/healthz';

    return eval { $self->all_workers_say($path, 200) };
}


# The kernel decides which worker answers, so several requests are made where
# there are several workers.

sub all_workers_say ($self, $path, $status) {
    my $times = $self->{nginx}{workers} == 1 ? 1 : ASKED;

    for (1 .. $times) {
        return 0 if $self->http(path => $path)->status != $status;
    }

    return 1;
}


sub _write ($self, $name, $text) {
    open my $file, '>', "$self->{directory}/$name"
        or croak "cannot write $name: $!";
    print $file $text;
    close $file;

    return;
}

1;
