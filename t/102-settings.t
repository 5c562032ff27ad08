# What a conversation is called and how it is used: name, description,
# read-only, slow mode; its end, and what is made under its id again.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers => 2);
$chat->start;

my %user = map { $_ => $chat->connect(user => $_) } qw(ada mod bob cy);

# with the token role that lets her choose ids
my $ada = $user{ada} = $chat->connect(
    user => 'ada', claims => { roles => ['admin'] },
    node_other_than => $user{bob},
);

my $made = $chat->create('hall', by => 'ada', name => 'Hall');

$ada->request('member.add', {
    conversationId => 'hall', userId => 'mod', role => 'moderator',
});
$user{$_}->join('hall') for sort keys %user;


sub update (%settings) {
    return $ada->request('conversation.update',
                         { conversationId => 'hall', %settings });
}


# the code of the error of a message of this user, or "ok"

sub code_of_saying ($name, %more) {
    my $reply = $user{$name}->reply($user{$name}->post('message.send', {
        conversationId => 'hall', content => "from $name", %more,
    }));

    return $reply->{ok} ? 'ok' : $reply->{error}{code};
}


subtest 'what is changed is told to all' => sub {
    my $revision = update(name => 'Great "Hall"',
                          description => "Two\nlines")->{revision};

    is_deeply($user{bob}->expect('conversation.updated'), {
        conversationId => 'hall', name => 'Great "Hall"',
        description => "Two\nlines", revision => $revision,
    }, 'by name and value');
    is(update(name => 'Great "Hall"')->{revision}, $revision,
       'what is so already is no change');

    update(description => '');
    is($user{bob}->expect('conversation.updated')->{description}, undef,
       'a description can be taken away');
    is_deeply([$user{bob}->unexpected], [], 'nothing else is told');
};

subtest 'settings are for admins and owners' => sub {
    for my $name (qw(mod bob)) {
        is($user{$name}->refused('conversation.update', {
            conversationId => 'hall', name => 'x',
        })->{code}, 'forbidden', "$name may not change them");
        is($user{$name}->refused('conversation.delete', {
            conversationId => 'hall',
        })->{code}, 'forbidden', 'nor delete all of it');
    }
};

subtest 'what makes no sense is refused' => sub {
    for ([{}, 'nothing'], [{ name => '' }, 'no name'],
         [{ name => 'x' x 129 }, 'a long name'],
         [{ description => 'x' x 1025 }, 'a long description'],
         [{ readOnly => 'yes' }, 'a word for a flag'],
         [{ slowMode => 21_601 }, 'a day of waiting'])
    {
        my ($settings, $what) = @$_;

        is($ada->refused('conversation.update', {
            conversationId => 'hall', %$settings,
        })->{code}, 'bad_request', $what);
    }
};

subtest 'read-only: moderators speak, others read' => sub {
    my $message = $user{bob}->say('hall', 'before', 'b-1');
    my %about = (conversationId => 'hall', messageId => $message->{id});

    update(readOnly => \1);
    is(code_of_saying('bob'), 'forbidden', 'bob may not speak');
    is(code_of_saying('mod'), 'ok', 'a moderator may');
    is($user{bob}->refused('message.edit', { %about, content => 'x' })
           ->{code}, 'forbidden', 'what he said stays as it is');
    ok($user{bob}->say('hall', 'again', 'b-1')->{duplicate},
       'what was sent before is still answered');
    cmp_ok($user{cy}->request('reaction.add', { %about, emoji => '+1' })
               ->{revision}, '>', 0, 'reacting goes on');
    cmp_ok($user{bob}->request('message.delete', \%about)->{revision}, '>', 0,
           'and so does deleting what one has said');
    update(readOnly => \0);
    is(code_of_saying('bob'), 'ok', 'then he may again');
};

subtest 'slow mode: members wait, moderators do not' => sub {
    update(slowMode => 60);
    is(code_of_saying('bob', clientMessageId => 'slow'), 'ok', 'one goes');

    my $error = $user{bob}->refused('message.send', {
        conversationId => 'hall', content => 'x',
    });
    is($error->{code}, 'rate_limited', 'another one at once does not');
    like($error->{retryAfter}, qr/^(?:60|[1-5]\d)$/, 'he is told when');
    is(code_of_saying('bob', clientMessageId => 'slow'), 'ok',
       'a retry of what went is answered');
    is(code_of_saying('cy'), 'ok', 'others need not wait for him');
    is(code_of_saying('mod'), 'ok', 'a moderator') for 1 .. 2;
    update(slowMode => 2);
    ok(wait_until { code_of_saying('bob') eq 'ok' }, 'later it goes');
    update(slowMode => 0);
    is(code_of_saying('bob'), 'ok', 'without slow mode') for 1 .. 2;
};

my $deleted;

subtest 'a deleted conversation is none' => sub {
    $_->unexpected for values %user;
    $deleted = $ada->request('conversation.delete',
                             { conversationId => 'hall' })->{revision};

    for my $name (sort keys %user) {
        is_deeply($user{$name}->expect('conversation.deleted'),
                  { conversationId => 'hall', revision => $deleted },
                  "$name hears it");
    }

    is(code_of_saying('mod'), 'not_found', 'nobody speaks there');
    is($user{cy}->refused('history.get', { conversationId => 'hall' })
           ->{code}, 'not_found', 'nobody reads there');
    is($ada->refused('conversation.delete', { conversationId => 'hall' })
           ->{code}, 'not_found', 'it ends once');
};


# what is made under its id is another one, which goes on counting revisions

sub made_again_ok {
    my $again = $chat->create('hall', by => 'bob', type => 'group',
                              members => ['cy']);

    is($again->{sequenceNumber}, 0, 'it begins without messages');
    cmp_ok($again->{revision}, '>', $deleted, 'revisions go on');
    is(code_of_saying('mod'), 'not_found', 'who was a member is none now');

    my $sent = $user{bob}->say('hall', 'anew', 'b-1');
    ok(!$sent->{duplicate}, 'an id of the old one may be used again');
    is($sent->{sequenceNumber}, 1, 'messages are counted from 1');

    my @events = $user{cy}->resume('hall', $made->{revision});
    is_deeply([map { $_->{type} } @events],
              [qw(conversation.deleted conversation.created
                  message.created)],
              'who knew the old one hears what became of it')
        or diag(explain(\@events));

    return;
}


subtest 'its id can be used again' => sub {
    made_again_ok();
};

subtest 'and again, when all of that is stored' => sub {
    $chat->wait_stored;
    $deleted = $user{bob}->request('conversation.delete',
                                   { conversationId => 'hall' })->{revision};
    $chat->wait_stored;
    made_again_ok();
};

done_testing;
