# What Redis publishes of unread messages: to each member of conversations of
# up to 100, once for all messages that came since somebody took them.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Ear;
use ChatTest::Redis;

use constant PARTITIONS => 16;

my $chat = ChatTest->new;
$chat->start;

my $redis = ChatTest::Redis->new($chat->{redis_socket});
my $ear = ChatTest::Ear->new($chat->{redis_socket});
my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob');


sub prefix ($p) { return sprintf 'chat:{p%02d}:', $p }


# as chat-presence does: of one partition
sub take ($p, $members = 500, $begin = 1) {
    my $part = prefix($p) . 'part';

    return $redis->call('FCALL', 'chat_v1_unread', 1, prefix($p),
                        $redis->call('HGET', $part, 'identity'), PARTITIONS,
                        $members, $begin);
}


sub take_all () {
    take($_) for 0 .. PARTITIONS - 1;

    return $ear->unread;
}


sub group (@members) {
    return $alice->request('conversation.create', {
        type => 'group', members => \@members,
    })->{conversationId};
}


sub partition_of ($id) {
    my ($key) = split /\n/, $chat->redis_cli('KEYS', "*/$id:meta");

    return 0 + ($key =~ /\{p(\d\d)\}/)[0];
}


subtest 'where nobody takes, nothing is collected' => sub {
    my $id = group('bob');

    $alice->say($id, 'hello');
    is($chat->redis_cli('KEYS', '*:unread*'), '', 'no set');
};

take_all();

subtest 'members are told how much they have not read' => sub {
    my $id = group('bob', 'carol');
    my $other = group('bob');

    $ear->heard;
    $alice->say($id, "number $_") for 1 .. 3;
    $bob->say($id, "number 4");
    $alice->say($id, "number 5");
    $alice->say($other, 'hello');

    is_deeply($ear->unread, {}, 'not with each message');
    is_deeply(take_all(), {
        'default/alice' => { "default/$id" => [5, 0],
                             "default/$other" => [1, 0] },
        'default/bob'   => { "default/$id" => [5, 1],
                             "default/$other" => [1, 1] },
        'default/carol' => { "default/$id" => [5, 5] },
    }, 'but once');
    is_deeply(take_all(), {}, 'and not again');
};

subtest 'one who is blocked is not told' => sub {
    my $id = group('bob', 'carol');

    $alice->request('member.update', { conversationId => $id, userId => 'bob',
                                       role => 'blocked' });
    $alice->say($id, 'hello');
    is_deeply([sort keys %{ take_all() }], ['default/alice', 'default/carol'],
              'the others are');
};

subtest "one's mark is told to one's other devices at once" => sub {
    my $id = group('bob');
    my $mark = sub ($kind, $n) {
        $ear->heard;
        $bob->request("$kind.mark", { conversationId => $id,
                                      sequenceNumber => $n });
    };

    $alice->say($id, "number $_") for 1 .. 3;
    $mark->('read', 2);
    is_deeply($ear->unread, { 'default/bob' => { "default/$id" => [3, 1] } },
              'of what is read');
    $mark->('read', 1);
    is_deeply($ear->unread, {}, 'not of less');
    $mark->('delivered', 3);
    is_deeply($ear->unread, {}, 'nor of what has come');
    take_all();
};

subtest 'in conversations of more than 100 nobody is told' => sub {
    my $id = group('bob');
    my $p = partition_of($id);
    my $members = prefix($p) . "c:default/$id:members";

    $redis->call('HSET', $members, "user$_", 'member 0 0') for 1 .. 98;
    $alice->say($id, 'hello');
    is(keys %{ take_all() }, 100, '100 are');

    $redis->call('HSET', $members, 'user99', 'member 0 0');
    $alice->say($id, 'hello');
    $bob->request('read.mark', { conversationId => $id,
                                 sequenceNumber => 2 });
    is_deeply(take_all(), {}, 'but not 101');

    # it has grown since
    $redis->call('SADD', prefix($p) . 'unread', prefix($p) . "c:default/$id");
    is_deeply(take_all(), {}, 'nor those that have grown');
};

subtest 'what is gone is told no more' => sub {
    my $id = group('bob');

    $alice->say($id, 'hello');
    $alice->request('conversation.delete', { conversationId => $id });
    $redis->call('SADD', prefix(0) . 'unread', prefix(0) . 'c:default/none');
    is_deeply(take_all(), {}, 'nothing');
};

subtest 'a call does no more than it is told to' => sub {
    my ($p, %ids) = 3;

    while (keys %ids < 5) {
        my $id = group('bob');

        next if partition_of($id) != $p;
        $ids{"default/$id"} = 1;
        $alice->say($id, 'hello');
    }

    $ear->heard;

    # each counts 1, and 1 for each of its members
    is_deeply(take($p, 6, 1), ['ok', 1, 2], 'two, and there are more');

    my $first = $ear->unread;
    my ($again) = keys %{ $first->{'default/bob'} };
    my ($id) = $again =~ m{/(.*)};

    is(keys %{ $first->{$_} }, 2, "$_: two") for 'default/alice', 'default/bob';

    $alice->say($id, 'once more');
    is_deeply(take($p, 6, 1), ['ok', 1, 2], 'the next are of the same begin');
    is_deeply(take($p, 6, 0), ['ok', 0, 2], 'and the last');

    my $rest = $ear->unread->{'default/bob'};

    is(keys %$rest, 3, 'the other three');
    ok(!$rest->{$again}, 'none twice');

    is_deeply(take($p, 6, 0), ['ok', 0, 0], 'nothing, unless it begins anew');
    is_deeply(take($p, 6, 1), ['ok', 0, 2], 'then what came meanwhile');
    is_deeply($ear->unread->{'default/bob'}, { $again => [2, 2] }, 'is told');
};

subtest 'what waits is bounded' => sub {
    my $id = group('bob');
    my $key = prefix(partition_of($id)) . 'unread';

    for my $from (map { 500 * $_ } 0 .. 19) {
        $redis->call('SADD', $key, map { "x$_" } $from + 1 .. $from + 500);
    }

    $alice->say($id, 'hello');
    is($redis->call('SCARD', $key), 10_000, '10,000 and no more');
    $redis->call('DEL', $key);
};

subtest 'it is for an open partition, and with the right number' => sub {
    my $part = prefix(5) . 'part';
    my $identity = $redis->call('HGET', $part, 'identity');
    my @call = ('FCALL', 'chat_v1_unread', 1, prefix(5));

    is_deeply($redis->call(@call, 'another', PARTITIONS, 9, 1), ['closed'],
              'another Redis');
    is($redis->call(@call, $identity, 8, 9, 1)->[0], 'bad',
       'another number of partitions');
};

subtest 'nobody has taken for a minute' => sub {
    my $id = group('bob');
    my $part = prefix(partition_of($id)) . 'part';

    cmp_ok($redis->call('HGET', $part, 'unread'), '>', 1000 * time,
           'a minute from now');
    $redis->call('HSET', $part, 'unread', 1000 * time - 1000);
    $alice->say($id, 'hello');
    is($chat->redis_cli('KEYS', '*:unread*'), '', 'nothing is collected');
};

done_testing;
