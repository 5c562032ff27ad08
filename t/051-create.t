# Making conversations, and who may see them.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new;
$chat->start;

my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob');
my $eve = $chat->connect(user => 'eve');
my $admin = $chat->connect(user => 'root', claims => { roles => ['admin'] });


# that a conversation does not exist for a client

sub hidden_ok ($client, $id, $what) {
    my %data = (conversationId => $id);
    my %more = (
        'conversation.join' => {},
        'message.send'      => { content => 'x' },
        'history.get'       => {},
    );

    for my $type (sort keys %more) {
        is($client->refused($type, { %data, %{ $more{$type} } })->{code},
           'not_found', "$what: $type");
    }

    return;
}


subtest 'what was never made does not exist' => sub {
    hidden_ok($alice, 'nowhere', 'nowhere');
};

subtest 'a group is for its members' => sub {
    my $group = $alice->request('conversation.create', {
        type => 'group', name => 'Plans', members => ['bob'],
    });
    my $id = $group->{conversationId};

    like($id, qr/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}$/, 'its id');
    is($group->{type}, 'group', 'type');
    is($group->{name}, 'Plans', 'name');
    is($alice->join($id)->{role}, 'owner', 'who made it is its owner');
    is($bob->join($id)->{role}, 'member', 'the other a member');

    $bob->say($id, 'Here I am');
    is($alice->hear($id)->{content}, 'Here I am', 'they talk');
    hidden_ok($eve, $id, 'eve');
};

subtest 'the id of a group is chosen by administrators only' => sub {
    my %data = (conversationId => 'board', type => 'group',
                members => ['alice']);

    is($eve->refused('conversation.create', \%data)->{code}, 'forbidden',
       'not by users');
    is($admin->request('conversation.create', \%data)->{conversationId},
       'board', 'by an administrator');
    ok($alice->join('board'), 'and there it is');
    hidden_ok($eve, 'board', 'for members');
};

subtest 'a channel is open to all of its tenant' => sub {
    $admin->request('conversation.create',
                    { conversationId => 'news', type => 'channel' });

    $_->join('news') for $alice, $eve;
    $eve->say('news', 'Extra');
    is($alice->hear('news')->{content}, 'Extra', 'all may speak');
    is_deeply([$alice->unexpected], [], 'and nobody is told who is new');
    is($eve->join('news')->{role}, 'member', 'who spoke is a member');

    my $stranger = $chat->connect(user => 'alice', claims => { tid => 'x' });
    hidden_ok($stranger, 'news', 'another tenant');
};

subtest 'two users have one dm, whoever makes it' => sub {
    my $made = $alice->request('conversation.create',
                               { type => 'dm', members => ['bob'] });
    my $again = $bob->request('conversation.create',
                              { type => 'dm', members => ['alice'] });

    is($again->{conversationId}, $made->{conversationId}, 'the same');
    is($made->{type}, 'dm', 'type');

    $_->join($made->{conversationId}) for $alice, $bob;
    $alice->say($made->{conversationId}, 'Psst');
    is($bob->hear($made->{conversationId})->{content}, 'Psst', 'they talk');
    hidden_ok($eve, $made->{conversationId}, 'a third');
    hidden_ok($admin, $made->{conversationId}, 'an administrator');
};

subtest 'a dm is between two' => sub {
    for my $members ([], ['bob', 'eve']) {
        is($alice->refused('conversation.create',
               { type => 'dm', members => $members })->{code},
           'bad_request', encode($members));
    }
};

subtest 'an id that is taken is a conflict, unless it is the same' => sub {
    is($admin->refused('conversation.create', {
           conversationId => 'news', type => 'group',
       })->{code}, 'conflict', 'another type');
};

subtest 'a retry with the same clientId makes no second group' => sub {
    my %data = (type => 'group', clientId => uuid(), members => ['bob']);
    my @made = map { $alice->request('conversation.create', \%data) } 1 .. 2;

    is($made[1]{conversationId}, $made[0]{conversationId}, 'the same group');

    my $other = $bob->request('conversation.create', \%data);
    isnt($other->{conversationId}, $made[0]{conversationId},
         'another user\'s clientId is another');
};

subtest 'what was made is in PostgreSQL' => sub {
    wait_until {
        $chat->chatctl_must('conversation', 'show', 'news') =~ /channel/
    };
    pass('chatctl shows it');
};

done_testing;
