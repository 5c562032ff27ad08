# Memory that runs out in a worker, at each allocation in turn: of a handshake,
# a join, a message.  Whoever asked may be refused or cut off, nothing else
# happens: no crash, no leak, and the next one is served.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Frame qw(make_frame);
use ChatTest::NoMemory;

# of the second, longer way every seventh
use constant STRIDE => 7;

# seconds: the answer to a close may be lost with the memory that it needs
use constant CLOSING => 0.5;

# a request that does not fit the first buffer of nginx
use constant COOKIE => 'x=' . 'y' x 3000;

my $chat = ChatTest->new(ChatTest::NoMemory->options);
my $memory = ChatTest::NoMemory->new($chat);

# that memory was short is for the log to tell
$chat->logs->allow(qr/\[emerg\] .*(?:malloc|posix_memalign)\(.* failed/);

$chat->start;
$chat->create($_) for qw(lobby attic);

my ($worker) = $chat->workers;


# What a client asks in its life; each answer is one, or the connection ends.

my @life = (
    ping                  => {},
    'conversation.join'   => { conversationId => 'lobby' },
    'conversation.join'   => { conversations => [
        map { { conversationId => $_ } } qw(lobby attic cellar)
    ] },
    'message.send'        => { conversationId => 'lobby', content => 'hello',
                               clientMessageId => 'c', mentions => ['bob'] },
    'message.send'        => { conversationId => 'attic',
                               content => { type => 'text', text => 'hi' } },
    'message.edit'        => { conversationId => 'lobby', content => 'x',
                               messageId => uuid },
    'reaction.add'        => { conversationId => 'lobby', emoji => 'x',
                               messageId => uuid },
    'history.get'         => { conversationId => 'lobby', limit => 3 },
    'conversation.list'   => {},
    'conversation.create' => { type => 'group', name => 'new' },
    'conversation.update' => { conversationId => 'cellar', name => 'deep' },
    'member.add'          => { conversationId => 'cellar', userId => 'bob' },
    'read.mark'           => { conversationId => 'lobby',
                               sequenceNumber => 1 },
    authenticate          => { token => $chat->token('alice') },
    'no.such'             => {},
    'conversation.leave'  => { conversationId => 'attic' },
);


# Lives it, and says what the client waits for in vain.

sub live () {
    my $client = eval {
        $chat->handshake(user => 'alice', headers => { Cookie => COOKIE });
    } // return;
    my (%open, $ended);

    for (my $i = 0; $i < @life; $i += 2) {
        my $id = "i$i";

        $open{$id} = $life[$i];
        $client->send_text(encode({ type => $life[$i], id => $id,
                                    data => $life[$i + 1] }));
    }

    # neither a control frame nor a message comes in one piece
    my $ping = make_frame(opcode => PING, payload => 'p');
    my $last = make_frame(payload => '{"type":"ping","id":"last"}');
    $client->send_apart(substr($ping, 0, 6), substr($ping, 6) . substr(
        $last, 0, 20), substr $last, 20);
    $open{last} = 'last';

    while (%open && !$ended) {
        my $frame;
        eval { $frame = $client->read_message; 1 } or last;

        $ended = !$frame || $frame->{opcode} == CLOSE;
        delete $open{$1} if !$ended && $frame->{payload} =~ /"id":"(\w+)"/;
    }

    $client->send_close(1000);
    eval { $client->read_close(CLOSING) };
    $client->disconnect;

    return $ended ? () : sort values %open;
}


# somebody else, who has been there all the time, still is or may come back

sub served_ok ($what) {
    my $bob = eval { $chat->connect(user => 'bob') };
    my $said = eval {
        $bob->join('lobby');
        $bob->say('lobby', $what);
    };

    my $heard = $said && eval { $bob->hear('lobby')->{content} eq $what };
    my $why = $@;

    $bob->disconnect if $bob;

    return $heard || (diag("$what: $why"), 0);
}


subtest 'there is something to fail' => sub {
    $memory->arm($worker, 0);
    is_deeply([live()], [], 'with memory every request is answered');
    cmp_ok($memory->disarm, '>', 50, 'and takes allocations');
};

for my $way (['one', 1, 0], ['all from one on', STRIDE,
                             ChatTest::NoMemory::ALL])
{
    my ($name, $stride, $more) = @$way;

    subtest "allocations that fail: $name" => sub {
        my ($n, $count, $unserved, @lost) = (1, 0, 0);

        while (1) {
            $memory->arm($worker, $n, $n + $more);
            my @open = live();
            $count = $memory->disarm;
            last if $count < $n;

            push @lost, "$n: @open" if @open;
            $unserved++ if !served_ok("after $n");
            last if $unserved == 3 || ($chat->workers)[0] != $worker;
            $n += $stride;
        }

        note("$n of $count");
        is_deeply(\@lost, [], 'no request waits for ever');
        is($unserved, 0, 'the next one is served each time');
        is_deeply([$chat->workers], [$worker], 'by the same worker');
    };
}

done_testing;
