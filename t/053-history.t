# Older messages, page by page.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new;
$chat->start;
$chat->create('lobby');

my $alice = $chat->connect(user => 'alice');


# the numbers of the messages on a page, and whether it is the last

sub page ($client, %range) {
    my $page = $client->history('lobby', %range);

    return [map { $_->{sequenceNumber} } @{ $page->{messages} }],
        $page->{complete} ? 1 : 0;
}


# what both from Redis and from PostgreSQL must be so

sub pages_ok ($client, $last) {
    is_deeply([page($client, limit => 3)], [[$last - 2 .. $last], 0],
              'the latest');
    is_deeply([page($client, limit => 3, beforeSequence => 6)],
              [[3 .. 5], 0], 'before one');
    is_deeply([page($client, limit => 3, beforeSequence => 4)],
              [[1 .. 3], 1], 'to the first');
    is_deeply([page($client, limit => 5, beforeSequence => 4)],
              [[1 .. 3], 1], 'fewer than asked for');
    is_deeply([page($client, beforeSequence => 1)], [[], 1], 'none before 1');
    is_deeply([page($client, limit => 3, afterSequence => 0)],
              [[1 .. 3], 0], 'from the first');
    is_deeply([page($client, limit => 3, afterSequence => 4)],
              [[5 .. 7], 0], 'after one');
    is_deeply([page($client, limit => 5, afterSequence => $last - 2)],
              [[$last - 1, $last], 1], 'to the last');
    is_deeply([page($client, afterSequence => $last)], [[], 1],
              'none after the last');

    return;
}


subtest 'a conversation without messages has an empty history' => sub {
    is_deeply([page($alice)], [[], 1], 'no messages, and complete');
};

my @said = $alice->say_all('lobby', map { "number $_" } 1 .. 10);

subtest 'history of late is in Redis' => sub {
    pages_ok($alice, 10);
};

subtest 'a message in history is as it was live' => sub {
    my $bob = $chat->connect(user => 'bob');

    $bob->join('lobby');
    $alice->say('lobby', 'Listen', 'client-id');
    is_deeply($alice->history('lobby', limit => 1)->{messages}[0],
              $bob->hear('lobby'), 'every member of it');
};

$alice->say_all('lobby', map { "number $_" } 12 .. 600);

subtest 'older history is in PostgreSQL' => sub {
    $chat->wait_stored;
    $alice->say_all('lobby', map { "number $_" } 601 .. 640);
    pages_ok($alice, 640);
};

subtest 'a page has 50 messages unless told, and 200 at the most' => sub {
    is_deeply([page($alice)], [[591 .. 640], 0], '50 of late');
    is_deeply([page($alice, beforeSequence => 100)], [[50 .. 99], 0],
              '50 of old');
    is_deeply([page($alice, limit => 200, afterSequence => 0)],
              [[1 .. 200], 0], '200 of the first');

    for my $limit (0, 201) {
        is($alice->refused('history.get', { conversationId => 'lobby',
                                            limit => $limit })->{code},
           'bad_request', "not $limit");
    }
};

subtest 'the whole is read page by page' => sub {
    my ($before, @all);

    while (1) {
        my $page = $alice->history('lobby', limit => 97, defined $before
                                   ? (beforeSequence => $before) : ());

        unshift @all, @{ $page->{messages} };
        last if $page->{complete};
        $before = $all[0]{sequenceNumber};
    }

    is_deeply([map { $_->{sequenceNumber} } @all], [1 .. 640], 'no gap');
    is_deeply([map { $_->{content} } @all[0 .. 9]],
              [map { "number $_" } 1 .. 10], 'and the right content');
};

subtest 'large messages make short pages' => sub {
    $alice->say_all('lobby', map { 'x' x 60_000 } 1 .. 10);

    my ($numbers, $complete) = page($alice, limit => 10);
    cmp_ok(@$numbers, '<', 10, 'fewer than asked for');
    is($numbers->[-1], 650, 'the latest of them');
    is($complete, 0, 'and there is more');
};

subtest 'chatctl prints it too' => sub {
    $chat->wait_stored;

    my @lines = split /\n/, $chat->chatctl_must('history', 'lobby',
                                                '--limit', 2, '--json');
    is(@lines, 2, 'a line for each message');
    is(decode($lines[-1])->{sequenceNumber}, 650, 'the latest last');
};

done_testing;
