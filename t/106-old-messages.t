# An edit, a deletion, a reaction, a reply may concern a message of any age:
# what Redis has forgotten of it is asked of PostgreSQL first.

use v5.36;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);

use ChatTest;

my $chat = ChatTest->new(
    workers  => 2,
    location => 'chat_request_timeout 1m; chat_max_reactions 3;',
    server   => <<~'END',
        location = /hasty {
            chat_websocket on;
            chat_request_timeout 500ms;
        }
        END
);
$chat->start;
$chat->create('lobby');

my $ada = $chat->connect(user => 'ada');
my $bob = $chat->connect(user => 'bob', node_other_than => $ada);


# everything that is stored stays, and Redis knows nothing of it

sub forget {
    $chat->wait_stored;
    $chat->kill('redis');
    remove_tree($chat->directory . '/appendonlydir');
    $chat->restart('redis');
    $chat->wait_ready;

    return;
}


sub about ($message, %more) {
    return { conversationId => 'lobby', messageId => $message->{id}, %more };
}


sub react ($client, $message, $emoji) {
    return $client->insist('reaction.add',
                           about($message, emoji => $emoji))->{revision};
}


my @old = map {
    $ada->request('message.send', {
        conversationId => 'lobby', content => "number $_",
        clientMessageId => "old-$_", mentions => ['bob'],
    })
} 0 .. 7;

react($ada, $old[1], '👍');
react($bob, $old[1], '👍');
$ada->request('message.delete', about($old[7]));
$bob->join('lobby');

subtest 'an old message is edited' => sub {
    forget();
    $ada->insist('message.edit', about($old[0], content => 'edited'));

    my $edited = $bob->expect('message.updated');

    is($edited->{content}, 'edited', 'it is heard');
    is($edited->{sequenceNumber}, 1, 'in its place');
    is_deeply($edited->{mentions}, ['bob'], 'with all that belongs to it');
    is($edited->{clientMessageId}, 'old-0', 'and its own id');
    is_deeply($bob->history('lobby', limit => 1, afterSequence => 0)
                  ->{messages}, [$edited], 'so it is in history');
};

subtest 'old reactions count' => sub {
    forget();

    my $revision = react($bob, $old[1], '👍');

    is(react($ada, $old[1], '👍'), $revision, 'what is there is not new');
    react($bob, $old[1], '🎉');
    is($bob->refused('reaction.add', about($old[1], emoji => 'x'))->{code},
       'too_large', 'the limit is for all together');
    is($bob->expect('reaction.added')->{emoji}, '🎉', 'one is heard');
    is_deeply([$bob->unexpected], [], 'one only');
};

subtest 'rights are those of the old author' => sub {
    forget();
    $bob->insist('history.get', { conversationId => 'lobby' });
    is($bob->refused('message.edit', about($old[2], content => 'x'))->{code},
       'forbidden', 'bob does not edit what ada said');
    is($bob->refused('message.delete', about($old[2]))->{code}, 'forbidden',
       'nor delete it');
};

subtest 'one may reply to an old message, under an old id' => sub {
    forget();

    # needs the conversation, the client id and the message, one by one
    my %request = (
        conversationId => 'lobby', clientMessageId => 'not-a-uuid',
        content => 'a late answer', replyTo => $old[3]{id},
    );
    my $first = $bob->insist('message.send', \%request);

    is($bob->hear('lobby')->{replyTo}, $old[3]{id}, 'it is heard');
    forget();
    is($bob->insist('message.send', \%request)->{id}, $first->{id},
       'a retry finds the first');
};

subtest 'what is not there is not found' => sub {
    forget();
    $bob->insist('history.get', { conversationId => 'lobby' });
    is($ada->refused('message.edit',
                     about({ id => uuid() }, content => 'x'))->{code},
       'not_found', 'an id that nobody has seen');
    is($ada->refused('message.edit', about($old[7], content => 'x'))->{code},
       'not_found', 'a message that is deleted');
    cmp_ok($ada->request('message.delete', about($old[7]))->{revision}, '>',
           0, 'which may be deleted again');
    is($ada->refused('message.send', {
        conversationId => 'lobby', content => 'x', replyTo => $old[7]{id},
    })->{code}, 'not_found', 'but not replied to');
    is_deeply([$bob->unexpected], [], 'nobody hears of any of this');
};

subtest 'many at once are answered in order' => sub {
    forget();

    my @ids = map {
        $ada->post('message.edit', about($old[$_], content => "new $_"))
    } 2 .. 6;
    my @revisions = map { $ada->reply($_)->{data}{revision} } @ids;

    is_deeply([sort { $a <=> $b } @revisions], \@revisions, 'by revision');
    is_deeply([map { $bob->expect('message.updated')->{content} } @ids],
              [map { "new $_" } 2 .. 6], 'and so they are heard');
};

subtest 'an old message is deleted' => sub {
    forget();
    $ada->insist('message.delete', about($old[1]));
    is($bob->expect('message.deleted')->{sequenceNumber}, 2, 'it is heard');
    $chat->wait_stored;
    is($chat->psql("SELECT count(*) FROM chat.message WHERE content::text
                    LIKE '%number 1%'"), 0, 'its content is gone');
    is($chat->psql('SELECT count(*) FROM chat.reaction'), 0,
       'and all reactions with it');
};

subtest 'while PostgreSQL cannot be asked it is unavailable' => sub {
    forget();
    $bob->insist('history.get', { conversationId => 'lobby' });
    $chat->freeze('persist');

    my $hasty = $chat->connect(user => 'ada', path => '/hasty');
    my $error = $hasty->refused('message.edit',
                                about($old[4], content => 'y'));

    is($error->{code}, 'unavailable', 'a message that Redis does not know');
    is($error->{retryAfter}, 1, 'for now');
    is($ada->say('lobby', 'goes on', uuid())->{duplicate}, JSON::PP::false,
       'what needs nothing goes on');
    $chat->thaw('persist');
    $ada->insist('message.edit', about($old[4], content => 'z'));
    is($bob->expect('message.updated')->{content}, 'z', 'later it works');
};

done_testing;
