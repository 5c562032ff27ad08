# An nginx of a test's own, with the module under the sanitizers unless "plain"
# says otherwise, or CHAT_TEST_MODULE is "plain".

package ChatTest::Nginx;

use v5.36;

use Carp qw(croak);
use Cwd qw(realpath);
use POSIX ();

use ChatTest::Command qw(must_run run);
use ChatTest::Process;
use ChatTest::Program qw(is_plain sanitized);

my $machine = (POSIX::uname)[4];


# directory, build, port, redis: path of its socket, workers, log: a file,
# reports: what the files of the sanitizers' reports begin with; and
# what is to be added to the configuration: redis_options, main, http, listen,
# server, location; or instead, in place of what the http block would hold.
# canary: chat_canary, off by default.
# loaded => 0: without the module.
# connections: worker_connections, 512 by default.
# limits: those of strangers, off by default, since tests do in a second what
# people do in an hour; 'default' leaves them as they are shipped.
# asan: how AddressSanitizer works, by default with whole stacks, which tell
# whose a leak is.
# preload: names of what is loaded into it besides (t/preload/), environment:
# what that is told.
#
# CHAT_TEST_CHOP=1 loads "chop": what clients send is read byte by byte.
#
# It is stopped gracefully: a worker that is told to hurry is killed after a
# second, and the search for leaks may take longer.

sub new ($class, %o) {
    my $self = bless {
        workers => 1,
        plain   => is_plain(),
        canary  => 'off',
        limits  => 'off',
        connections => 512,
        asan    => 'fast_unwind_on_malloc=0',
        preload => $ENV{CHAT_TEST_CHOP} ? ['chop'] : [],
        environment => {},
        %o,
    }, $class;

    $self->{process} = ChatTest::Process->new(
        name      => 'nginx',
        stop      => 'QUIT',
        log       => $self->{log},
        directory => $self->{directory},
        command   => $self->command,
    );

    return $self;
}


sub process ($self) { return $self->{process} }


sub command ($self, $log = $self->{log}, $asan = $self->{asan}) {
    return ['env', $self->_environment($asan), '/usr/sbin/nginx',
            '-p', $self->{directory}, '-c', "$self->{directory}/nginx.conf",
            '-e', $log];
}


# The exit code of nginx -t, and what it says.  It is gone at once, and frees
# nothing.

sub check ($self) {
    $self->prepare;

    return run(@{ $self->command('stderr', 'detect_leaks=0') }, '-t');
}


sub prepare ($self) {
    mkdir "$self->{directory}/tmp";

    open my $file, '>', "$self->{directory}/nginx.conf"
        or croak "cannot write nginx.conf: $!";
    print $file $self->_configuration;
    close $file;

    return;
}


sub _configuration ($self) {
    my $directory = $self->{directory};
    my $level = $ENV{CHAT_TEST_LOG} // 'info';
    my $user = $> == 0 ? 'user nobody nogroup;' : '';
    my %more = map { $_ => $self->{$_} // '' } qw(main http listen server
                                                location redis_options);

    my $temporary = join '', map {
        "${_}_temp_path $directory/tmp/$_;\n"
    } qw(client_body proxy fastcgi uwsgi scgi);

    return <<~"END";
    $user
    daemon off;
    worker_processes $self->{workers};
    pid $directory/nginx.pid;
    error_log $self->{log} $level;
    @{[ $self->{loaded} // 1 ? 'load_module ' . $self->_module . ';' : '' ]}
    env LD_PRELOAD;
    env ASAN_OPTIONS;
    env UBSAN_OPTIONS;
    $more{main}

    events {
        worker_connections $self->{connections};
    }

    http {
        $temporary
        access_log off;
        @{[ $self->{instead} // $self->_http(%more) ]}
    }
    END
}


sub _http ($self, %more) {
    return <<~"END";
        chat_redis unix:$self->{redis} $more{redis_options};
        chat_token_key HS256 token.key;
        chat_canary $self->{canary};
        @{[ $self->_limits ]}
        $more{http}

        server {
            listen 127.0.0.1:$self->{port} reuseport $more{listen};
            $more{server}

            location = /chat {
                chat_websocket on;
                $more{location}
            }

            location = /echo {
                chat_echo on;
            }

            location = /healthz {
                chat_health live;
            }

            location = /readyz {
                chat_health ready;
            }

            location = /metrics {
                chat_status;
            }
        }
        END
}


sub _limits ($self) {
    return '' if $self->{limits} eq 'default';

    return join "\n", map { "chat_$_ off;" } qw(
        handshake_rate max_connections_per_address max_connections_per_user
        request_rate message_rate typing_rate frame_rate max_unauthenticated
    );
}


sub _module ($self) {
    my $variant = $self->{plain} ? 'module' : 'module-asan';
    my $module = "$self->{build}/$variant/ngx_chat_module.so";

    croak "$module is missing: run make test" if !-e $module;

    return $module;
}


sub _environment ($self, $asan) {
    my @libraries = map { $self->_preload($_) } @{ $self->{preload} };
    my %set = %{ $self->{environment} };

    if (!$self->{plain}) {
        # what is loaded besides comes first, or it would not be asked
        $asan .= ':verify_asan_link_order=0' if @libraries;
        push @libraries, _sanitizers();
        %set = (%set, sanitized($self->{reports}, $asan));
    }

    $set{LD_PRELOAD} = join ':', @libraries if @libraries;

    return map { "$_=$set{$_}" } sort keys %set;
}


sub _preload ($self, $name) {
    my $library = "$self->{build}/preload/$name.so";

    croak "$library is missing: run make test" if !-e $library;

    return $library;
}


# the libraries that must be loaded before a program that was built without

sub _sanitizers () {
    my $cc = $ENV{CC} // 'gcc';
    my @names = $cc =~ /clang/ ? "libclang_rt.asan-$machine.so"
        : ('libasan.so', 'libubsan.so');

    state @libraries =
        map { realpath(must_run($cc, "-print-file-name=$_")) } @names;

    return @libraries;
}

1;
