# Reload and stop: clients are told to come back, and old workers end.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers => 2,
                         location => 'chat_request_timeout 1m;');
$chat->start;
$chat->create('lobby');


sub crowd ($n) {
    my @crowd = map { $chat->connect(user => "user-$_") } 1 .. $n;

    $_->join('lobby') for @crowd;

    return @crowd;
}


subtest 'a reload sends everybody to the new workers' => sub {
    my @crowd = crowd(20);
    my %old = map { $_ => 1 } $chat->workers;

    $chat->reload;

    my @reasons = map { $_->expect_close(1012) } @crowd;
    is((grep { /retry=\d+/ } @reasons), 20, 'each is told when to retry');

    my %delays = map { /retry=(\d+)/ => 1 } @reasons;
    cmp_ok(keys %delays, '>', 5, 'not all at the same time');

    wait_until { !grep { $old{$_} } $chat->workers } 15;
    is($chat->workers, 2, 'the old workers have ended');

    my ($alice, $bob) = crowd(2);
    $alice->say('lobby', 'hello again');
    is($bob->hear('lobby')->{content}, 'hello again', 'it goes on');
};

subtest 'requests under way are answered first' => sub {
    my $alice = $chat->connect(user => 'alice');
    my @ids = map {
        $alice->post('message.send',
                     { conversationId => 'lobby', content => "$_" })
    } 1 .. 50;

    my %old = map { $_ => 1 } $chat->workers;

    $alice->request('ping');
    $chat->reload;

    my @numbers = map { $alice->reply($_)->{data}{sequenceNumber} } @ids;
    is_deeply(\@numbers, [map { $numbers[0] + $_ } 0 .. 49], 'all 50');
    $alice->expect_close(1012);
    wait_until { !grep { $old{$_} } $chat->workers };
};

subtest 'what comes after its turn is for the next process' => sub {
    $chat->wait_ready;

    my $alice = $chat->connect(user => 'alice');
    my $bob = $chat->connect(user => 'bob', node_of => $alice);
    my %old = map { $_ => 1 } $chat->workers;

    $chat->wait_stored;
    $chat->freeze('persist');
    $chat->redis_cli('DEL', $_)
        for split /\n/, $chat->redis_cli('KEYS', '*/lobby:*');

    my $slow = $alice->post('conversation.join', { conversationId => 'lobby' });

    $alice->request('ping');
    $chat->reload;
    $bob->expect_close(1012);
    wait_until { $chat->logs->since({}) =~ /leaves, 1 requests .*alice/ };

    my $late = $alice->post('message.send', { conversationId => 'lobby',
                                              content => 'late' });

    $chat->thaw('persist');
    is($alice->reply($slow)->{data}{role}, 'member', 'what was asked is answered');
    $alice->expect_close(1012);
    ok(!eval { $alice->reply($late); 1 }, 'what came later is not');

    wait_until { !grep { $old{$_} } $chat->workers };
    $chat->wait_ready;
    my $again = $chat->connect(user => 'alice');
    $again->join('lobby');
    isnt($again->history('lobby')->{messages}[-1]{content}, 'late',
         'and has not been done');
};

subtest 'a graceful stop does the same' => sub {
    $chat->wait_ready;

    my @crowd = crowd(10);
    my $nginx = $chat->part('nginx');

    $nginx->tell('QUIT');
    like($_->expect_close(1012), qr/retry=\d+/, 'close 1012') for @crowd;
    is($nginx->wait_end, 0, 'nginx ends');
    $chat->start_part('nginx');
};

subtest 'many reloads in a row leave nothing behind' => sub {
    for my $i (1 .. 3) {
        my ($alice) = crowd(1);
        my %old = map { $_ => 1 } $chat->workers;

        $chat->reload;
        $alice->expect_close(1012);
        wait_until { !grep { $old{$_} } $chat->workers } 15;
    }

    is($chat->workers, 2, 'two workers');
    wait_until { 4 >= split /\n/, $chat->redis_cli('CLIENT', 'LIST',
                                                   'TYPE', 'normal') };
    pass('and no links of those that have ended');
};

# nginx kills a worker that takes a second to stop, as a search for leaks may
my $quick = ChatTest->new(with => [], asan => 'detect_leaks=0');

subtest 'a stop says 1001, at once' => sub {
    $quick->start;

    my @crowd = map { $quick->connect(user => "user-$_") } 1 .. 10;
    my $nginx = $quick->part('nginx');

    $nginx->tell('TERM');
    ok(defined $_->expect_close(1001), 'close 1001') for @crowd;
    is($nginx->wait_end, 0, 'nginx ends');
};

done_testing;
