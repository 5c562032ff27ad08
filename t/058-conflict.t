# Making what exists already: the same again is given back, anything else is a
# conflict, for those too who may not see what is there.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers => 1);
$chat->start;

my @admins = map {
    $chat->connect(user => $_, claims => { roles => ['admin'] })
} qw(ada ben);


sub make ($client, %data) {
    return $client->request('conversation.create', \%data);
}


sub conflict_ok ($client, %data) {
    my $type = $data{type};
    my $error = $client->refused('conversation.create', \%data);

    is($error->{code}, 'conflict', "a $type is a conflict");

    return;
}


subtest 'an id that is taken by what one cannot see' => sub {
    make($admins[0], conversationId => 'secret', type => 'group');

    conflict_ok($admins[1], conversationId => 'secret', type => $_)
        for qw(group channel);
    is($admins[1]->refused('conversation.join',
                           { conversationId => 'secret' })->{code},
       'not_found', 'it still cannot be seen');
    ok($admins[0]->join('secret'), 'and is what it was');
};

subtest 'an id that is taken by what one can see' => sub {
    make($admins[0], conversationId => 'lobby', type => 'channel');

    conflict_ok($_, conversationId => 'lobby', type => 'group') for @admins;
};

subtest 'it is the same after Redis has forgotten it' => sub {
    $chat->wait_stored;

    for my $key (split /\n/, $chat->redis_cli('KEYS', '*/secret:*')) {
        $chat->redis_cli('DEL', $key);
    }

    conflict_ok($admins[1], conversationId => 'secret', type => 'group');
};

subtest 'the same id in another tenant is another conversation' => sub {
    my $elsewhere = $chat->connect(user => 'ada',
                                   claims => { tid => 'other',
                                               roles => ['admin'] });

    ok(make($elsewhere, conversationId => 'secret', type => 'group'),
       'it is made');
    is($elsewhere->join('secret')->{sequenceNumber}, 0, 'and joined');
};

done_testing;
