# Redis comes back empty, or as an older copy of itself.  What PostgreSQL has
# stays; revisions never repeat; who had seen what was lost starts over, and
# nobody else.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);

use ChatTest;

my $chat = ChatTest->new(workers => 2);
$chat->start;
$chat->create($_) for qw(lobby hall);

my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob', node_other_than => $alice);
my $files = $chat->directory . '/appendonlydir';


sub say_again ($client, $content) {
    return $client->insist('message.send', {
        conversationId  => 'lobby',
        clientMessageId => uuid(),
        content         => $content,
    });
}


$_->join('lobby') for $alice, $bob;
$alice->say('lobby', "stored $_") for 1 .. 3;
$bob->hear('lobby') for 1 .. 3;
$chat->wait_stored;

my $stored = $alice->join('lobby')->{revision};

subtest 'a Redis that comes back empty, with everything stored' => sub {
    $chat->kill('redis');
    remove_tree($files);
    $chat->restart('redis');
    $chat->wait_ready;

    my $sent = say_again($alice, 'goes on');
    is($sent->{sequenceNumber}, 4, 'numbers go on');
    cmp_ok($sent->{revision}, '>', $stored, 'revisions grow');
    is($bob->hear('lobby')->{content}, 'goes on', 'bob hears it');

    my @types = $bob->unexpected;
    is_deeply(\@types, [], 'and need not start over: he had seen no more');
};

subtest 'history and resume have everything that was stored' => sub {
    my $carol = $chat->connect(user => 'carol');

    is_deeply([map { $_->{content} }
                   @{ $carol->history('lobby')->{messages} }],
              ['stored 1', 'stored 2', 'stored 3', 'goes on'], 'history');

    my $join = $carol->join('lobby', $stored);
    ok(!$join->{reset}, 'a client that knew the stored part resumes');
    is_deeply([map { $_->{data}{content} } @{ $join->{events} }],
              ['goes on'], 'with what came after');
};

# From here on a loss: what is said while chat-persist is away exists in Redis
# alone.

# More sessions than a node looks after at once.

my ($before, $lost);
my @crowd = map { $chat->connect(user => "crowd-$_") } 1 .. 200;

subtest 'a Redis that comes back empty, with something not stored' => sub {
    $chat->wait_stored;
    $before = $alice->join('lobby')->{revision};

    my $dave = $chat->connect(user => 'dave');
    $dave->join('hall');

    $_->join('lobby') for @crowd;
    $chat->kill('persist');
    $lost = $alice->say('lobby', 'lost')->{revision};
    $_->hear('lobby') for $bob, @crowd;
    $chat->kill('redis');
    remove_tree($files);
    $chat->restart($_) for qw(redis persist);
    $chat->wait_ready;

    is($_->expect('conversation.reset')->{conversationId}, 'lobby',
       'who had seen it is told to start over')
        for $alice, $bob, $crowd[0];
    (pop @crowd)->disconnect for 1 .. 20;
    $_->expect('conversation.reset') for @crowd[1 .. $#crowd];
    is_deeply([$dave->unexpected], [], 'who had not, is not');
};

subtest 'after the loss it goes on, and no revision comes twice' => sub {
    $_->join('lobby') for $alice, $bob;

    my $sent = $alice->say('lobby', 'after');
    cmp_ok($sent->{revision}, '>', $lost, 'beyond those that were lost');
    is($bob->hear('lobby')->{content}, 'after', 'bob hears it');

    my @heard = grep { $_->hear('lobby')->{content} eq 'after' } @crowd;
    is(@heard, @crowd, 'and so does everybody who did not ask to join');
    is_deeply([map { $_->unexpected } @crowd], [], 'once');
    @crowd = ();
};

subtest 'a client that was away is judged by what it had seen' => sub {
    my $erin = $chat->connect(user => 'erin');

    ok($erin->join('lobby', $lost)->{reset}, 'what was lost: a reset');
    ok(!$erin->join('lobby', 0)->{reset}, 'nothing: no reset');

    my $join = $erin->join('lobby', $before);
    ok(!$join->{reset}, 'what was stored: no reset');
    is_deeply([map { $_->{data}{content} } @{ $join->{events} }], ['after'],
              'and the events since');
};

subtest 'a Redis that comes back as an older copy' => sub {
    my $copy = $chat->directory . '/copy';

    $chat->wait_stored;
    $chat->kill('redis', 'TERM');
    system('cp', '-a', $files, $copy) == 0 or die 'cp failed';
    $chat->restart('redis');
    $chat->wait_ready;

    my @said = map { say_again($alice, "newer $_") } 1 .. 3;
    $chat->wait_stored;
    $chat->kill('redis');
    remove_tree($files);
    rename $copy, $files or die "rename failed: $!";
    $chat->restart('redis');
    $chat->wait_ready;

    my $sent = say_again($alice, 'newest');
    is($sent->{sequenceNumber}, $said[-1]{sequenceNumber} + 1,
       'numbers go on after what was stored');
    cmp_ok($sent->{revision}, '>', $said[-1]{revision}, 'and so do revisions');

    my @heard = map { $bob->hear('lobby')->{content} } 1 .. 4;
    is_deeply(\@heard, ['newer 1', 'newer 2', 'newer 3', 'newest'],
              'bob has heard everything, once');
};

subtest 'in the end PostgreSQL has every message but the lost one' => sub {
    $chat->wait_stored;
    is($chat->psql(<<~'END'), <<~'END' =~ s/\n\z//r, 'in their order');
        SELECT content #>> '{}' FROM chat.message ORDER BY sequence
        END
        stored 1
        stored 2
        stored 3
        goes on
        after
        newer 1
        newer 2
        newer 3
        newest
        END
};

done_testing;
