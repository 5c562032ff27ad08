# What version 0.1 left in Redis goes on: it is stored, forgotten and loaded
# again, and no number comes twice.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

# fields of meta that 0.1 did not know
use constant NEW => qw(desc ro slow owners last hn ihead);

my $chat = ChatTest->new(workers => 1,
                         location => 'chat_request_timeout 1m;');
$chat->start;
$chat->create('lobby', type => 'group', members => [qw(ada bob)]);

my $ada = $chat->connect(user => 'ada');
my $bob = $chat->connect(user => 'bob');
my $base = $chat->redis_cli('--raw', 'KEYS', '*/lobby:meta') =~ s/:meta\z//r;
my $revision;

$_->join('lobby') for $ada, $bob;
$ada->say('lobby', 'stored');
$chat->wait_stored;
$chat->kill('persist', 'TERM');
$revision = $ada->say('lobby', 'not stored yet')->{revision};
$bob->hear('lobby') for 1 .. 2;


# as it wrote the hash and the hot history

sub make_old () {
    my ($id) = $chat->redis_cli('XREVRANGE', "$base:hot", '+', '-', 'COUNT', 1)
               =~ /^(\d+)-0/;

    $chat->redis_cli('HDEL', "$base:meta", NEW);
    $chat->redis_cli('DEL', "$base:hot");
    $chat->redis_cli('XADD', "$base:hot", "$id-0", 'e', '{}', 'q', 2,
                     'l', '1-1');

    return;
}


make_old();

subtest 'nothing is done before it is stored' => sub {
    my $open = $ada->post('message.send', {
        conversationId => 'lobby', content => 'goes on',
    });

    wait_until { $chat->redis_cli('KEYS', '*:need') };
    is($chat->redis_cli('XLEN', $base =~ s/c:.*/log/r), 1,
       'the log is as it was');

    $chat->start_part('persist');
    my $reply = $ada->reply($open);

    ok($reply->{ok}, 'then a message is accepted');
    is($reply->{data}{sequenceNumber}, 3, 'as the next one');
    cmp_ok($reply->{data}{revision}, '>', $revision, 'and told as such');
    is($bob->hear('lobby')->{content}, 'goes on', 'bob hears it');
};

subtest 'all else is possible, too' => sub {
    my %lobby = (conversationId => 'lobby');
    my $admin = $chat->connect(user => 'admin');

    ok($admin->request('member.update',
                       { %lobby, userId => 'bob', role => 'moderator' }),
       'a role is given');
    ok($admin->request('conversation.update', { %lobby, slowMode => 5 }),
       'settings are changed');
    is_deeply([map { $_->{content} } @{ $bob->history('lobby')->{messages} }],
              ['stored', 'not stored yet', 'goes on'], 'history has all');
};

subtest 'PostgreSQL has each once' => sub {
    $chat->wait_stored;
    is($chat->psql(<<~'END'), "stored\nnot stored yet\ngoes on", 'in order');
        SELECT content #>> '{}' FROM chat.message ORDER BY sequence
        END
};

done_testing;
