# What the tests are written with.
#
#     my $chat = ChatTest->new(workers => 2);
#     $chat->start;
#
#     my $alice = $chat->connect(user => 'alice');
#     my $bob = $chat->connect(user => 'bob', node_other_than => $alice);
#
#     $_->join('lobby') for $alice, $bob;
#     $alice->say('lobby', 'Good morning');
#     is($bob->hear('lobby')->{content}, 'Good morning', 'bob hears it');
#
#     done_testing;
#
# Each object has processes of its own in a directory of its own, so tests run
# side by side.  Every plan also fails on an nginx alert, a report of a
# sanitizer, or a process that died.  Of a block that fails, the logs that were
# written meanwhile are shown.
#
# CHAT_TEST_MODULE=plain takes the module and the programs without sanitizers,
# CHAT_TEST_LOG a log level, and CHAT_TEST_KEEP=1 keeps the directories.

package ChatTest;

use v5.36;

use parent 'ChatTest::Stack';

use Carp qw(croak);
use Scalar::Util qw(weaken);
use Test::More ();

use ChatTest::Client;
use ChatTest::Frame qw(:opcodes);
use ChatTest::Json qw(decode encode raw_member);
use ChatTest::Token qw(make_token sign_token);
use ChatTest::Uuid qw(uuid);
use ChatTest::Wait qw(wait_until wait_within);

my @own = qw(subtest done_testing wait_until wait_within decode encode
    raw_member make_token sign_token uuid CONTINUATION TEXT BINARY CLOSE PING PONG);
my @more = qw(ok is isnt like unlike is_deeply cmp_ok pass fail diag note
    explain plan);

# connections that are tried until one lands on the node that is wanted
use constant TRIES => 200;

my @stacks;
my $shown;     # whether a block that failed has shown its logs


sub import ($class) {
    my $caller = caller;
    no strict 'refs';

    *{"${caller}::$_"} = \&{"${class}::$_"} for @own;
    *{"${caller}::$_"} = \&{"Test::More::$_"} for @more;

    return;
}


sub new ($class, %o) {
    my $self = $class->SUPER::new(%o);

    push @stacks, $self;

    return $self;
}


# the exit code of nginx -t with such a configuration, and what it says

sub check_config ($class, %o) {
    my $stack = $class->SUPER::new(with => [], %o);
    my @result = $stack->{nginx}->check;
    my @faults = $stack->logs->faults;

    croak @faults if @faults;

    return @result;
}


# A handshake, whatever comes of it.  Beside what ChatTest::WebSocket takes:
#
#   user => 'alice', or token => text; claims => { ... } of the user's token
#   by => header (default), protocol, cookie or query: where the token goes
#   protocols => [...] (chat.v1), origin => text

sub handshake ($self, %o) {
    my $by = delete $o{by} // 'header';
    my @protocols = @{ delete $o{protocols} // ['chat.v1'] };
    my $token = delete $o{token} // $self->_token(\%o);
    my %headers = %{ delete $o{headers} // {} };
    my $path = delete $o{path} // '/chat';

    if (defined $token) {
        $headers{Authorization} //= "Bearer $token" if $by eq 'header';
        $headers{Cookie} //= "chat_token=$token"    if $by eq 'cookie';
        push @protocols, "bearer.$token"            if $by eq 'protocol';
        $path .= "?token=$token"                    if $by eq 'query';
    }

    $headers{'Sec-WebSocket-Protocol'} //= join ', ', @protocols
        if @protocols;
    $headers{Origin} //= delete $o{origin} if defined $o{origin};

    my $client = ChatTest::Client->new(
        port    => $self->port,
        path    => $path,
        headers => \%headers,
        %o,
    );

    push @{ $self->{clients} }, $client;
    weaken($self->{clients}[-1]);

    return $client;
}


# nobody is left whom nginx would have to say good-bye to

sub stop ($self) {
    $_->disconnect for grep { defined } @{ $self->{clients} };

    return $self->SUPER::stop;
}


# A session that is let in.  node_other_than and node_of take another client,
# and decide on which worker this one lands.

sub connect ($self, %o) {
    my $other = delete $o{node_other_than};
    my $same = delete $o{node_of};

    for (1 .. TRIES) {
        my $client = $self->_let_in(%o);

        $client->welcome;

        return $client
            if !($other && $client->node eq $other->node)
            && !($same && $client->node ne $same->node);

        $client->disconnect;
    }

    croak 'no connection came to the node that was asked for';
}


# A process that leaves after a reload may still get a handshake, which it
# refuses; who is told 503 tries again.

sub _let_in ($self, %o) {
    my $client;

    wait_until {
        $client = $self->handshake(%o);
        !$self->{reloaded} || $client->status != 503;
    };

    croak 'not let in: ' . $client->status if $client->status != 101;

    return $client;
}


# a conversation that an administrator makes, a channel unless type is given

sub create ($self, $id, %o) {
    my $admin = $self->connect(user   => delete $o{by} // 'admin',
                               claims => { roles => ['admin'] });
    my $made = $admin->request('conversation.create', {
        conversationId => $id, type => 'channel', %o,
    });

    $admin->disconnect;

    return $made;
}


# a token of this user, as the configured key signs it

sub token ($self, $user, %claims) {
    return make_token($self->secret, sub => $user, %claims);
}


sub _token ($self, $o) {
    my $user = delete $o->{user};
    my $claims = delete $o->{claims} // {};

    return defined $user ? $self->token($user, %$claims) : undef;
}


# waits until every worker can do everything, or says that it cannot

sub wait_ready ($self, $status = 200) {
    return wait_until { $self->all_workers_say('/readyz', $status) } 20;
}


# waits until everything that was accepted is in PostgreSQL

sub wait_stored ($self, $seconds = 10) {
    my $script = <<~'END';
        local n = 0
        for p = 0, 63 do
            n = n + redis.call('XLEN', string.format('chat:{p%02d}:log', p))
        end
        return n
        END

    return wait_until {
        $self->redis_cli('EVAL', $script, 0) eq '0';
    } $seconds;
}


# The signals of a test's life --------------------------------------------

sub kill ($self, $name, $signal = 'KILL') {
    return $self->part($name)->end($signal);
}


# stops a part where it stands (SIGSTOP), and lets it go on

sub freeze ($self, $name) { return $self->part($name)->signal('STOP') }
sub thaw ($self, $name)   { return $self->part($name)->signal('CONT') }


sub restart ($self, $name) {
    my $part = $self->part($name);

    $part->end if $part->alive;

    return $self->start_part($name);
}


sub reload ($self) {
    $self->{reloaded} = 1;

    return $self->part('nginx')->signal('HUP');
}


# the process ids of nginx's workers

sub workers ($self) {
    my $master = $self->part('nginx')->{pid};

    open my $file, '<', "/proc/$master/task/$master/children"
        or croak "cannot read the children of $master: $!";

    return split ' ', <$file> // '';
}


# Test::More, with logs and a last look -----------------------------------

# a block that dies has failed; the blocks after it run all the same

sub subtest ($title, $block) {
    my @marks = map { $_->logs->marks } @stacks;

    my $passed = Test::More::subtest($title, sub {
        eval { $block->(); 1 } or Test::More::fail($@ =~ s/\n\z//r);
    });

    if (!$passed) {
        $shown = 1;
        Test::More::diag($stacks[$_]->logs->tail($marks[$_] // {}))
            for 0 .. $#stacks;
    }

    return $passed;
}


sub done_testing () {
    my @faults = map { $_->stop } @stacks;

    Test::More::ok(!@faults, 'no alert, no report, no process that died')
        or Test::More::diag(@faults);

    if (!Test::More->builder->is_passing && !$shown) {
        Test::More::diag($_->logs->tail) for @stacks;
    }

    @stacks = ();

    return Test::More::done_testing();
}


# However the script ends, its processes end with it.

$SIG{$_} = sub { exit 1 } for qw(INT TERM HUP);

END {
    my $status = $?;

    ChatTest::Process::stop_all();
    $? = $status;
}

1;
