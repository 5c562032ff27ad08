# presence.get: who is there in a dm or group, how many in a conversation of
# many, nothing in a channel; and who is told of changes.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(time);

use ChatTest;
use ChatTest::Shown;

my $chat = ChatTest->new(
    workers => 1,
    http    => 'chat_presence_members 4; chat_presence_batch 6;',
    server  => 'location /none { chat_websocket on;'
               . ' chat_presence_conversations 0; }',
);
$chat->start;

my $seen = ChatTest::Shown->new($chat);

$chat->create('small', type => 'group', by => 'ada',
              members => [qw(bob cy dan)]);
$chat->create('middle', type => 'group', by => 'ada',
              members => [qw(bob cy dan eve)]);
$chat->create('big', type => 'group', by => 'ada',
              members => [qw(bob cy dan eve fay gus)]);

my $ada = $chat->connect(user => 'ada');
my $bob = $chat->connect(user => 'bob');
my $cy = $chat->connect(user => 'cy');


sub get ($client, $id, %o) {
    return $client->request('presence.get', { conversationId => $id, %o });
}


# "<online> of <size>: <user> <status> <last seen> <text>, ..."

sub told ($data) {
    my @members = map {
        join ' ', grep { defined } @$_{qw(userId status lastSeen text)}
    } sort { $a->{userId} cmp $b->{userId} } @{ $data->{members} // [] };

    return ($data->{online} // 'some') . " of $data->{size}: "
           . ($data->{members} ? join ', ', @members : 'none');
}


sub change ($client) {
    my $data = $client->expect('presence.changed');

    return join ' ', grep { defined } @$data{qw(userId status lastSeen text)};
}


subtest 'of few all are listed' => sub {
    $seen->see('ada', 'o');
    $seen->see('bob', 'a', 0, 'lunch');
    $seen->see('cy', 'f', 1000);
    $seen->see('dan', 'b');

    is(told(get($ada, 'small')),
       '3 of 4: ada online, bob away lunch, cy offline 1970-01-01T00:00:01.000Z, '
       . 'dan busy', 'as they are');
    is_deeply([grep { exists $_->{text} } @{ get($ada, 'small')->{members} }],
              [{ userId => 'bob', status => 'away', lastSeen => undef,
                 text => 'lunch' }], 'each with what there is of it');
    is($chat->connect(user => 'eve')
            ->refused('presence.get', { conversationId => 'small' })->{code},
       'not_found', 'a stranger is told of no such conversation');
};

subtest 'of more only those who are there' => sub {
    is(told(get($ada, 'middle')), '3 of 5: ada online, bob away lunch, dan busy',
       'as they are');
};

subtest 'one who is not loaded looks offline after a while' => sub {
    $seen->see('dan', '');
    $chat->create('loading', type => 'group', by => 'ada', members => ['gus']);
    $seen->see('gus', '');

    is(told(get($ada, 'loading')), '1 of 2: ada online, gus offline',
       'who is not loaded is waited for');

    # for two seconds: where the machine was busy for longer, once more

    my ($told, $began);

    wait_until {
        $seen->see('gus', '');
        $began = time;

        my $waits = $ada->post('presence.get', { conversationId => 'loading' });
        $bob->request('ping');
        $seen->see('gus', 'o');
        $told = told($ada->reply($waits)->{data});

        time - $began < 1.5;
    };
    is($told, '2 of 2: ada online, gus online', 'as long as that takes');
};

subtest 'who asks is told of changes' => sub {
    is($ada->refused('presence.get', { conversationId => 'small',
                                       subscribe => \1 })->{code},
       'conflict', 'who has joined');

    $_->join('small') for $ada, $bob, $cy;
    $seen->see('dan', 'b');

    is(told(get($_, 'small', subscribe => \1)),
       '3 of 4: ada online, bob away lunch, '
       . 'cy offline 1970-01-01T00:00:01.000Z, dan busy', 'first, how it is')
        for $ada, $bob;

    $seen->see('cy', 'o');
    is(change($_), 'cy online', 'then what changes') for $ada, $bob;

    $seen->see('bob', 'b');
    is(change($ada), 'bob busy', 'others are told of one');
    $seen->see('bob', 'a', 0, 'lunch');
    is(change($ada), 'bob away lunch', 'and again');
    is_deeply([grep { /presence/ } $bob->unexpected], [],
              'which is not told to oneself');

    my $before = $seen->reads;
    is(told(get($bob, 'small')),
       '4 of 4: ada online, bob away lunch, cy online, dan busy',
       'who asks again is told');
    is($seen->reads, $before, 'from what the node knows');

    get($bob, 'small', subscribe => \0);
    $seen->see('cy', 'b');
    is(change($ada), 'cy busy', 'until it is over');
    is_deeply([grep { /presence/ } $bob->unexpected, $cy->unexpected], [],
              'others are not');

    $ada->leave('small');
    $chat->metrics->{chat_presence_listeners} == 0
        or fail('nobody listens');
    is($chat->metrics->{chat_presence_conversations}, 0,
       'with the last one it ends');
    is($chat->metrics->{chat_presence_watched}, 0, 'nobody is watched');
};

subtest 'of more, once a second, and only the latest' => sub {
    $_->join('middle') for $ada, $bob;
    $bob->join('small');
    get($bob, 'small', subscribe => \1);
    get($ada, 'middle', subscribe => \1);

    my $since = time;

    for my $status (('o', 'a') x 10, 'b') {
        $seen->see('cy', $status);
        $bob->expect('presence.changed');       # it is known by now
    }

    my $told = 1;
    $told++ while change($ada) ne 'cy busy';
    cmp_ok($told, '<=', 2 + time - $since, 'so often, and then the latest');

    $seen->see('eve', 'f', 2000);
    is(change($ada), 'eve offline 1970-01-01T00:00:02.000Z', 'and the next');
    is_deeply([grep { /presence/ } $ada->unexpected, $bob->unexpected], [],
              'nothing else');
    $bob->leave('small');
};

subtest 'members come and go' => sub {
    my $dan = $chat->connect(user => 'dan');

    $dan->join('middle');
    get($dan, 'middle', subscribe => \1);

    $seen->see('fay', 'o');
    $ada->request('member.add', { conversationId => 'middle', userId => 'fay' });
    is(change($_), 'fay online', 'who comes is told') for $ada, $dan;

    $ada->request('member.remove', { conversationId => 'middle',
                                     userId => 'dan' });
    $dan->expect('member.left');
    $seen->see('fay', 'a');
    is(change($ada), 'fay away', 'who is left is told of');
    $seen->see('dan', 'o');
    $seen->see('fay', 'b');
    is(change($ada), 'fay busy', 'and not of who has gone');
    is_deeply([grep { /presence/ } $dan->unexpected], [],
              'who is told nothing either');
    is(told(get($ada, 'middle')),
       '4 of 5: ada online, bob away lunch, cy busy, fay busy',
       'so it is from then on');

    $ada->leave('middle');
    is($chat->metrics->{chat_presence_watched}, 0, 'nobody is watched');
};

subtest 'when nothing can be read' => sub {
    $seen->close;
    my $error = $ada->refused('presence.get', { conversationId => 'small' });
    is("$error->{code} $error->{retryAfter}", 'unavailable 2', 'that is told');

    $seen->close(0);
    like(told($ada->insist('presence.get', { conversationId => 'small' })),
         qr/of 4: ada online/, 'until it can be again');
};

subtest 'a session may listen to so many conversations' => sub {
    my $zero = $chat->connect(user => 'ada', path => '/none');

    $zero->join('small');
    is($zero->refused('presence.get', { conversationId => 'small',
                                        subscribe => \1 })->{code},
       'too_large', 'and no more');
    is($chat->limited('presence_conversations'), 1, 'which is counted');
    like(told(get($zero, 'small')), qr/of 4: ada/, 'it may still ask');
};

done_testing;
