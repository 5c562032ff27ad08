# The list of conversations is of all partitions, whoever holds them: it waits
# for what others have to store.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant ROOMS => 24;

my $chat = ChatTest->new(workers => 1,
                         location => 'chat_request_timeout 1m;');
$chat->start;

my $ada = $chat->connect(user => 'ada');
my $bob = $chat->connect(user => 'bob');
my $second = $chat->command('second', 'chat-persist')->start;
my %said;


sub holders () {
    return split /\n/, $chat->psql('SELECT holder FROM chat.partition
                                    WHERE holder IS NOT NULL
                                    GROUP BY holder ORDER BY count(*)');
}


# what bob has not read, by conversation, as the list tells it

sub listed () {
    my $list = $bob->insist('conversation.list', { limit => 200 });

    return { map {
        $_->{conversation}{conversationId} => $_->{unread}
    } @{ $list->{items} } };
}


sub say_all ($n) {
    for my $id (sort keys %said) {
        $ada->insist('message.send', { conversationId => $id,
                                       content => 'hello' }) for 1 .. $n;
        $said{$id} += $n;
    }

    return;
}


# half of the partitions go to the second one

wait_until { holders() == 2 };

for (1 .. ROOMS) {
    my $made = $ada->insist('conversation.create', {
        type => 'group', members => ['bob'],
    });
    $said{ $made->{conversationId} } = 0;
}

subtest 'what two have stored is in one list' => sub {
    is(holders(), 2, 'two hold partitions');

    for my $round (1 .. 10) {
        say_all(1);
        is_deeply(listed(), \%said, "round $round: at once");
    }
};

subtest 'what one of them has not stored is waited for' => sub {
    my $pid = $second->{pid};

    is(holders(), 2, 'two hold partitions');
    kill STOP => $pid;
    say_all(2);
    is_deeply(listed(), \%said, 'until another takes over');
    kill CONT => $pid;
    say_all(1);
    is_deeply(listed(), \%said, 'and again when it is back');
};

$second->end;

done_testing;
