# Presence while Redis starts anew, or is emptied; where it is not served, or
# off.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Seen;

my $chat = ChatTest->new(
    workers  => 1,
    with     => [qw(redis postgres persist presence)],
    presence => { grace => 2, settle => 3 },
    http     => 'chat_ping_interval 5m;',
);
$chat->start;

my $seen = ChatTest::Seen->new($chat);
my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob');

$bob->request('presence.set', { status => 'busy', text => 'later' });
$bob->expect('presence.changed');
$seen->becomes('alice', 'o');
$seen->becomes('bob', 'b');

# what has been chosen is stored, for whom Redis forgets

wait_until {
    $chat->psql(q(SELECT count(*) FROM chat.presence WHERE user_id = 'bob'
                  AND choice = 'busy')) =~ /1/;
};


subtest 'Redis starts anew' => sub {
    $chat->kill('redis');
    $chat->restart('redis');
    $chat->wait_ready;
    $seen->reconnect;
    $seen->forget;
    wait_until { $seen->state('bob') eq 'b 0 later' };
    $seen->becomes('alice', 'o');
    is_deeply([$seen->told_so('f')], [], 'nobody was gone');
    is_deeply([$alice->unexpected, $bob->unexpected], [],
              'nor told that something else was chosen');
};

subtest 'Redis is emptied' => sub {
    $seen->redis->call('FLUSHALL');
    $seen->forget;
    wait_until { $seen->state('bob') eq 'b 0 later' };
    $seen->becomes('alice', 'o');
    is_deeply([$seen->told_so('f')], [], 'nobody was gone');
};

subtest 'presence is not served' => sub {
    my $other = ChatTest->new(workers => 1);

    $other->start;

    my $carol = $other->connect(user => 'carol');
    my $error = $carol->refused('presence.set', { status => 'busy' });

    is("$error->{code} $error->{retryAfter}", 'unavailable 1', 'set');
    $other->create('lobby');
    $carol->join('lobby');
    $carol->say('lobby', 'hello');
    is($carol->hear('lobby')->{content}, 'hello', 'all else goes on');

    my @lines = $other->logs->text('nginx') =~ /(.*presence is not served.*)/g;

    is(scalar @lines, 1, 'the log says it once');
    like($lines[0], qr/\[info\]/, 'as an information');
    $other->stop;
};

subtest 'presence is off' => sub {
    my $other = ChatTest->new(
        workers => 1,
        with    => [qw(redis postgres persist presence)],
        http    => 'chat_presence off;',
    );

    $other->start;

    my $dave = $other->connect(user => 'dave');

    is($dave->refused('presence.set', { status => 'busy' })->{code},
       'unsupported', 'set');
    is($other->metrics->{chat_presence_registered}, 0, 'no lease');
    is($other->metrics->{chat_presence_reports_total}, 0, 'no report');
    $other->stop;
};

done_testing;
