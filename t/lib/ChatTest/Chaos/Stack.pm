# All that a chaos run is done to, in the directory of the run: Redis,
# PostgreSQL, several chat-persist and chat-presence, and two nginx, "a" and
# "b", of two workers each.  All links go through proxies: "bus-a" and "bus-b"
# are those of nginx to Redis, "log-1" and "store-1" those of persist-1 to Redis
# and PostgreSQL, "pulse-1" and "keep-1" those of presence-1, "clients-a" and
# "clients-b" those to nginx.  Who kills a part does it here, so
# that what ends otherwise is known to be a fault.

package ChatTest::Chaos::Stack;

use v5.36;

use Carp qw(croak);
use Cwd qw(realpath);
use File::Basename qw(dirname);

use ChatTest::Chaos::Copies;
use ChatTest::Chaos::Guard qw(descendants);
use ChatTest::Command qw(run);
use ChatTest::Logs;
use ChatTest::Nginx;
use ChatTest::Port qw(take_port);
use ChatTest::Postgres;
use ChatTest::Process;
use ChatTest::Program qw(command_of);
use ChatTest::Proxy;
use ChatTest::Redis;
use ChatTest::Token qw(make_token);
use ChatTest::Wait qw(wait_within);
use ChatTest::WebSocket;

use constant {
    SERVES    => 30,        # seconds until a part serves
    PERSISTS  => 3,
    PRESENCES => 2,
    WORKERS   => 2,
    ASKED     => 12,        # requests that meet every worker
    PARTITION => 16,
    IDLE      => 5,         # seconds until a conversation may leave Redis
    AWAY      => 4,         # and until who does nothing is away
};

my $root = realpath(dirname(__FILE__) . '/../../../..');

# in the order in which they start
my @PERSISTS = map { "persist-$_" } 1 .. PERSISTS;
my @PRESENCES = map { "presence-$_" } 1 .. PRESENCES;
my @NGINX = qw(nginx-a nginx-b);
my @PROXIES = qw(clients bus store);
my @PARTS = ('redis', 'postgres', @PERSISTS, @PRESENCES, @NGINX);

# where the links of the workers to Redis and to PostgreSQL go
my %LINKS = (persist => [qw(log store)], presence => [qw(pulse keep)]);


# directory: of the run; asan: whether all of ours is under the sanitizers

sub new ($class, %o) {
    my $directory = $o{directory};
    my $self = bless {
        asan  => 0,
        build => $ENV{CHAT_TEST_BUILD} // "$root/build",
        %o,
        secret => unpack('H*', join '', map { chr rand 256 } 1 .. 32),
        killed => {},
    }, $class;

    chmod 0755, $directory;
    mkdir "$directory/log";
    $self->{logs} = ChatTest::Logs->new("$directory/log");
    $self->{redis_socket} = "$directory/redis.sock";
    $self->{copies} = ChatTest::Chaos::Copies->new(
        files     => "$directory/redis/appendonlydir",
        directory => "$directory/copies",
    );
    $self->_write('token.key', "$self->{secret}\n");

    $self->{postgres} = ChatTest::Postgres->new(
        directory => "$directory/postgres",
        cache     => "$self->{build}/t",
        log       => $self->{logs}->file('postgres'),
    );

    $self->{parts} = {
        redis    => $self->_redis,
        postgres => $self->{postgres}->process,
        map({ $_ => $self->_persist($_) } @PERSISTS),
        map({ $_ => $self->_presence($_) } @PRESENCES),
        map({ $_ => $self->_nginx($_)->process } @NGINX),
    };

    return $self;
}


sub directory ($self) { return $self->{directory} }
sub logs ($self)      { return $self->{logs} }
sub away ($self)      { return AWAY }
sub nginx ($self)     { return @NGINX }

# where clients find an nginx: directly, and through its proxy
sub port ($self, $name) { return $self->{ports}{$name} }
sub way ($self, $name)  { return $self->{ways}{$name} =~ s/.*://r }

sub root ($self)      { return $root }

sub copies ($self)    { return $self->{copies} }


# the proxy that such a link goes through

sub link ($self, $name) {
    my $kind = $name =~ s/-.*//r;

    return $self->{proxies}{$kind} // $self->{proxies}{store};
}


sub part ($self, $name) { return $self->{parts}{$name} // croak "no $name" }


sub start ($self) {
    $self->_start_links;

    for my $name (@PARTS) {
        $self->chatctl_must('migrate') if $name eq $PERSISTS[0];
        $self->start_part($name);
    }

    wait_within { $self->is_ready } SERVES;

    return;
}


# starts a part, for the first time or again, and waits until it serves

sub start_part ($self, $name) {
    my $part = $self->part($name);
    my $kind = $name =~ s/-.*//r;
    my $ready = $self->can("_${kind}_serves");

    $self->{postgres}->prepare if $name eq 'postgres';
    $self->{configured}{$name}->prepare if $self->{configured}{$name};

    $part->start;

    my $served = eval {
        wait_within { $self->$ready($name) || !$part->alive } SERVES;
    };

    croak "$name does not start:\n" . $self->logs->tail
        if !$served || !$part->alive;

    return;
}


# kills a part with all processes that it has

sub kill_part ($self, $name) {
    my $part = $self->part($name);

    my @pids = ($part->{pid}, descendants($part->{pid}));
    $self->{killed}{$_} = 1 for @pids;
    $part->{told} = 1;

    kill 'KILL', @pids;
    $part->wait_end;
    wait_within { !grep { -e "/proc/$_" } @pids } SERVES;

    return;
}


# ends it as an operator would

sub end_part ($self, $name) { return $self->part($name)->end }


# a signal to all processes of a part, or to one of nginx's workers

sub signal_part ($self, $name, $signal) {
    my $pid = $self->part($name)->{pid};

    return kill $signal, $pid, descendants($pid);
}


# nginx's workers, those on their way out too

sub workers ($self, $name) {
    my $part = $self->part($name);

    return $part->alive ? sort { $a <=> $b } descendants($part->{pid}) : ();
}


sub kill_worker ($self, $pid) {
    $self->{killed}{$pid} = 1;

    return kill 'KILL', $pid;
}


# -- what is asked of the parts -----------------------------------------------

# a link of one's own, around all that may stand between

sub redis ($self) { return ChatTest::Redis->new($self->{redis_socket}) }


sub postgres_url ($self) { return $self->{postgres}->url }


sub psql ($self, $statement) { return $self->{postgres}->psql($statement) }


sub token ($self, $tenant, $user, $lifetime, @roles) {
    return make_token($self->{secret}, sub => $user, tid => $tenant,
                      exp => time + $lifetime, roles => \@roles);
}


sub chatctl ($self, @arguments) {
    my %settings = $self->settings;
    local @ENV{keys %settings} = values %settings;

    return run($self->program('chatctl'), @arguments);
}


sub chatctl_must ($self, @arguments) {
    my ($code, $text) = $self->chatctl(@arguments);

    croak "chatctl @arguments: exit code $code\n$text" if $code != 0;

    return $text;
}


# the words of the command that runs a program of this project

sub program ($self, $name) {
    return command_of($name, build => $self->{build}, logs => $self->logs,
                      plain => !$self->{asan});
}


# the environment of a worker that reaches everything directly

sub settings ($self) {
    return (
        CHAT_REDIS_URL      => "unix://$self->{redis_socket}",
        CHAT_POSTGRES_URL   => $self->{postgres}->url,
        CHAT_TOKEN_KEY_FILE => "$self->{directory}/token.key",
        CHAT_PARTITIONS     => PARTITION,
        CHAT_LOG_LEVEL      => 'info',
    );
}


# whether every worker of every nginx can do everything

sub is_ready ($self) {
    for my $name (@NGINX) {
        for (1 .. ASKED) {
            return 0 if !$self->_says($name, '/readyz');
        }
    }

    return 1;
}


# whether nothing waits to be stored

sub is_stored ($self) {
    my $script = <<~'END';
        local n = 0
        for p = 0, 63 do
            n = n + redis.call('XLEN', string.format('chat:{p%02d}:log', p))
        end
        return n
        END

    return eval { $self->redis->call('EVAL', $script, 0) == 0 };
}


# -- the end ------------------------------------------------------------------

# stops everything; returns what was not as it should be

sub stop ($self) {
    my @faults = $self->faults;

    for my $name (reverse @PARTS) {
        my $part = $self->part($name);

        next if !$part->alive;
        push @faults, "$name had to be killed\n" if $part->stop;
        push @faults, "$name ended with status $part->{status}\n"
            if $part->{status};
    }

    $_->stop for values %{ $self->{proxies} };

    return @faults, $self->log_faults;
}


# parts that ended by themselves

sub faults ($self) {
    return map {
        "$_ ended by itself, status $self->{parts}{$_}{status}\n"
    } grep { $self->part($_)->died } @PARTS;
}


# what the logs tell that was not our doing

sub log_faults ($self) {
    my $killed = join '|', 0, keys %{ $self->{killed} };

    return grep {
        !/worker process (?:$killed) exited on signal 9\b/
    } $self->logs->faults, $self->_cries;
}


# crashes of what is not ours, which has words of its own for them

sub _cries ($self) {
    my %cry = (
        redis    => qr/crashed by signal|ASSERTION FAILED|Bad file format/,
        postgres => qr/PANIC:|TRAP:/,
    );

    return map {
        my $name = $_;
        grep { /$cry{$name}/ } split /^/, $self->logs->text($name);
    } sort keys %cry;
}


# -- the parts ----------------------------------------------------------------

sub _start_links ($self) {
    my $directory = "$self->{directory}/link";

    mkdir $directory;
    $self->{proxies} = { map {
        $_ => ChatTest::Proxy->new(
            name => $_, directory => $directory,
            log => $self->{logs}->file("proxy-$_"),
        )
    } @PROXIES };

    my ($clients, $bus, $store) = @{ $self->{proxies} }{@PROXIES};

    for my $name (@NGINX) {
        my $letter = $name =~ s/.*-//r;

        $self->{ways}{$name} = $clients->listen(
            "clients-$letter", to => "127.0.0.1:$self->{ports}{$name}");
        $bus->listen("bus-$letter", to => $self->{redis_socket}, resp => 1,
                     on => $self->_redis_link($name));
    }

    for my $name (@PERSISTS, @PRESENCES) {
        my ($kind, $number) = split /-/, $name;
        my ($to_redis, $to_postgres) = @{ $LINKS{$kind} };

        mkdir "$directory/$name";
        $store->listen("$to_redis-$number", to => $self->{redis_socket},
                       on => $self->_redis_link($name));
        $store->listen("$to_postgres-$number",
                       to => "$self->{directory}/postgres/.s.PGSQL.5432",
                       on => "$directory/$name/.s.PGSQL.5432");
    }

    return;
}


sub _redis_link ($self, $name) {
    return "$self->{directory}/link/$name.sock";
}


sub _redis ($self) {
    my $directory = "$self->{directory}/redis";

    mkdir $directory;
    $self->_write('redis.conf', $self->_redis_conf($directory));

    return ChatTest::Process->new(
        name      => 'redis',
        directory => $directory,
        log       => $self->{logs}->file('redis'),
        command   => ['redis-server', "$self->{directory}/redis.conf"],
    );
}


# the shipped settings, but for the places; the file is rewritten more often

sub _redis_conf ($self, $directory) {
    open my $shipped, '<', "$root/conf/redis.conf"
        or croak "cannot read conf/redis.conf: $!";

    return join '', grep({
        !/^(?:bind|port|unixsocket|unixsocketperm|dir|auto-aof-rewrite-min) /x
    } <$shipped>), <<~"END";
        port 0
        unixsocket $self->{redis_socket}
        unixsocketperm 777
        dir $directory
        auto-aof-rewrite-min-size 4mb
        END
}


sub _persist ($self, $name) {
    return $self->_worker($name, 'chat-persist', CHAT_IDLE_TIMEOUT => IDLE);
}


sub _presence ($self, $name) { return $self->_worker($name, 'chat-presence') }


sub _worker ($self, $name, $program, %settings) {
    return ChatTest::Process->new(
        name      => $name,
        directory => $self->{directory},
        log       => $self->{logs}->file($name),
        env       => {
            $self->settings,
            CHAT_REDIS_URL    => 'unix://' . $self->_redis_link($name),
            CHAT_POSTGRES_URL => "host=$self->{directory}/link/$name"
                . ' user=chat dbname=postgres',
            %settings,
        },
        command   => [$self->program($program)],
    );
}


sub _nginx ($self, $name) {
    my $directory = "$self->{directory}/$name";

    mkdir $directory;
    ($self->{ports}{$name}, $self->{locks}{$name}) = take_port;
    $self->_write("$name/token.key", "$self->{secret}\n");

    return $self->{configured}{$name} = ChatTest::Nginx->new(
        directory => $directory,
        build     => $self->{build},
        plain     => !$self->{asan},
        workers   => WORKERS,
        log       => $self->{logs}->file($name),
        reports   => $self->{logs}->reports('nginx'),
        instead   => $self->_http($name),
    );
}


# Links that are dead are noticed soon, so that much happens in a short run.

sub _http ($self, $name) {
    my $redis = 'unix:' . $self->_redis_link($name);

    return <<~"END";
        chat_redis $redis timeout=1s;
        chat_token_key HS256 token.key;
        chat_compare_interval 6s;
        chat_canary 1s;
        chat_away_time @{[AWAY]}s;
        chat_typing_rate off;
        chat_handshake_rate off;
        chat_max_connections_per_address off;
        chat_max_connections_per_user off;
        chat_max_unauthenticated off;
        chat_request_rate off;
        chat_message_rate off;
        chat_frame_rate off;

        server {
            listen 127.0.0.1:$self->{ports}{$name} reuseport;
            chat_ping_interval 4s;
            chat_ping_timeout 4s;
            chat_max_outstanding 100;

            location = /chat {
                chat_websocket on;
            }

            location = /stored {
                chat_websocket on;
                chat_ack stored;
            }

            location = /healthz {
                chat_health live;
            }

            location = /readyz {
                chat_health ready;
            }
        }
        END
}


sub _redis_serves ($self, $name) {
    return eval { $self->redis->call('PING') eq 'PONG' };
}


sub _postgres_serves ($self, $name) { return $self->{postgres}->ready }
sub _persist_serves ($self, $name)  { return 1 }
sub _presence_serves ($self, $name) { return 1 }
sub _nginx_serves ($self, $name)    { return $self->_says($name, '/healthz') }


sub _says ($self, $name, $path) {
    my $response = eval {
        ChatTest::WebSocket->new(
            port    => $self->{ports}{$name},
            path    => $path,
            headers => {
                'Connection'            => 'close',
                'Upgrade'               => undef,
                'Sec-WebSocket-Version' => undef,
                'Sec-WebSocket-Key'     => undef,
            },
        );
    };

    return $response && $response->status == 200;
}


sub _write ($self, $name, $text) {
    open my $file, '>', "$self->{directory}/$name"
        or croak "cannot write $name: $!";
    print $file $text;
    close $file;

    return;
}

1;
