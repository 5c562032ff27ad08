# Where a worker may serve its status, and where it cannot.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use IO::Socket::IP;
use IO::Socket::UNIX;
use Time::HiRes qw(time);

use ChatTest;
use ChatTest::Port qw(take_port);

my $chat = ChatTest->new(with => []);
my $directory = $chat->directory;
my ($port, $lock) = take_port;


# one that finds neither Redis nor PostgreSQL, which its status does not need

sub persist ($name, @arguments) {
    return $chat->command($name, 'chat-persist', @arguments);
}


# what it answers to a request over a socket, or undef

sub ask ($socket, $path) {
    return undef if !$socket;

    print $socket "GET $path HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    local $/ = undef;

    return <$socket>;
}


sub serves ($connect, $what) {
    return ok(eval { wait_until {
        (ask($connect->(), '/healthz') // '') =~ /^HTTP\/1\.1 200 / } 20 },
        $what);
}


# it ends by itself, with this code

sub ends ($process, $code, $what) {
    $process->start;

    return is(eval { $process->wait_end } // -1, $code << 8, $what);
}


subtest 'IPv4, and nothing where nothing is told' => sub {
    my $persist = persist('four', '--status-listen', "127.0.0.1:$port")->start;
    my $connect = sub { IO::Socket::INET->new("127.0.0.1:$port") };

    serves($connect, 'it is served');
    like(ask($connect->(), '/readyz'), qr/ 503 .*"postgresql":"down"/s,
         'what is missing is told');
    unlike(ask($connect->(), '/metrics'), qr/chat_persist_log_entries/,
           'what is not known is not told');
    is(IO::Socket::INET->new("127.0.0.2:$port"), undef,
       'not at other addresses');
    $persist->end;
    is($persist->{status}, 0, 'it ends well');

    my $silent = persist('silent')->start;

    ok(eval { wait_until { $chat->logs->text('silent') =~ /started/ } 20 },
       'it runs without');
    unlike($chat->logs->text('silent'), qr/status is served/,
           'and serves nothing');
    $silent->end;
};

subtest 'IPv6' => sub {
    my $probe = IO::Socket::IP->new(LocalHost => '::1', Listen => 1);

    plan skip_all => 'there is no IPv6' if !$probe;

    my $persist = persist('six', '--status-listen', "[::1]:$port")->start;

    serves(sub { IO::Socket::IP->new(PeerHost => '::1', PeerPort => $port) },
           'it is served');
    is(IO::Socket::INET->new("127.0.0.1:$port"), undef, 'not over IPv4');
    $persist->end;
};

subtest 'a socket in the file system' => sub {
    my $path = "$directory/status.sock";
    my $persist = persist('unix', '--status-listen', "unix:$path")->start;

    serves(sub { IO::Socket::UNIX->new($path) }, 'it is served');
    $persist->end;
    ok(!-e $path, 'and goes with it');
};

subtest 'a port that is taken is a clear error' => sub {
    my $other = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$port",
                                      Listen => 1, ReuseAddr => 1);

    ends(persist('taken', '--status-listen', "127.0.0.1:$port"), 1,
         'it does not start');
    like($chat->logs->text('taken'),
         qr/cannot listen","address":"127\.0\.0\.1:$port","error":"Address already in use"/,
         'and says why');
};

subtest 'what is no address is a clear error' => sub {
    my $n = 0;

    for my $address ('9101', ':9101', '127.0.0.1', '127.0.0.1:', '127.0.0.1:0',
                     '127.0.0.1:65536', '127.0.0.1:http', 'localhost:9101',
                     '::1:9101', '[::1]', '[::1:9101', '[127.0.0.1]:9101',
                     '[]:9101', 'unix:', '1.2.3.4.5:9101')
    {
        my $name = 'wrong' . ++$n;

        ends(persist($name, '--status-listen', $address), 1, "\"$address\"");
        like($chat->logs->text($name), qr/not an address/, 'and says so');
    }
};

# a client that says nothing, or half a line, keeps nobody from being told

subtest 'clients that hang' => sub {
    my $persist = persist('slow', '--status-listen', "127.0.0.1:$port")->start;
    my $connect = sub { IO::Socket::INET->new("127.0.0.1:$port") };

    serves($connect, 'it is served');

    my @hang = map { $connect->() } 1 .. 10;

    $hang[$_]->syswrite("GET /metr") for 0 .. 4;

    my $start = time;

    serves($connect, 'and others are answered');
    cmp_ok(time - $start, '<', 8, 'at once');
    $persist->end;
    is($persist->{status}, 0, 'it ends all the same');
};

done_testing;
