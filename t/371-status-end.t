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
                         with => [qw(redis postgres)], proxied => 1);
my ($port, $lock) = take_port;
my $redis = $chat->proxy->listen('persist', to => $chat->{redis_socket},
                                 on => $chat->directory . '/persist.sock');

$chat->start;
$chat->chatctl_must('migrate');


sub start_persist ($name) {
    my $persist = $chat->command($name, 'chat-persist', '--status-listen',
                                 "127.0.0.1:$port", '--redis-url',
                                 "unix://$redis")->start;

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


# bytes that were sent over each link

sub sent () {
    return map { @$_{qw(id up)} } $chat->proxy->connections('persist');
}


# Its own link is given up already, since PostgreSQL is away; the one that looks
# at the log once a second has just begun to wait for an answer, which it would
# do for two seconds.

subtest 'Redis hangs' => sub {
    my $persist = start_persist('one');

    $chat->kill('postgres', 'INT');
    wait_until { (metrics()->{'chat_persist_link_up{link="postgresql"}'}
                  // 1) == 0 };
    $chat->proxy->stall('persist', way => 'down');

    my %before = sent();

    wait_until {
        my %now = sent();
        grep { $now{$_} > ($before{$_} // 0) } keys %now;
    };
    cmp_ok(end_of($persist), '<', 1.5, 'it ends at once');

    $chat->proxy->heal('persist');
    $chat->restart('postgres');
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
