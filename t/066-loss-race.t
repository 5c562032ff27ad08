# Who had seen what was lost is told so at once, and nobody else is, whatever
# comes first: a join, or the look at what the others had seen.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);

use ChatTest;

my $chat = ChatTest->new(workers => 1);
$chat->start;
$chat->create($_) for qw(lobby hall);

my $files = $chat->directory . '/appendonlydir';
my $alice = $chat->connect(user => 'alice');
my $carol = $chat->connect(user => 'carol');
my $dave = $chat->connect(user => 'dave');

$dave->join('hall');


# says something that only Redis has, with chat-persist gone

sub say_what_is_lost () {
    $alice->join('lobby');
    $alice->say('lobby', 'stored');
    $alice->hear('lobby');
    $chat->wait_stored;

    $chat->kill('persist', 'TERM');
    $alice->say('lobby', 'lost');
    $alice->hear('lobby');

    return;
}


# whether every partition is open, as Redis has it; whoever looks at nginx's
# /readyz would make it work

sub all_open () {
    my @open = grep { $chat->redis_cli('HGET', $_, 'identity') }
        map { sprintf 'chat:{p%02d}:part', $_ } 0 .. 15;

    return @open == 16;
}


sub reset_ok ($client) {
    is($client->expect('conversation.reset')->{conversationId}, 'lobby',
       'who had seen what was lost is told to start over');
    is_deeply([$client->unexpected], [], 'once');

    return;
}


sub goes_on_ok (@clients) {
    $alice->join('lobby');
    $alice->say('lobby', 'goes on');
    is($_->hear('lobby')->{content}, 'goes on', 'it goes on') for @clients;

    return;
}


sub post_join ($client) {
    return $client->post('conversation.join', { conversationId => 'lobby' });
}


subtest 'everything is flushed, with all links alive' => sub {
    say_what_is_lost();
    $chat->redis_cli('FLUSHALL');
    $chat->start_part('persist');

    reset_ok($alice);
    is_deeply([$dave->unexpected], [], 'who had not seen it is not');
    goes_on_ok($alice);
};

# The worker stands still from before the partitions are open until the join is
# there to be read, so that the join is sent before the comparison is answered,
# or at once when the node has heard what is revoked, which comes first.

subtest 'a join overtakes the comparison' => sub {
    for (1 .. 3) {
        say_what_is_lost();
        $chat->kill('redis');
        remove_tree($files);
        $chat->restart('redis');
        wait_until { $chat->http(path => '/readyz')->body !~ /"down"/ };

        my ($worker) = $chat->workers;
        kill 'STOP', $worker;
        my $id = post_join($carol);
        $chat->start_part('persist');
        wait_until { all_open() };
        kill 'CONT', $worker;

        my $reply;

        wait_until {
            $reply = $carol->reply($id);
            return 1 if ($reply->{error}{code} // '') ne 'unavailable';
            $id = post_join($carol);
            return 0;
        };

        ok($reply->{ok}, 'who joins is served') or diag explain $reply;
        ok(!$reply->{data}{reset}, 'and has nothing to forget');

        reset_ok($alice);
        is_deeply([$carol->unexpected], [],
                  'who joined after the loss is not told');

        goes_on_ok($alice, $carol);
        $carol->leave('lobby');
    }
};

subtest 'who had not seen anything of it has nothing to forget' => sub {
    is_deeply([$dave->unexpected], [], 'dave, elsewhere, has heard nothing');
};

done_testing;
