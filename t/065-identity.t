# Redis takes another replication id under links that live on, as it does when
# its first replica comes, and when the last one has been gone for long: nodes
# and chat-persist find together again, and nobody misses or forgets anything.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Port qw(take_port);
use ChatTest::Process;

# a link may believe what it has read of Redis for 15 s
use constant BELIEVED => 20;

my $chat = ChatTest->new(workers => 2);
$chat->start;
$chat->create('lobby');

my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob', node_other_than => $alice);

$_->join('lobby') for $alice, $bob;
$alice->say('lobby', 'before');
is($_->hear('lobby')->{content}, 'before', 'before, all is well')
    for $alice, $bob;

my $seen = $alice->join('lobby')->{revision};


# one line of what Redis says of itself

sub info ($name) {
    return $chat->redis_cli('INFO') =~ /^\Q$name\E:(\S+)/m ? $1 : '';
}


# a replica of the Redis, attached and in step

sub start_replica ($port) {
    my $directory = $chat->directory . '/replica';

    mkdir $directory;
    $chat->redis_cli('CONFIG', 'SET', 'bind', '127.0.0.1', 'port', $port);

    my $replica = ChatTest::Process->new(
        name      => 'replica',
        directory => $directory,
        log       => $chat->logs->file('replica'),
        command   => ['redis-server', '--port', 0, '--dir', $directory,
                      '--unixsocket', "$directory/redis.sock",
                      '--replicaof', "127.0.0.1 $port"],
    );

    $replica->start;
    wait_until { info('slave0') =~ /state=online/ };

    return $replica;
}


# whether every partition is open for the Redis that there is

sub all_open () {
    my $identity = info('run_id') . ':' . info('master_replid');
    my @open = grep { $chat->redis_cli('HGET', $_, 'identity') eq $identity }
        map { sprintf 'chat:{p%02d}:part', $_ } 0 .. 15;

    return @open == 16;
}


subtest 'Redis takes another replication id, without a restart' => sub {
    my ($port, $lock) = take_port;
    my ($run, $first) = (info('run_id'), info('master_replid'));
    my $replica = start_replica($port);
    my $id = info('master_replid');

    isnt($id, $first, 'when its first replica comes');

    $chat->redis_cli('CONFIG', 'SET', 'repl-backlog-ttl', 1);
    $replica->end;
    ok(wait_until(sub { info('master_replid') ne $id }),
       'and when the last one has been gone for long');
    is(info('run_id'), $run, 'it was not restarted');
};

subtest 'chat-persist notices, and opens the partitions for it' => sub {
    ok(wait_until(sub { all_open() }), 'they are open');
};

my $carol;

subtest 'a node that begins now serves at once' => sub {
    my $id = $bob->node;
    my ($worker) = $chat->logs->text('nginx')
        =~ /(\d+)#\d+: chat: node \Q$id\E started/;

    kill 'TERM', $worker;
    ok(defined $bob->expect_close(1001), 'the node of bob ends');

    $carol = $chat->connect(user => 'carol', node_other_than => $alice);
    isnt($carol->node, $id, 'carol is on a new one');

    my $join = $carol->insist('conversation.join', {
        conversationId => 'lobby', afterRevision => $seen,
    });
    is_deeply($join->{events}, [], 'nothing was missed');
    ok(!$join->{reset}, 'and nothing lost');
    ok($carol->say('lobby', 'from a new node'), 'carol can send');
};

subtest 'a node that was there before serves again' => sub {
    wait_until {
        my $id = $alice->post('message.send', {
            conversationId => 'lobby', clientMessageId => 'once',
            content => 'from an old node',
        });

        $alice->reply($id)->{ok};
    } BELIEVED;

    for my $what ('from a new node', 'from an old node') {
        is($_->hear('lobby')->{content}, $what, "both hear what is $what")
            for $alice, $carol;
    }
    is_deeply([map { $_->unexpected } $alice, $carol], [],
              'once, and nobody starts over');
    ok($chat->wait_ready, 'all nodes are ready');
};

subtest 'all of it is in PostgreSQL' => sub {
    $chat->wait_stored;
    is($chat->psql('SELECT count(*), max(sequence) FROM chat.message'), '3|3',
       'every message');
    is($chat->psql('SELECT count(*) FROM chat.partition
                    WHERE stopped IS NOT NULL'), 0, 'no partition stopped');
};

done_testing;
