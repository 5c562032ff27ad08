# Members come and go while Redis is asked who is in a conversation: what it
# answers may be older than what was heard meanwhile, and is not believed then.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Monitor;
use ChatTest::Shown;

my $chat = ChatTest->new(workers => 1, proxied => 1,
                         redis_options => 'timeout=60s',
                         location => 'chat_request_timeout 60s;');
$chat->start;

my $monitor = ChatTest::Monitor->new($chat->{redis_socket});
my $seen = ChatTest::Shown->new($chat);
my $ada = $chat->connect(user => 'ada');
my $asked = 0;

$seen->see($_, 'o') for qw(ada bob cy dan);


# What Redis answers comes after what it publishes: the node has asked who is in
# the conversation, was answered, and has not heard that yet, while this is done.

sub overtake ($id, $ask, $do) {
    $chat->proxy->stall('redis', only => ':command$', way => 'down');
    $ask->();
    $monitor->await('audience', $id, ++$asked);
    $do->();
    $chat->proxy->heal('redis');

    return;
}


sub member ($verb, $id, $user) {
    $chat->chatctl_must('member', $verb, $id, $user);

    return $ada->expect($verb eq 'add' ? 'member.joined' : 'member.left');
}


sub change () {
    my $data = $ada->expect('presence.changed');

    return "$data->{userId} $data->{status}";
}


# who was told of, until it is this

sub told_until ($text) {
    my @told;

    push @told, change() while !@told || $told[-1] ne $text;

    return join ' ', map { s/ .*//r } @told;
}


sub names ($data) {
    return join ' ', sort map { $_->{userId} } @{ $data->{members} };
}


subtest 'who asks first' => sub {
    $chat->create('first', type => 'group', by => 'ada',
                  members => [qw(bob cy)]);
    $ada->join('first');

    my $get;

    overtake('first', sub {
        $get = $ada->post('presence.get', { conversationId => 'first',
                                            subscribe => \1 });
    }, sub {
        member('remove', 'first', 'cy');
        member('add', 'first', 'dan');
    });

    my $reply = $ada->reply($get);
    is(names($reply->{data}), 'ada bob dan', 'is told who is in it now');
    is($reply->{data}{size}, 3, 'and how many');

    $seen->see($_, 'b') for qw(cy dan);
    unlike(told_until('dan busy'), qr/cy/, 'who has come is told of');
    is_deeply([grep { /presence/ } $ada->unexpected], [], 'who has gone is not');
    $ada->leave('first');
};

subtest 'who listens' => sub {
    $asked = 0;
    $chat->create('later', type => 'group', by => 'ada',
                  members => [qw(bob cy)]);
    $ada->join('later');
    $ada->request('presence.get', { conversationId => 'later',
                                    subscribe => \1 });
    $asked++;

    overtake('later', sub { member('add', 'later', 'dan') },
             sub { member('remove', 'later', 'cy') });

    $seen->see($_, 'a') for qw(cy dan);
    unlike(told_until('dan away'), qr/cy/, 'is told of who has come');
    is_deeply([grep { /presence/ } $ada->unexpected], [],
              'but of who has gone nothing more');
};

subtest 'who comes back at once is in it' => sub {
    $asked = 0;
    $chat->create('back', type => 'group', by => 'ada', members => ['bob']);
    $ada->join('back');
    $chat->proxy->stall('redis', only => ':subscriber$', way => 'down');
    $chat->chatctl_must('member', $_, 'back', 'bob') for qw(remove add);

    my $get = $ada->request('presence.get', { conversationId => 'back',
                                              subscribe => \1 });
    is(names($get), 'ada bob', 'says Redis');
    $chat->proxy->heal('redis');
    $ada->expect("member.$_") for qw(left joined);

    $seen->see('bob', 'b');
    is(change(), 'bob busy', 'and the events that come later change nothing');
    $monitor->await('audience', 'back', 1);
    is($monitor->count('audience', 'back'), 1, 'Redis is not asked again');
};

done_testing;
