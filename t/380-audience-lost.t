# Redis has lost that somebody was put out of a conversation: who listens who is
# there is told of that member again, though no event says so.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);
use Time::HiRes qw(time);

use ChatTest;
use ChatTest::Monitor;
use ChatTest::Shown;

use constant BOUND => 30;       # s after which all see what is so

my $chat = ChatTest->new(workers => 1);
$chat->start;
$chat->create('team', type => 'group', by => 'ada', members => [qw(bob cy)]);

my $seen = ChatTest::Shown->new($chat);
my $monitor = ChatTest::Monitor->new($chat->{redis_socket});
my $ada = $chat->connect(user => 'ada');


# Redis comes back as it was when all was stored

sub lose ($what) {
    my $files = $chat->directory . '/appendonlydir';

    $chat->wait_stored;
    system('cp', '-a', $files, "$files.older") == 0 or die 'cp failed';
    $chat->kill('persist', 'TERM');
    $what->();

    $chat->kill('redis');
    remove_tree($files);
    rename "$files.older", $files or die "rename failed: $!";
    $chat->restart('redis');
    $chat->start_part('persist');

    return;
}


sub change () {
    my $data = $ada->expect('presence.changed');

    return "$data->{userId} $data->{status}";
}


$seen->see($_, 'o') for qw(ada bob cy);
$ada->join('team');
is($ada->insist('presence.get', { conversationId => 'team',
                                  subscribe => \1 })->{online}, 3,
   'all are there');

lose(sub {
    $chat->chatctl_must(qw(member remove team cy));
    is($ada->expect('member.left')->{userId}, 'cy', 'one is put out');
    $monitor->await('audience', 'team', 2);     # which Redis has told, too
});

is($ada->expect('conversation.reset')->{conversationId}, 'team',
   'that was lost');

my $since = time;

is(change(), 'cy online', 'who is in it again is told of');
cmp_ok(time - $since, '<', BOUND, 'soon');

ChatTest::Shown->new($chat)->see('cy', 'b');
is(change(), 'cy busy', 'from then on');

done_testing;
