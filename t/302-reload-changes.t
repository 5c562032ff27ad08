# A reload with another configuration: sessions of the old processes go on with
# the old one until their turn.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant CROWD => 300;      # 10 ms each: so long alice has

my %old = (
    http   => 'chat_drain_time 1m; chat_limit_zone 1m;',
    server => 'location = /old { chat_websocket on; chat_auth_timeout 5m; }',
);
my $chat = ChatTest->new(%old, connections => 1024);
my $nginx = $chat->{nginx};

$chat->start;
$chat->create('lobby');


# the last one of many to leave, on the old configuration; the block is run
# while it is there

sub meanwhile ($block, %new) {
    my ($pid) = $chat->workers;
    my @crowd = map { $chat->handshake(path => '/old', protocols => []) }
        1 .. CROWD;
    my $alice = $chat->connect(user => 'alice', path => '/old');
    $alice->join('lobby');

    @{$nginx}{keys %new} = values %new;
    $nginx->prepare;
    $chat->reload;
    $crowd[0]->expect_close(1012);

    is($alice->say('lobby', 'still here')->{duplicate}, 0, 'alice is served');
    is($alice->hear('lobby')->{content}, 'still here', 'and hears');
    $block->();
    $_->expect_close(1012) for @crowd[1 .. 20];
    $_->disconnect for $alice, @crowd;
    wait_until { !grep { $_ == $pid } $chat->workers } 20;
    pass('the old process is gone');

    return;
}


sub again () {
    my ($pid) = $chat->workers;

    @{$nginx}{keys %old} = values %old;
    $nginx->prepare;
    $chat->reload;
    wait_until { my ($now) = $chat->workers; $now && $now != $pid } 20;
    wait_until { $chat->http(path => '/readyz')->status == 200 } 20;

    return;
}


subtest 'a location is removed, another one changed' => sub {
    meanwhile(sub {
        wait_until { $chat->handshake(path => '/old')->status == 404 };
        pass('a new process knows no such location');
    }, server => 'location = /new { chat_websocket on; }',
       location => 'chat_ack stored; chat_max_message_size 1k;');
    again();
};

subtest 'another Redis, other partitions, no canary' => sub {
    meanwhile(sub {
        wait_until { $chat->http(path => '/readyz')->status == 503 };
        pass('the new process looks for another one');
    }, redis => $chat->directory . '/nowhere.sock',
       http => 'chat_drain_time 0; chat_partitions 3;');
    $nginx->{redis} = $chat->{redis_socket};
    again();
};

subtest 'zones of another size' => sub {
    meanwhile(sub { $chat->wait_ready },
              http => 'chat_drain_time 1m; chat_limit_zone 2m;');
    again();
};

subtest 'without the module, and with it again' => sub {
    meanwhile(sub {
        wait_until { $chat->http(path => '/')->status == 204 };
        pass('a new process serves without it');
    }, instead => "server { listen 127.0.0.1:@{[$chat->port]} reuseport;"
                  . ' location / { return 204; } }', loaded => 0);
    delete @{$nginx}{qw(instead loaded)};
    again();
    is($chat->metrics->{chat_nodes}, 1, 'it counts from the start');

    my $bob = $chat->connect(user => 'bob');
    $bob->join('lobby');
    ok($bob->say('lobby', 'hello')->{id}, 'all is as before');
};

subtest 'log files are opened again' => sub {
    my $log = $chat->logs->file('nginx');
    my $bob = $chat->connect(user => 'bob');

    rename $log, "$log.1" or die "cannot rename: $!";
    $chat->part('nginx')->signal('USR1');
    wait_until { -e $log };
    $bob->send_close(1000);
    wait_until { $chat->logs->text('nginx') =~ /session ended with 1000/ };
    pass('and what comes next is in the new one');
};

done_testing;
