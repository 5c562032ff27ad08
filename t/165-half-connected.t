# A chat-persist that reaches PostgreSQL but not Redis does not keep what it can
# do nothing for.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Proxy;

use constant ROOMS => 16;

my $chat = ChatTest->new(
    workers  => 1,
    location => 'chat_ack stored; chat_request_timeout 30s;',
);
$chat->start;

my @rooms = map { "room-$_" } 1 .. ROOMS;

$chat->create($_) for @rooms;

my $alice = $chat->connect(user => 'alice');
my $proxy = ChatTest::Proxy->new(directory => $chat->directory);
my $place = $proxy->listen('redis', to => $chat->directory . '/redis.sock',
                           on => $chat->directory . '/proxied.sock');
my $second = $chat->command('persist-2', 'chat-persist',
                            "--redis-url=unix://$place")->start;
my $said = 0;


sub shares () {
    return join ' ', split /\n/, $chat->psql(<<~'END');
        SELECT count(*) FROM chat.partition WHERE lease_until > now()
        GROUP BY holder ORDER BY 1
        END
}


# a message in each room, answered when it is stored

sub say_all_ok ($title) {
    my @open = map {
        [$_, $alice->post('message.send', { conversationId => $_,
                                            content => $title })]
    } @rooms;

    $said++;
    is($alice->reply($_->[1])->{data}{sequenceNumber}, $said,
       "$title: $_->[0]") for @open;

    return;
}


subtest 'both can do everything' => sub {
    wait_until { shares() eq '8 8' } 15;
    say_all_ok('before');
};

for my $fault (qw(stall blackhole)) {
    subtest "one whose link to Redis is silent gives away ($fault)" => sub {
        $proxy->$fault('redis');
        say_all_ok($fault);
        wait_until { shares() eq '16' } 15;
        pass('the other has all');
        $proxy->heal('redis');
        wait_until { shares() eq '8 8' } 20;
        pass('and shares again when the link is back');
        say_all_ok("after $fault");
    };
}

subtest 'when Redis is away for all, nobody gives away' => sub {
    my @fences = split /\n/, $chat->psql('SELECT fence FROM chat.partition');

    $chat->kill('redis');
    wait_until { $chat->psql('SELECT count(*) FROM chat.holder_share')
                 == 0 } 15;
    is(shares(), '8 8', 'each keeps what it has');
    $chat->start_part('redis');
    wait_until { $chat->psql('SELECT count(*) FROM chat.holder_share')
                 == 2 && shares() eq '8 8' } 30;
    $chat->wait_ready;
    say_all_ok('after');
};

$second->end;

done_testing;
