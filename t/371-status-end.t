# What serves status keeps nothing up: neither those who ask slowly, nor a Redis
# that hangs, when a worker is told to end.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use Time::HiRes qw(sleep time);

use ChatTest;
use ChatTest::Metrics qw(parse_metrics);
use ChatTest::Port qw(take_port);

my $chat = ChatTest->new(workers => 1, partitions => 4,
                         http => 'chat_partitions 4;',
                         with => [qw(redis postgres)]);
my ($port, $lock) = take_port;

$chat->start;
$chat->chatctl_must('migrate');


sub start_persist ($name) {
    my $persist = $chat->command($name, 'chat-persist', '--status-listen',
                                 "127.0.0.1:$port")->start;

    wait_until { (metrics()->{'chat_persist_log_entries{partition="3"}'}
                  // 1) == 0 } 20;

    return $persist;
}


sub metrics () {
    my $response = eval { $chat->http(port => $port, path => '/metrics') };

    return $response ? (parse_metrics($response->body))[0] : {};
}


# seconds until it has ended

sub end_of ($persist) {
    my $begin = time;

    $persist->end;
    is($persist->{status}, 0, 'it ends well');

    return time - $begin;
}


# Its own link is given up already, since PostgreSQL is away; the one that looks
# at the log once a second has waited for an answer for a while.

sub end_without_redis ($name) {
    my $persist = start_persist($name);

    $chat->kill('postgres', 'INT');
    wait_until { (metrics()->{'chat_persist_link_up{link="postgresql"}'}
                  // 1) == 0 } 20;
    $chat->part('redis')->signal('STOP');
    sleep 1.2;

    my $seconds = end_of($persist);

    $chat->part('redis')->signal('CONT');
    $chat->restart('postgres');

    return $seconds;
}


subtest 'Redis hangs' => sub {
    my $seconds = end_without_redis('one');

    # a machine that is busy gets another chance; the link takes 0.8 s or more
    $seconds = end_without_redis('two') if $seconds > 0.5;

    cmp_ok($seconds, '<', 0.5, 'it ends at once');
};

subtest 'clients that do not get on' => sub {
    my $persist = start_persist('three');
    my @began = map {
        my $began = metrics()->{process_start_time_seconds};
        sleep 0.007;
        $began;
    } 1 .. 20;

    is(scalar(grep { $_ != $began[0] } @began), 0,
       'it was started once, at one moment');

    my @slow = map { IO::Socket::INET->new("127.0.0.1:$port") } 1 .. 8;

    $slow[0]->print("GET /metrics HT");
    $slow[1]->print("POST /metrics HTTP/1.1\r\nHost: x\r\n"
                    . "Content-Length: 1000000\r\n\r\nabc");
    $slow[2]->print("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" x 200);
    $slow[3]->print("GET /healthz HTTP/1.1\r\nHost: x\r\nX: "
                    . 'x' x 100_000);
    $slow[4]->print("\0\r\n\xff\r\n\r\n");

    isnt(metrics()->{process_cpu_seconds_total}, undef,
         'others are answered meanwhile');
    cmp_ok(end_of($persist), '<', 10, 'and it ends');
};

done_testing;
