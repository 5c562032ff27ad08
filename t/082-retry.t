# chatctl asks again when an answer gets lost, and nothing comes of it twice.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use IO::Socket::UNIX;
use POSIX ();

use ChatTest;

my $chat = ChatTest->new;
$chat->start;


# what has been read; empty at the end

sub slurp ($socket) {
    my $data;

    return sysread($socket, $data, 65536) ? $data : '';
}


# Between chatctl and Redis: the first time that append has done it, its answer
# does not arrive, and what $meanwhile does happens before chatctl asks again.

sub serve ($listener, $meanwhile) {
    my $lost;

    while (my $client = $listener->accept) {
        my $redis = IO::Socket::UNIX->new($chat->{redis_socket})
            or POSIX::_exit(1);
        my $both = IO::Select->new($client, $redis);
        my $append;

        CONNECTION: while (my @ready = $both->can_read) {
            for my $from (@ready) {
                my $data = slurp($from);

                $append ||= $data =~ /chat_v1_append/;
                last CONNECTION if $data eq '';

                if ($append && $data =~ /^\*\d\r\n\$2\r\nok/ && !$lost++) {
                    $meanwhile->();
                    last CONNECTION;
                }

                syswrite($from == $client ? $redis : $client, $data);
            }
        }
    }

    return;
}


# the exit code and the output of a command whose first answer gets lost

sub unheard ($command, $meanwhile = sub { }) {
    state $n = 0;
    my $path = $chat->directory . '/proxy-' . ++$n;
    my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 5)
        or die "cannot listen: $!";
    my $pid = fork // die "fork() failed: $!";

    if ($pid == 0) {
        serve($listener, $meanwhile);
        POSIX::_exit(0);
    }

    my @result = $chat->chatctl(split(' ', $command), '--wait', '60',
                                '--redis-url', "unix://$path");
    kill 'KILL', $pid;
    waitpid $pid, 0;

    return @result;
}


sub create_unheard ($options, @meanwhile) {
    return unheard("conversation create $options", @meanwhile);
}


subtest 'a channel' => sub {
    my ($code, $id) = create_unheard('--type channel');

    is($code, 0, 'exit code');
    like($id, qr/^[-0-9a-f]{36}\n$/, 'its id');
};

subtest 'a group that its creator cannot see' => sub {
    my ($code, $id) = create_unheard('--type group --id plans --member bob');

    is($code, 0, 'exit code');
    is($id, "plans\n", 'its id');

    ($code, $id) = create_unheard('--type group --id plans --member bob');
    is($code, 1, 'but a second one is an error');
    like($id, qr/conversation "plans" exists/, 'and told so');
};

subtest 'a channel that only PostgreSQL has when chatctl asks again' => sub {
    my ($code, $id) = create_unheard('--type channel', sub {
        $chat->wait_stored;
        $chat->redis_cli('FLUSHALL');
    });

    is($code, 0, 'exit code');
    chomp $id;

    $chat->wait_ready;
    $chat->wait_stored;
    is($chat->connect(user => 'bob')->join($id)->{sequenceNumber}, 0,
       'it is there');
    is($chat->psql("SELECT count(*) FROM chat.partition
                    WHERE stopped IS NOT NULL"), 0, 'no partition stopped');
};

is($chat->psql('SELECT count(*) FROM chat.conversation'), 3, 'three in all');

subtest 'a message is sent once' => sub {
    my $bob = $chat->connect(user => 'bob');
    my ($code, $id) = unheard('message send plans --as bob --text Once');

    is($code, 0, 'exit code');
    chomp $id;

    my $history = $bob->history('plans');
    is_deeply([map { $_->{id} } @{ $history->{messages} }], [$id],
              'it is the only one');
};

subtest 'who is out already has been put out' => sub {
    is((unheard('member remove plans bob'))[0], 0, 'exit code');
    is(($chat->chatctl(qw(member remove plans bob)))[0], 3,
       'once more: no such member');
    is((unheard('conversation delete plans'))[0], 0, 'so with deleting');
    is(($chat->chatctl(qw(conversation delete plans)))[0], 3,
       'once more: no such conversation');
};

done_testing;
