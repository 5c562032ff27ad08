# Whose presence may be seen in a conversation, and which conversations are to
# be counted: the functions, called as nodes and chat-presence do.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Compress::Zlib qw(crc32);

use ChatTest;
use ChatTest::Redis;

use constant PARTITIONS => 16;
use constant EVERY      => 600_000;     # ms: nothing is counted twice here

my $chat = ChatTest->new;
$chat->start;
$chat->create('team', type => 'group', members => [qw(ada bob cy)]);
$chat->create('news', type => 'channel', members => [qw(ada)]);

my $ada = $chat->connect(user => 'ada');
my $dm = $ada->request('conversation.create',
                       { type => 'dm', members => ['bob'] })->{conversationId};
my $redis = ChatTest::Redis->new($chat->{redis_socket});
my $identity = $redis->call('HGET', prefix('team') . 'part', 'identity');


sub prefix ($id) {
    return sprintf 'chat:{p%02d}:', crc32("default/$id") % PARTITIONS;
}


sub base ($id) { return prefix($id) . "c:default/$id" }


# a function about a conversation, as it answers

sub fcall ($name, $id, @arguments) {
    return $redis->call('FCALL', "chat_v1_$name", 2, prefix($id), base($id),
                        $identity, PARTITIONS, @arguments);
}


# "<type> <members>[ <how many are there>]: <those who are listed>"

sub audience ($id, $user, $most = 10) {
    my ($word, $type, $size, $online, $again, $revision, @members) =
        @{ fcall('audience', $id, $user, $most) };

    return $word if $word ne 'ok';

    return "$type $size" . ($online < 0 ? '' : " $online") . ': '
           . join ' ', sort @members;
}


# the ids of conversations that are to be counted now

sub due (%o) {
    my @answer = @{ $redis->call('FCALL', 'chat_v1_counts', 1, prefix('team'),
                                 $o{identity} // $identity, PARTITIONS,
                                 $o{limit} // 10, $o{every} // EVERY) };

    return join ' ', map { s{.*/}{}r } @answer;
}


subtest 'few are listed, to those who may see the conversation' => sub {
    is(audience('team', 'ada'), 'group 4: ada admin bob cy', 'a group');
    is(audience('team', ''), 'group 4: ada admin bob cy', 'by the operator, too');
    is(audience($dm, 'bob'), 'dm 2: ada bob', 'a dm');
    is(audience('news', 'ada'), 'channel 2: ', 'of a channel nobody is');
    is(audience('news', 'dan'), 'channel 2: ', 'whoever asks');
    is(audience('team', 'dan'), 'not_found', 'a stranger sees none');
    is(audience($dm, 'dan'), 'not_found', 'nor a dm of others');
    is(fcall('audience', 'nowhere', 'ada', 10)->[0], 'need',
       'what Redis lacks is needed');
};

subtest 'who is blocked neither sees nor is seen' => sub {
    $ada->request('member.update', { conversationId => $dm, userId => 'bob',
                                     role => 'blocked' });
    is(audience($dm, 'ada'), 'dm 1: ada', 'not seen');
    is(audience($dm, 'bob'), 'not_found', 'sees none');

    $chat->chatctl_must('member', 'update', 'team', 'cy', '--role', 'blocked');
    is(audience('team', 'ada'), 'group 3: ada admin bob', 'of a group');
};

subtest 'many are counted, when somebody has asked' => sub {
    is(due(), 'ok', 'nobody has asked');
    is(audience('team', 'ada', 2), 'group 4: ', 'not counted yet');
    is(due(), 'ok team', 'now it is to be');
    is(due(), 'ok', 'once');
    is_deeply(fcall('counted', 'team', 2, EVERY), ['ok'], 'it is counted');
    is(audience('team', 'ada', 2), 'group 4 2: ', 'that is told');

    my $again = fcall('audience', 'team', 'ada', 2)->[4];
    ok($again > 0 && $again <= EVERY, 'and when it is counted again');

    is(audience('team', 'ada'), 'group 3: ada admin bob',
       'where more are listed, that is not asked for');
};

subtest 'a count that is too old is none' => sub {
    is_deeply(fcall('counted', 'team', 2, 0), ['ok'], 'one of no duration');
    ok(wait_until { audience('team', 'ada', 2) eq 'group 4: ' }, 'it is gone');
};

subtest 'when the clock of Redis was set back' => sub {
    my $later = $redis->call('TIME')->[0] * 1000 + 3 * EVERY;

    is(audience('team', 'ada', 2), 'group 4: ', 'a count is wanted');
    $redis->call('ZADD', prefix('team') . 'counts', $later, base('team'));
    is(due(), 'ok team', 'it is due all the same');
    is(due(), 'ok', 'once');
    is_deeply(fcall('counted', 'team', 3, EVERY), ['ok'], 'it is counted');
    is(audience('team', 'ada', 2), 'group 4 3: ', 'which is told');
    $redis->call('HSET', base('team') . ':online', 'at', $later);
    is(audience('team', 'ada', 2), 'group 4: ', 'one of later is none');
};

subtest 'what nobody wants any more is not counted' => sub {
    $redis->call('ZADD', prefix('team') . 'counts', 1, base('team'));
    is(due(), 'ok team', 'it is wanted');

    $redis->call('ZADD', prefix('team') . 'counts', 1, base('team'));
    $redis->call('HSET', base('team') . ':online', 'until', 1);
    is(due(), 'ok', 'it is not');
    is_deeply($redis->call('KEYS', base('team') . ':online'), [],
              'it is forgotten');
    is($redis->call('ZCARD', prefix('team') . 'counts'), 0, 'all of it');
    is_deeply(fcall('counted', 'team', 2, EVERY), ['ok'], 'a late count');
    is_deeply($redis->call('KEYS', base('team') . ':online'), [],
              'changes nothing');
};

subtest 'so many are counted, and no more' => sub {
    my $key = prefix('team') . 'counts';
    my ($now) = @{ $redis->call('TIME') };

    $redis->call('ZADD', $key, map { ("${now}000", base("x$_")) } 1 .. 1000);

    my $answer = fcall('audience', 'team', 'ada', 2);
    is("@$answer[0, 1]", 'error unavailable', 'one more is refused');
    ok($answer->[3] > 0, 'for a while');

    $redis->call('ZADD', $key, 'XX', 1, base('x7'));
    is(audience('team', 'ada', 2), 'group 4: ',
       'the place of one that is long due can be had');
    is(due(limit => 10), 'ok', 'ten are looked at in a call');
    is($redis->call('ZCARD', $key), 990, 'and gone, since nobody wants them');
};

subtest 'only while the partition is open' => sub {
    is(due(identity => 'another'), 'closed', 'counts');
    is_deeply($redis->call('FCALL', 'chat_v1_counted', 2, prefix('team'),
                           base('team'), 'another', PARTITIONS, 1, EVERY),
              ['closed'], 'counted');
    is_deeply($redis->call('FCALL', 'chat_v1_audience', 2, prefix('team'),
                           base('team'), 'another', PARTITIONS, 'ada', 10),
              ['closed'], 'audience');
};

done_testing;
