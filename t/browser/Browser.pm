# A headless Chromium, driven through its DevTools protocol: JSON, each message
# ended by a NUL byte, over two pipes that it has as descriptors 3 and 4.

package Browser;

use v5.36;

use Carp qw(croak);
use Fcntl qw(F_DUPFD);
use IO::Select;
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(time);

use ChatTest::Wait qw(PATIENCE);

use Tab;


my $json = JSON::PP->new->utf8->allow_nonref;

# nothing of it may call out, and nothing of the user's is touched
my @flags = qw(--headless --no-sandbox --disable-gpu --disable-quic
    --no-first-run --no-proxy-server --disable-background-networking
    --disable-component-update --disable-sync --disable-dev-shm-usage
    --disable-extensions --hide-scrollbars --force-color-profile=srgb
    --remote-debugging-pipe);


# directory: for its profile and its log

sub start ($class, $directory) {
    local $^F = 10;                 # the pipes must survive exec

    pipe my $commands, my $to or croak "pipe() failed: $!";
    pipe my $from, my $answers or croak "pipe() failed: $!";

    my $pid = fork // croak "fork() failed: $!";

    if ($pid == 0) {
        run($directory, $commands, $answers);
    }

    close $commands;
    close $answers;
    $to->autoflush(1);

    return bless { pid => $pid, to => $to, from => $from, next => 1,
                   buffer => '', answers => {}, tabs => {} }, $class;
}


# the child; its descriptors are moved out of the way of 3 and 4 first

sub run ($directory, $commands, $answers) {
    my $in = fcntl $commands, F_DUPFD, 10;
    my $out = fcntl $answers, F_DUPFD, 10;

    POSIX::dup2($in, 3);
    POSIX::dup2($out, 4);
    open STDIN, '<', '/dev/null';
    open STDOUT, '>>', "$directory/chromium.log";
    open STDERR, '>&', \*STDOUT;
    local $ENV{HOME} = $directory;

    { exec 'setpriv', '--pdeathsig', 'KILL', '--', 'chromium', @flags,
          "--user-data-dir=$directory/profile", 'about:blank'; }

    POSIX::_exit(127);
}


sub stop ($self) {
    my $pid = delete $self->{pid} // return;

    eval { $self->call('Browser.close') } or kill 'KILL', $pid;
    waitpid $pid, 0;

    return;
}


sub DESTROY ($self) {
    local ($?, $@);
    $self->stop;

    return;
}


# a tab of its own, as if it were the one that the user looks at

sub tab ($self) {
    my $target = $self->call('Target.createTarget', { url => 'about:blank' });
    my $session = $self->call('Target.attachToTarget',
        { targetId => $target->{targetId}, flatten => JSON::PP::true });

    return $self->{tabs}{ $session->{sessionId} }
        = Tab->new($self, $session->{sessionId}, $target->{targetId});
}


# one command; its result, or dies

sub call ($self, $method, $params = {}, $session = undef) {
    my $id = $self->{next}++;
    my $deadline = time + PATIENCE;

    print { $self->{to} } $json->encode({
        id     => $id,
        method => $method,
        params => $params,
        defined $session ? (sessionId => $session) : (),
    }), "\0";

    while (!exists $self->{answers}{$id}) {
        $self->read($deadline - time) or croak "$method: no answer";
    }

    my $answer = delete $self->{answers}{$id};

    croak "$method: $answer->{error}{message}" if $answer->{error};

    return $answer->{result};
}


# reads what is there, waiting at most so long; false if that was nothing

sub read ($self, $seconds) {
    IO::Select->new($self->{from})->can_read($seconds > 0 ? $seconds : 0)
        or return 0;

    my $n = sysread $self->{from}, $self->{buffer}, 65536,
        length $self->{buffer};

    croak 'the browser has ended' if !$n;

    while ($self->{buffer} =~ s/\A([^\0]*)\0//) {
        $self->dispatch($json->decode($1));
    }

    return 1;
}


sub dispatch ($self, $message) {
    if (exists $message->{id}) {
        $self->{answers}{ $message->{id} } = $message;
        return;
    }

    my $tab = $self->{tabs}{ $message->{sessionId} // '' } // return;

    $tab->on_event($message->{method}, $message->{params});

    return;
}

1;
