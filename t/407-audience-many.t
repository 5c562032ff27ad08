# Many sessions ask at once who is in a conversation of many members: all of them
# are answered, some in each turn of the loop.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Compress::Zlib qw(crc32);

use ChatTest;
use ChatTest::Redis;
use ChatTest::Shown;

use constant { PARTITIONS => 16, MEMBERS => 900, SESSIONS => 40 };

my $chat = ChatTest->new(workers => 1,
                         location => 'chat_request_timeout 60s;');
$chat->start;
$chat->create('hall', type => 'group', by => 'ada', members => ['gus']);

my $seen = ChatTest::Shown->new($chat);
my $redis = ChatTest::Redis->new($chat->{redis_socket});
my $base = sprintf 'chat:{p%02d}:c:default/hall',
    crc32('default/hall') % PARTITIONS;

$redis->call('HSET', "$base:members",
             map { ("member$_", 'member 0 0') } 1 .. MEMBERS);
$seen->see('ada', 'o');
$seen->see('gus', '');                  # for whom they all wait

my @sessions = map { $chat->connect(user => 'ada') } 1 .. SESSIONS;

$_->join('hall') for @sessions;

my %get = (conversationId => 'hall', subscribe => \1);
my @asked = map { $_->post('presence.get', \%get) } @sessions;

$seen->see('gus', 'b');

# who has waited too long is told of those who are known, or is to ask again

my @replies = map { $sessions[$_]->reply($asked[$_]) } 0 .. $#sessions;

is(scalar(grep { $_->{ok} || $_->{error}{code} eq 'unavailable' } @replies),
   SESSIONS, 'each is answered');

my @sizes = map { $_->insist('presence.get', \%get)->{size} } @sessions;

is_deeply(\@sizes, [(MEMBERS + 2) x SESSIONS], 'in the end all alike');

$seen->see('gus', 'a');
$_->expect('presence.changed', sub { $_->{status} eq 'away' }) for @sessions;
is($chat->metrics->{chat_presence_listeners}, SESSIONS, 'and listens');

done_testing;
