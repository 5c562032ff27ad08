# chatctl verify: a conversation in which everything has happened is found
# good; each thing that is spoilt in Redis is found and told.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Verify qw(lived kinds);

use constant { DONE => 0, FAILED => 1, USAGE => 2, NOT_FOUND => 3,
               UNAVAILABLE => 4 };

my $chat = ChatTest->new(workers => 1);
$chat->start;

my ($user, $said) = lived($chat);


sub verify (@line) { return ChatTest::Verify::verify($chat, @line) }


subtest 'what is good is found good, at once' => sub {
    my ($code, $told) = verify('lobby');

    is($code, DONE, 'exit code');
    is_deeply($told->{faults}, [], 'no faults');
    is($told->{messages}, 13, 'messages');
    is($told->{redis}, 'compared', 'Redis');
};

subtest 'and when all is stored' => sub {
    $chat->wait_stored;
    is((verify($_))[0], DONE, $_) for qw(lobby square);
    like(($chat->chatctl('verify', 'lobby'))[1],
         qr/^lobby: 13 messages, revision \d+, Redis compared: ok$/,
         'for people');
};

subtest 'and while it is not stored' => sub {
    $chat->freeze('persist');
    $user->{bob}->say('lobby', "later $_") for 1 .. 5;
    $user->{bob}->request('message.delete', { conversationId => 'lobby',
                                            messageId => $said->[7]{id} });
    $user->{bob}->say('lobby', "last $_") for 1 .. 3;
    is((verify('lobby'))[0], DONE, 'exit code');
    $chat->thaw('persist');
    $chat->wait_stored;
};

subtest 'all of a tenant' => sub {
    my ($code, $told) = verify('--all');

    is($code, DONE, 'exit code');
    is_deeply([@$told{qw(conversations messages inRedis faulty)}],
              [2, 34, 2, 0], 'the summary');
    is((verify('--all', '--tenant', 'other'))[0], DONE, 'none is none');
};

subtest 'usage' => sub {
    is((verify(@$_))[0], USAGE, "@$_") for [], ['lobby', '--all'], ['a/b'];
    is((verify('nowhere'))[0], NOT_FOUND, 'not found');
    is((verify('lobby', '--tenant', 'other'))[0], NOT_FOUND,
       'nor in another tenant');
};

subtest 'what was deleted, and loaded since' => sub {
    $chat->create('attic');
    $user->{dan}->join('attic');
    $user->{dan}->say('attic', 'Boo');
    $chat->chatctl_must('conversation', 'delete', 'attic');
    $chat->wait_stored;

    for my $key (split /\n/, $chat->redis_cli('KEYS', '*/attic:*')) {
        $chat->redis_cli('DEL', $key);
    }

    is($user->{dan}->refused('conversation.join',
                           { conversationId => 'attic' })->{code},
       'not_found', 'it is not there');
    is((verify('attic'))[0], DONE, 'and nothing is wrong with that');
};


my ($p, $key) = split /\|/, $chat->psql("SELECT p, conversation_key
    FROM chat.conversation WHERE conversation_id = 'lobby'");
my $prefix = sprintf 'chat:{p%02d}:', $p;
my $base = "${prefix}c:default/lobby";
my $generation = 4294967296;


# what is spoilt is found; then all that Redis has of it is put back

my %redis = (
    'an event is gone from the middle' => ['hot_count hot_gap', sub {
        my @hot = $chat->redis_cli('XRANGE', "$base:hot", '-', '+')
            =~ /^(\d+-0)$/mg;
        $chat->redis_cli('XDEL', "$base:hot", $hot[-2]);
    }],
    'the last event is gone' => ['hot_count hot_gap', sub {
        my ($last) = split /\n/, $chat->redis_cli('XREVRANGE', "$base:hot",
                                                  '+', '-', 'COUNT', 1);
        $chat->redis_cli('XDEL', "$base:hot", $last);
    }],
    'where the history begins is not known' => ['hot_order', sub {
        $chat->redis_cli('HINCRBY', "$base:meta", 'hfrom', 2 * $generation);
        $chat->redis_cli('HINCRBY', "$base:meta", 'hfrom', 1);
    }],
    'it counts too few' => ['hot_count', sub {
        $chat->redis_cli('HINCRBY', "$base:meta", 'hn', -1);
    }],
    'the sequence is behind' => ['sequence', sub {
        $chat->redis_cli('HINCRBY', "$base:meta", 'seq', -1);
    }],
    'the revision is behind' => ['hot_order revision_ahead', sub {
        $chat->redis_cli('HINCRBY', "$base:meta", 'rev', -1);
    }],
    'another owner' => ['member_role owners', sub {
        $chat->redis_cli('HSET', "$base:members", 'bob', 'owner 21 21');
    }],
    'a client id is of another message' => ['client_id', sub {
        my ($field) = grep { /^cbob/ }
            split /\n/, $chat->redis_cli('HKEYS', "$base:ids");
        $chat->redis_cli('HSET', "$base:ids", $field,
            '1 3 01a2019a-571f-7203-a7e5-9201f63a5856 5 1-1 -');
    }],
    'another conversation' => ['key', sub {
        $chat->redis_cli('HSET', "$base:meta", 'key', uuid());
    }],
);

for my $what (sort keys %redis) {
    my ($kinds, $spoil) = @{ $redis{$what} };

    subtest "Redis: $what" => sub {
        $chat->redis_cli('COPY', "$base:$_", "kept:$_")
            for qw(meta members hot ids);
        $spoil->();

        my ($code, $told) = verify('lobby');
        is($code, FAILED, 'exit code');
        is(kinds($told), $kinds, 'what is told') or diag(explain($told));

        $chat->redis_cli('COPY', "kept:$_", "$base:$_", 'REPLACE')
            for qw(meta members hot ids);
        $chat->redis_cli('DEL', map { "kept:$_" } qw(meta members hot ids));
        is((verify('lobby'))[0], DONE, 'undone');
    };
}

subtest 'a log that lost what was not stored' => sub {
    $chat->freeze('persist');
    my $said = $user->{bob}->say('lobby', 'in vain');
    my ($entry) = split /\n/, $chat->redis_cli('XREVRANGE', "${prefix}log",
                                               '+', '-', 'COUNT', 1);
    my @fields = (split /\n/, $chat->redis_cli('XRANGE', "${prefix}log",
                                               $entry, $entry));
    $chat->redis_cli('XDEL', "${prefix}log", $entry);

    my ($code, $told) = verify('lobby');
    is($code, FAILED, 'exit code');
    is(kinds($told), 'event', 'what is told') or diag(explain($told));
    ok($told->{certain}, "that is certain");
    $chat->thaw('persist');
};

subtest 'what does not answer is told' => sub {
    $chat->kill('redis', 'TERM');
    is((verify('lobby'))[0], UNAVAILABLE, 'Redis');
};

done_testing;
