# chat-persist stores many events in one transaction, a statement for each kind
# of them.  What the tables hold in the end must be what the events would have
# left one by one, wherever the transactions begin and end.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Compress::Zlib qw(crc32);

use ChatTest;
use ChatTest::Log;
use ChatTest::Redis;

use constant { PARTITIONS => 3, ROUNDS => 4, OPERATIONS => 2000 };

my $chat = ChatTest->new(partitions => PARTITIONS);
$chat->start_part($_) for qw(redis postgres);
$chat->chatctl_must('migrate');
$chat->start_part('persist');

my $redis = ChatTest::Redis->new("$chat->{redis_socket}");

wait_until {
    !grep {
        !$redis->call('HEXISTS', sprintf('chat:{p%02d}:part', $_), 'identity')
    } 0 .. PARTITIONS - 1;
};
$chat->kill('persist', 'TERM');

my $seed = $ENV{SEED} // int rand 1e6;
my $log = ChatTest::Log->new;
my @users = map { "u$_" } 1 .. 5;
my @rooms = map { "room$_" } 1 .. 4;
my %messages;

note "seed $seed";
srand $seed;


sub any (@of) { return $of[rand @of] }


# FCALL of append, as a node makes it: what the events say does not matter here

sub append ($room, $request, $user, @arguments) {
    my $prefix = sprintf 'chat:{p%02d}:', crc32("default/$room") % PARTITIONS;
    my $identity = $redis->call('HGET', "${prefix}part", 'identity');

    return ['FCALL', 'chat_v1_append', 2, $prefix,
            "${prefix}c:default/$room", $identity, PARTITIONS, $request,
            $user, int(1000 * time), @arguments];
}


sub make_room ($room) {
    my @members = map { $_ => any(qw(owner admin member member)) } @users;

    $messages{$room} = [];

    return append($room, 'conversation.create', any(@users),
                  any(qw(channel channel group)), "Name of $room", uuid(), 1,
                  '{"type":"conversation.created","data":{',
                  'root', 'owner', @members[0 .. 1 + 2 * int rand 4]);
}


sub send_message ($room) {
    my $id = uuid();
    my $client = rand() < 0.5 ? uuid() : '';
    my $rich = rand() < 0.3;
    my @mentioned = grep { rand() < 0.4 } @users;

    push @{ $messages{$room} }, $id;

    return append($room, 'message.send', any(@users), $client,
                  $client ? int(1000 * time) : '', $id, '{"id":"' . $id . '",',
                  '"text ' . rand() . '"', ',',
                  $rich && rand() < 0.5 ? any(@{ $messages{$room} }) : '',
                  $rich ? join(',', @mentioned) : '',
                  $rich && rand() < 0.5 ? '[{"id":"a1"}]' : '');
}


# on a message of late, so that much happens to few

sub on_message ($room, $request, @arguments) {
    my @ids = reverse @{ $messages{$room} };

    return if !@ids;

    return append($room, $request, any(@users, '', ''),
                  $ids[@ids * rand() ** 3], @arguments);
}


my %operations = (
    sends   => [8, \&send_message],
    edits   => [4, sub ($room) {
        on_message($room, 'message.edit', '"edit ' . rand() . '"', '')
    }],
    deletes => [1, sub ($room) {
        on_message($room, 'message.delete', '{')
    }],
    reacts  => [6, sub ($room) {
        on_message($room, 'reaction.add', any(qw(+1 -1)), '{', 50)
    }],
    undoes  => [4, sub ($room) {
        on_message($room, 'reaction.remove', any(qw(+1 -1)), '{')
    }],
    adds    => [2, sub ($room) {
        append($room, 'member.add', any(@users, 'root'), any(@users),
               any(qw(member moderator)), '{', 100)
    }],
    changes => [3, sub ($room) {
        append($room, 'member.update', any(@users, 'root'), any(@users),
               any(qw(member admin moderator blocked)), '{', 100)
    }],
    removes => [2, sub ($room) {
        append($room, 'member.remove', any(@users, 'root'), any(@users), '{')
    }],
    updates => [1, sub ($room) {
        append($room, 'conversation.update', 'root', '{', 'name',
               'Name ' . int rand 5, 'readOnly', int rand 1.2)
    }],
    makes   => [1, \&make_room],
    ends    => [0.1, sub ($room) {
        append($room, 'conversation.delete', 'root', '{')
    }],
    marks   => [1, sub ($room) {
        my $call = append($room, '', any(@users), 'read', int rand 9, '{');
        splice @$call, 7, 1;
        $call->[1] = 'chat_v1_mark';
        $call
    }],
);

my @wheel = map { ($_) x (10 * $operations{$_}[0]) } sort keys %operations;


# one round: operations, and what they have left in the logs

sub run_round () {
    my %answers;
    my @commands;

    for (1 .. OPERATIONS) {
        push @commands, $operations{ any(@wheel) }[1]->(any(@rooms));
    }

    for ($redis->call_all(@commands)) {
        BAIL_OUT("Redis said: $$_") if ref $_ eq 'SCALAR';
        $answers{ $_->[0] }++;
    }

    note join ', ', map { "$_ $answers{$_}" } sort keys %answers;

    return;
}


# everything in the logs, also into the model

sub read_logs () {
    my $n = 0;

    for my $p (0 .. PARTITIONS - 1) {
        my $key = sprintf 'chat:{p%02d}:log', $p;

        for (@{ $redis->call('XRANGE', $key, '-', '+') }) {
            $log->take(@{ $_->[1] });
            $n++;
        }
    }

    return $n;
}


# but for the marks, which have a time of their own

sub rows_ok ($table) {
    my @rows = sort split /\n/, $chat->psql($log->select($table));
    my @expected = $log->rows($table);

    if ($table eq 'member') {
        s/^((?:[^|]*\|){3})\d+\|\d+/$1/ for @rows, @expected;
    }

    is_deeply(\@rows, \@expected, sprintf '%d rows of %s', scalar @expected,
              $table);

    return;
}


$redis->call_all(map { make_room($_) } @rooms);

for my $round (1 .. ROUNDS) {
    subtest "round $round" => sub {
        run_round();

        my $n = read_logs();
        cmp_ok($n, '>', OPERATIONS / 10, "$n events are in the logs");

        $chat->start_part('persist');

        # killed in the middle of it, every other time
        if ($round % 2) {
            wait_until { $chat->psql('SELECT count(*) FROM chat.message') };
            $chat->kill('persist');
            $chat->start_part('persist');
        }

        $chat->wait_stored(20);
        $chat->kill('persist', 'TERM');
        rows_ok($_) for $log->tables;
    };
}

subtest 'what is left of conversations that were deleted is erased' => sub {
    $chat->start_part('persist');
    wait_until { $chat->psql('SELECT count(*) FROM chat.erasure') eq '0' } 30;

    for my $table (qw(message member reaction mention)) {
        is($chat->psql(<<~"END"), 0, $table);
            SELECT count(*) FROM chat.$table t WHERE NOT EXISTS
            (SELECT FROM chat.conversation c WHERE deleted_at IS NULL
             AND c.conversation_key = t.conversation_key)
            END
    }

    is($chat->psql(<<~'END'), 0, 'versions');
        SELECT count(*) FROM chat.message_version v
        LEFT JOIN chat.message m ON m.p = v.p AND m.id = v.message_id
        WHERE m.id IS NULL OR m.deleted_at IS NOT NULL
        END
};

is($chat->psql('SELECT count(*) FROM chat.dead_letter'), 0, 'no dead letter');

done_testing;
