# The proxy that other tests use: that it does what it says, and nothing else.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(time);

use ChatTest;
use ChatTest::Redis;

local $SIG{PIPE} = 'IGNORE';

my $chat = ChatTest->new(with => ['redis'], proxied => 1);
$chat->start_part('redis');

my $proxy = $chat->proxy;
my $direct = ChatTest::Redis->new("$chat->{directory}/redis.sock");


sub link_as ($name) {
    my $link = ChatTest::Redis->new("$chat->{directory}/proxied.sock");

    $link->call('CLIENT', 'SETNAME', "chat:x:$name");

    return $link;
}


# seconds that one answer takes

sub takes ($link) {
    my $begin = time;

    $link->call('PING');

    return time - $begin;
}


subtest 'a delay is for one way, or both' => sub {
    my $link = link_as('command');

    $proxy->delay('redis', ms => 50, way => 'up');
    cmp_ok(takes($link), '>=', 0.05, 'up');

    $proxy->delay('redis', ms => 60, way => 'down');
    cmp_ok(takes($link), '>=', 0.11, 'up and down');

    $proxy->delay('redis', ms => 200, way => 'down');
    cmp_ok(takes($link), '>=', 0.25, 'the last one counts');

    $proxy->heal('redis');
    ok(wait_until { takes($link) < 0.05 }, 'neither');
};


subtest 'many bytes come as they were' => sub {
    my $link = link_as('command');
    my @texts = map { chr(65 + $_) x 100_000 } 0 .. 19;

    $link->call_all(map { ['SET', "k$_", $texts[$_]] } 0 .. $#texts);
    is_deeply([$link->call_all(map { ['GET', "k$_"] } 0 .. $#texts)],
              \@texts, 'there and back');
};


subtest 'a message is lost, and the next is not' => sub {
    my $link = link_as('subscriber');

    $link->call('SUBSCRIBE', $_) for qw(a b);
    $proxy->swallow('redis', message => '^a$');
    $direct->call('PUBLISH', @$_) for ['a', 1], ['b', 2], ['a', 3];

    is_deeply($link->_reply, ['message', 'b', 2], 'of another channel');
    is_deeply($link->_reply, ['message', 'a', 3], 'of the same one');
    is($proxy->swallowed('redis'), 1, 'one was');
    $proxy->heal('redis');
};


subtest 'a subscription is not there, but confirmed' => sub {
    my $link = link_as('subscriber');

    $proxy->swallow('redis', subscribe => '^c$');

    is_deeply($link->call('SUBSCRIBE', 'c'), ['subscribe', 'c', 1],
              'confirmed');
    is($direct->call('PUBLISH', 'c', 1), 0, 'nobody hears it');
    is_deeply($link->call('SUBSCRIBE', 'c'), ['subscribe', 'c', 1],
              'again');
    is($direct->call('PUBLISH', 'c', 1), 1, 'this one is there');
    $proxy->heal('redis');
};


subtest 'a stall ends, a blackhole does not' => sub {
    my $command = link_as('command');
    my $subscriber = link_as('subscriber');

    $subscriber->call('SUBSCRIBE', 'd');
    $proxy->stall('redis', only => ':subscriber$');
    $direct->call('PUBLISH', 'd', 1);
    takes($command);
    $proxy->heal('redis');
    is_deeply($subscriber->_reply, ['message', 'd', 1], 'what was held up');

    $proxy->blackhole('redis', existing => 1);
    $command->_write("PING\r\n");
    takes(my $new = link_as('command'));
    $proxy->heal('redis');
    takes($new);

    my ($dead) = grep { $_->{dead} && $_->{name} eq 'chat:x:command' }
        $proxy->connections('redis');
    ok($dead, 'the one in it is dead');
};


subtest 'connections are cut, and refused' => sub {
    my $link = link_as('command');

    cmp_ok($proxy->cut('redis'), '>=', 1, 'cut');
    ok(!eval { takes($link); 1 }, 'it ended');

    $proxy->refuse('redis');
    ok(!eval { takes(link_as('command')); 1 }, 'none is taken');
    is(scalar $proxy->connections('redis'), 0, 'none is left');

    $proxy->heal('redis');
    takes(link_as('command'));
};

done_testing;
