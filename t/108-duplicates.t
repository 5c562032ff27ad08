# A message is sent again under its id: at once or late, when Redis has long
# forgotten it, on any node, many times in parallel, when it was edited or
# deleted meanwhile.  The answer is the first one, and there is one message.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);

use ChatTest;

use constant PARALLEL => 16;

my $chat = ChatTest->new(workers => 2,
                         location => 'chat_max_outstanding 1000;'
                                     . ' chat_request_timeout 1m;');
$chat->start;
$chat->create($_) for qw(lobby hall fast);

my $ada = $chat->connect(user => 'ada');
my $other = $chat->connect(user => 'ada', node_other_than => $ada);
my $bob = $chat->connect(user => 'bob');

# of every kind: of now, of long ago, and no UUIDv7
my %ids = (
    'now'            => uuid(),
    'a year ago'     => uuid(int(1000 * time) - 365 * 86_400_000),
    'UUIDv4'         => '7d5a1c2e-9b1f-4c3a-8d2e-5f6a7b8c9d0e',
    'upper case'     => uc uuid(),
    'a number'       => '1',
    '64 characters'  => 'x/~"' x 16,
);
my %first;


sub said ($client, $id, $where = 'lobby') {
    return $client->request('message.send', {
        conversationId => $where, clientMessageId => $id, content => 'x',
    });
}


sub count ($where = 'lobby') {
    return $ada->join($where)->{sequenceNumber};
}


# that each id gets its first answer, from either node, and that nothing is new

sub again_ok ($title) {
    my $before = count();

    for my $kind (sort keys %ids) {
        my $expected = encode({ %{ $first{$kind} }, duplicate => \1 });

        is(encode(said($_, $ids{$kind})), $expected, "$title: $kind")
            for $ada, $other;
    }

    is(count(), $before, 'no message more');

    return;
}


# the same from both nodes, many times, with nothing waited for

sub parallel_ok ($title) {
    my $before = count();

    for my $kind (sort keys %ids) {
        my @open = map {
            my $client = $_ % 2 ? $ada : $other;

            [$client, $client->post('message.send', {
                conversationId  => 'lobby', content => "try $_",
                clientMessageId => $ids{$kind},
            })];
        } 1 .. PARALLEL;

        my @ids = map { $_->[0]->reply($_->[1])->{data}{id} // 'none' } @open;

        is_deeply(\@ids, [($first{$kind}{id}) x PARALLEL], "$title: $kind");
    }

    is(count(), $before, 'no message more');

    return;
}


# so many more ids that Redis, which keeps 1,024, forgets those before

sub many_more ($where = 'lobby') {
    for (1 .. 12) {
        my @open = map {
            $bob->post('message.send', {
                conversationId => $where, clientMessageId => uuid(),
                content        => 'more',
            })
        } 1 .. 100;

        $_->{ok} or die encode($_->{error}) for map { $bob->reply($_) } @open;
    }

    $chat->wait_stored;

    return;
}


# Redis comes back without anything, after all was stored

sub empty_redis () {
    $chat->wait_stored;
    $chat->kill('redis');
    remove_tree($chat->directory . '/appendonlydir');
    $chat->restart('redis');
    $chat->wait_ready;
    wait_until { $ada->reply($ada->post('conversation.join',
                     { conversationId => 'lobby' }))->{ok} } 20;

    return;
}


$first{$_} = said($ada, $ids{$_}) for sort keys %ids;

subtest 'at once' => sub {
    again_ok('again');
    parallel_ok('in parallel');
};

subtest 'an id belongs to its sender and conversation' => sub {
    for my $kind (sort keys %ids) {
        my $by_bob = said($bob, $ids{$kind});
        my $in_hall = said($ada, $ids{$kind}, 'hall');

        ok(!$by_bob->{duplicate}, "$kind: of another");
        ok(!$in_hall->{duplicate}, 'elsewhere');
        is(said($bob, $ids{$kind})->{id}, $by_bob->{id}, 'which have theirs');
        is(said($ada, $ids{$kind}, 'hall')->{id}, $in_hall->{id}, 'as well');
    }
};

subtest 'when Redis has forgotten the ids' => sub {
    many_more();
    again_ok('forgotten');
    parallel_ok('in parallel');
};

subtest 'when Redis has lost everything' => sub {
    empty_redis();
    parallel_ok('at first in parallel');
    again_ok('lost');
};

subtest 'a clock that is fast' => sub {
    my @fast = map { uuid(int(1000 * time) + $_) } 360_000, 3_600_000;
    my %id = map { $_ => said($ada, $_, 'fast')->{id} } @fast;
    my $again = sub ($title) {
        is(said($other, $_, 'fast')->{id}, $id{$_}, $title) for @fast;
        ok(!said($other, $_, 'fast')->{duplicate}, 'a new one is new')
            for uuid(), uuid(int(1000 * time) + 1_800_000);
    };

    $again->('at once');
    many_more('fast');
    $again->('when Redis has forgotten it');
    empty_redis();
    $again->('when Redis has lost it');
};

subtest 'new ids are new all the same' => sub {
    my @new = (uuid(), uuid(1_600_000_000_000), 'new', 'X' x 64);

    ok(!said($ada, $_)->{duplicate}, $_) for @new;
    ok(said($other, $_)->{duplicate}, 'and then not any more') for @new;
};

subtest 'in parallel before there is a first' => sub {
    empty_redis();

    for my $id ('first-try', uuid(), uuid(1_500_000_000_000)) {
        my $before = count();
        my @open = map {
            my $client = $_ % 2 ? $ada : $other;

            [$client, $client->post('message.send', {
                conversationId => 'lobby', clientMessageId => $id,
                content        => "try $_",
            })];
        } 1 .. PARALLEL;
        my @answers = map { $_->[0]->reply($_->[1])->{data} } @open;

        is(scalar(grep { !$_->{duplicate} } @answers), 1, "$id: one is new");
        is(scalar(grep { $_->{id} eq $answers[0]{id} } @answers), PARALLEL,
           'all have its id');
        is(count(), $before + 1, 'one message');
    }
};

subtest 'when the message was edited or deleted' => sub {
    my %message = (conversationId => 'lobby');

    $ada->request('message.edit', { %message, content => 'y',
                                    messageId => $first{now}{id} });
    $ada->request('message.delete', { %message,
                                      messageId => $first{$_}{id} })
        for 'UUIDv4', 'a year ago';

    again_ok('changed');
    many_more();
    again_ok('changed and forgotten');
    empty_redis();
    again_ok('changed and lost');

    my ($deleted) = @{ $ada->history('lobby',
        afterSequence => $first{UUIDv4}{sequenceNumber} - 1,
        limit         => 1)->{messages} };
    ok($deleted->{deletedAt}, 'what is deleted stays deleted');
};

subtest 'a conversation made again knows no ids' => sub {
    my %hall = (conversationId => 'hall');
    my $root = $chat->connect(user => 'admin',
                              claims => { roles => ['admin'] });

    for (1 .. 2) {
        $root->request('conversation.delete', \%hall);
        empty_redis() if $_ == 2;
        $root->insist('conversation.create', { %hall, type => 'channel' });
        ok(!said($ada, $ids{$_}, 'hall')->{duplicate}, $_)
            for sort keys %ids;
        ok(said($ada, $ids{$_}, 'hall')->{duplicate}, 'and then it does')
            for sort keys %ids;
    }
};

subtest 'in PostgreSQL each is there once' => sub {
    $chat->wait_stored;
    is($chat->psql(<<~'END'), 0, 'no id twice');
        SELECT count(*) - count(DISTINCT (conversation_key, sender_id,
                                          client_id))
          FROM chat.message WHERE client_id IS NOT NULL
        END
};

done_testing;
