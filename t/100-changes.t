# What can be done to a message: editing, deleting, reacting, replying.  Who
# may, what others hear, and what of it stays.

use v5.36;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers => 2, location => 'chat_max_reactions 4;');
$chat->start;
$chat->create('lobby');

# admin is its owner
my $admin = $chat->connect(user => 'admin');
my $ada = $chat->connect(user => 'ada');
my $bob = $chat->connect(user => 'bob', node_other_than => $ada);

$_->join('lobby') for $admin, $ada, $bob;


sub about ($message, %more) {
    return { conversationId => 'lobby', messageId => $message->{id}, %more };
}


# a message of ada's, as bob has heard it

sub said ($content, %more) {
    $ada->request('message.send',
                  { conversationId => 'lobby', content => $content, %more });

    return $bob->expect('message.created',
                        sub { $_->{content} eq $content });
}


sub in_history ($message) {
    my ($found) = grep { $_->{id} eq $message->{id} }
        @{ $bob->history('lobby')->{messages} };

    return $found;
}


sub react ($client, $message, $emoji, $how = 'add') {
    return $client->request("reaction.$how",
                            about($message, emoji => $emoji))->{revision};
}


my $first = said('Good mornig');
my $edited;

subtest 'an edited message is heard as it is now' => sub {
    my $id = $ada->post('message.edit', \sprintf(
        '{"conversationId":"lobby","messageId":"%s","content":%s}',
        $first->{id}, '{"type":"text","n":1.50, "t":"Good morning"}'));
    my $revision = $ada->reply($id)->{data}{revision};

    $edited = $bob->expect('message.updated');

    cmp_ok($revision, '>', $first->{revision}, 'a later revision');
    is(raw_member($bob->raw, 'content'),
       '{"type":"text","n":1.50, "t":"Good morning"}', 'every byte of it');
    like($edited->{editedAt}, qr/^20.*Z$/, 'and when');
    is_deeply($edited, { %$first, content => $edited->{content},
                         editedAt => $edited->{editedAt},
                         revision => $revision }, 'the rest is as it was');
    is_deeply($ada->expect('message.updated'), $edited, 'by its author too');
    is_deeply(in_history($first), $edited, 'so it is in history');
};

subtest 'only its author edits a message' => sub {
    for my $client ($bob, $admin) {
        my $error = $client->refused('message.edit',
                                     about($first, content => 'mine'));

        is($error->{code}, 'forbidden', "$error->{message}");
    }
};

subtest 'a reaction counts once per user and emoji' => sub {
    my $revision = react($ada, $first, '👍');

    is_deeply($bob->expect('reaction.added'), {
        conversationId => 'lobby', messageId => $first->{id},
        userId => 'ada', emoji => '👍', revision => $revision,
    }, 'others hear it');
    is(react($ada, $first, '👍'), $revision, 'again: nothing new');
    react($bob, $first, '🎉');
    react($bob, $first, '👍');
    $bob->expect('reaction.added') for 1 .. 2;
    is_deeply([$bob->unexpected], [], 'nothing more is heard');
    is_deeply(in_history($first), { %$edited, reactions => [
        { emoji => '👍', userIds => ['ada', 'bob'] },
        { emoji => '🎉', userIds => ['bob'] },
    ] }, 'history has them in order');
};

subtest 'a reaction is taken back' => sub {
    my $revision = react($bob, $first, '👍', 'remove');

    is($ada->expect('reaction.removed')->{userId}, 'bob', 'others hear it');
    is(react($bob, $first, '👍', 'remove'), $revision, 'there is none: fine');
    react($ada, $first, '👍', 'remove');
    react($ada, $first, '👍');
    is_deeply([map { "$_->{emoji} @{ $_->{userIds} }" }
                   @{ in_history($first)->{reactions} }],
              ['🎉 bob', '👍 ada'], 'who comes again comes last');
};

subtest 'a message has so many reactions and no more' => sub {
    react($bob, $first, $_) for qw(1 2);
    is($bob->refused('reaction.add', about($first, emoji => '3'))->{code},
       'too_large', 'the fifth is too many');
    react($bob, $first, '1', 'remove');
    cmp_ok(react($bob, $first, '3'), '>', 0, 'in place of another it is not');
};

subtest 'a reply names what it replies to' => sub {
    my $reply = said('Really?', replyTo => $first->{id});

    is($reply->{replyTo}, $first->{id}, 'it is heard');
    is(in_history($reply)->{replyTo}, $first->{id}, 'and in history');

    is($ada->refused('message.send', {
        conversationId => 'lobby', content => 'x', replyTo => uuid(),
    })->{message}, 'replyTo: no such message', 'to nothing one cannot reply');
};

subtest 'a deleted message leaves its place' => sub {
    my $message = said('secret words');

    react($bob, $message, '👀');
    is($bob->refused('message.delete', about($message))->{code}, 'forbidden',
       'a member does not delete what others said');

    my $revision = $ada->request('message.delete',
                                 about($message))->{revision};
    my $deleted = $bob->expect('message.deleted');

    is_deeply($deleted, {
        id => $message->{id}, conversationId => 'lobby',
        sequenceNumber => $message->{sequenceNumber},
        revision => $revision, deletedBy => 'ada',
        deletedAt => $deleted->{deletedAt},
    }, 'all that is heard of it');
    is_deeply(in_history($message), $deleted, 'and all that history has');
    is($ada->request('message.delete', about($message))->{revision},
       $revision, 'deleting it again changes nothing');

    is($ada->refused('message.edit', about($message, content => 'x'))->{code},
       'not_found', 'it cannot be edited');
    is($bob->refused('reaction.add', about($message, emoji => '!'))->{code},
       'not_found', 'nor reacted to');
    is($ada->refused('message.send', {
        conversationId => 'lobby', content => 'x', replyTo => $message->{id},
    })->{code}, 'not_found', 'nor replied to');
};

subtest 'a moderator deletes what others said' => sub {
    my $message = said('rude');

    $admin->request('message.delete', about($message));
    is($bob->expect('message.deleted',
                    sub { $_->{id} eq $message->{id} })->{deletedBy},
       'admin', 'and everyone sees who did');
};

subtest 'there is no message of another conversation' => sub {
    $chat->create('hall');
    is($ada->refused('message.delete', about($first, conversationId => 'hall'))
           ->{code}, 'not_found', 'by its id');
};

subtest 'what is deleted is in no store' => sub {
    $chat->wait_stored;

    my @keys = grep {
        my @read = $chat->redis_cli('TYPE', $_) eq 'stream'
            ? ('XRANGE', $_, '-', '+') : ('HGETALL', $_);

        /c:default|:log$/ && $chat->redis_cli(@read) =~ /secret words/;
    } split /\n/, $chat->redis_cli('KEYS', '*');

    is_deeply(\@keys, [], 'not in Redis');
    is($chat->psql(<<~'END'), 0, 'not in PostgreSQL');
        SELECT count(*) FROM chat.message
        WHERE content::text LIKE '%secret words%'
        END
};

done_testing;
