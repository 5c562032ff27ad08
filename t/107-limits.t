# What a conversation and a message may hold: each limit at its bound, which is
# right, and one beyond, which is told from other mistakes; and what is refused
# leaves no trace.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant { MEMBERS => 4, REACTIONS => 3, MENTIONS => 2, ATTACHMENTS => 2 };

my $chat = ChatTest->new(workers => 2,
    location => sprintf(<<~'END', MEMBERS, REACTIONS, MENTIONS, ATTACHMENTS),
        chat_max_members %d;
        chat_max_reactions %d;
        chat_max_mentions %d;
        chat_max_attachments %d;
        END
    server => <<~'END');
        location = /wide {
            chat_websocket on;
            chat_max_mentions 200;
            chat_max_attachments 50;
        }
        END
$chat->start;
$chat->create('lobby', by => 'ada');

my ($ada, $bob) = map { $chat->connect(user => $_) } qw(ada bob);
my $wide = $chat->connect(user => 'ada', path => '/wide');


# what comes of a request about the lobby: "ok", or the error's code

sub try ($client, $type, $data) {
    my $reply = $client->reply($client->post($type,
        { conversationId => 'lobby', %$data }));

    return $reply->{ok} ? 'ok' : $reply->{error}{code};
}


# title, request, data at the bound, data beyond it, the code of that

sub bound_ok ($title, $type, $at, $beyond, $code = 'bad_request') {
    is(try($ada, $type, $at), 'ok', "$title: right");
    is(try($ada, $type, $beyond), $code, 'one more');

    return;
}


sub sent ($client = $ada, %data) {
    return $client->request('message.send', {
        conversationId => 'lobby', content => 'x', %data,
    });
}


sub group (@members) {
    return $ada->request('conversation.create', {
        type => 'group', members => [@members],
    })->{conversationId};
}


sub nested ($depth) {
    return '[' x $depth . ']' x $depth;
}


subtest 'settings' => sub {
    my $type = 'conversation.update';

    bound_ok('128 bytes of name', $type, { name => 'x' x 128 },
             { name => 'x' x 129 });
    bound_ok('128 bytes of other characters', $type,
             { name => "\x{e4}" x 64 }, { name => "\x{e4}" x 64 . 'x' });
    bound_ok('1,024 bytes of description', $type,
             { description => 'x' x 1024 }, { description => 'x' x 1025 });
    bound_ok('six hours of slow mode', $type, { slowMode => 21_600 },
             { slowMode => 21_601 });
    bound_ok('none', $type, { slowMode => 0 }, { slowMode => -1 });
    is(try($ada, $type, { name => '' }), 'bad_request', 'an empty name');
    is(try($ada, $type, { description => '' }), 'ok',
       'an empty description is none');
    is(try($ada, $type, {}), 'bad_request', 'nothing to change');

    my $made = $ada->join('lobby', 0)->{events};
    is(scalar(grep { $_->{type} eq 'conversation.updated' } @$made), 6,
       'what was refused has left no event');
};

subtest 'emojis' => sub {
    my %message = (messageId => sent()->{id});
    my $type = 'reaction.add';

    bound_ok('64 bytes', $type, { %message, emoji => 'x' x 64 },
             { %message, emoji => 'x' x 65 });
    bound_ok('64 bytes of other characters', $type,
             { %message, emoji => "\x{1f44d}" x 16 },
             { %message, emoji => "\x{1f44d}" x 16 . 'x' });

    for ('', ' ', 'a b', "\t", '"', '\\', "\x{7f}", "\x{85}", "\x{a0}",
         "\x{2028}")
    {
        is(try($ada, $type, { %message, emoji => $_ }), 'bad_request',
           sprintf 'not "%s"', join ' ', map { sprintf '%x', ord } split //);
    }
};

subtest 'reactions of a message' => sub {
    my %message = (messageId => sent()->{id});
    my $one = sub ($client, $type, $emoji) {
        return try($client, $type, { %message, emoji => $emoji });
    };

    is($one->($ada, 'reaction.add', $_), 'ok', "ada: $_") for qw(a b);
    is($one->($bob, 'reaction.add', 'a'), 'ok', 'bob: a, which counts, too');
    is($one->($bob, 'reaction.add', 'b'), 'too_large', 'bob: b');
    is($one->($bob, 'reaction.add', 'a'), 'ok', 'what is there stays right');

    $one->($ada, 'reaction.remove', 'a');
    is($one->($bob, 'reaction.add', 'b'), 'ok', 'one gone makes room');
    is_deeply($ada->history('lobby', limit => 1)->{messages}[0]{reactions},
              [{ emoji => 'b', userIds => ['ada', 'bob'] },
               { emoji => 'a', userIds => ['bob'] }], 'and these there are');
};

subtest 'mentions' => sub {
    my @users = map { "user-$_" } 1 .. 201;
    my $type = 'message.send';
    my $of = sub ($n) {
        return { content => 'x', mentions => [@users[0 .. $n - 1]] };
    };

    bound_ok('as many as configured', $type, $of->(MENTIONS),
             $of->(MENTIONS + 1), 'too_large');
    is(try($wide, $type, $of->(200)), 'ok', '200 where that is configured');
    is(try($_, $type, $of->(201)), 'bad_request', 'but not 201')
        for $ada, $wide;
    is(try($ada, $type, { content => 'x', mentions => ['a', 'a'] }),
       'bad_request', 'nobody twice');
    is(try($ada, $type, { content => 'x', mentions => ['a/b'] }),
       'bad_request', 'nobody who cannot be');
};

subtest 'attachments' => sub {
    my $type = 'message.send';
    my $of = sub (@attachments) {
        return { content => 'x', attachments => [@attachments] };
    };
    my @one = ({ id => 'a' });

    bound_ok('as many as configured', $type, $of->((@one) x ATTACHMENTS),
             $of->((@one) x (ATTACHMENTS + 1)), 'too_large');
    is(try($wide, $type, $of->((@one) x 50)), 'ok',
       '50 where that is configured');
    is(try($_, $type, $of->((@one) x 51)), 'bad_request', 'but not 51')
        for $ada, $wide;

    bound_ok("2,048 bytes of $_", $type, $of->({ $_ => 'x' x 2048 }),
             $of->({ $_ => 'x' x 2049 })) for qw(url id);
    is(try($ada, $type, $_), 'bad_request', encode($_->{attachments}))
        for $of->({}), $of->({ url => '' }), $of->({ url => 1 }),
            $of->('/a.pdf'), $of->({ name => 'x' });
};

subtest 'bytes and nesting of attachments' => sub {
    my $send = sub ($attachments) {
        my $reply = $ada->reply($ada->post('message.send', \(
            qq({"conversationId":"lobby","content":"x",)
            . qq("attachments":$attachments}))));

        return $reply->{ok} ? 'ok' : $reply->{error}{code};
    };
    my $long = sub ($bytes) {
        my $text = '[{"id":"a","note":""}]';

        return $text =~ s/""/'"' . 'x' x ($bytes - length $text) . '"'/er;
    };
    my $deep = sub ($depth) {
        return '[{"id":"a","deep":' . nested($depth - 2) . '}]';
    };

    is($send->($long->(16_384)), 'ok', '16 kB');
    is($send->($long->(16_385)), 'bad_request', 'a byte more');
    is($send->($deep->(32)), 'ok', '32 deep');
    is($send->($deep->(33)), 'bad_request', '33 deep');
};

subtest 'ids of messages' => sub {
    my $id = sent()->{id};
    my @wrong = ('', 'x', uc $id, "$id ", substr($id, 1), "{$id}",
                 $id =~ s/-/_/gr);

    for my $wrong (grep { $_ ne $id } @wrong) {
        is(try($ada, 'message.edit', { messageId => $wrong,
                                       content => 'y' }),
           'bad_request', "\"$wrong\" to edit");
        is(try($ada, 'message.send', { replyTo => $wrong, content => 'y' }),
           'bad_request', 'or to reply to');
    }

    is(try($ada, 'message.edit', { messageId => uuid(), content => 'y' }),
       'not_found', 'one that never was');
};

subtest 'members of a group' => sub {
    my %group = (conversationId => group('bob'));

    ok($ada->request('member.add', { %group, userId => "user-$_" }),
       "member $_") for 3 .. MEMBERS;
    is($ada->refused('member.add', { %group, userId => 'x' })->{code},
       'too_large', 'one more');
    ok($ada->request('member.add', { %group, userId => 'bob' }),
       'who is one already is no more');

    $ada->request('member.update',
                  { %group, userId => 'bob', role => 'blocked' });
    is($ada->refused('member.add', { %group, userId => 'x' })->{code},
       'too_large', 'who is blocked keeps a place');
    ok($ada->request('member.update',
                     { %group, userId => 'bob', role => 'member' }),
       'and so may come back');

    $ada->request('member.remove', { %group, userId => 'bob' });
    ok($ada->request('member.add', { %group, userId => 'x' }),
       'one gone makes room');
    is($ada->request('member.list', \%group)->{memberCount}, MEMBERS,
       'so many there are');
};

subtest 'members of a group that is made' => sub {
    my @users = map { "user-$_" } 1 .. MEMBERS;

    ok(group(@users[1 .. MEMBERS - 1]), 'with its owner as many as allowed');
    ok(group('ada', @users[1 .. MEMBERS - 1]),
       'the owner named as well counts once');
    is($ada->refused('conversation.create',
           { type => 'group', members => \@users })->{code}, 'too_large',
       'one more');
    is($ada->refused('conversation.create',
           { type => 'group', members => ['bob', 'bob'] })->{code},
       'bad_request', 'nobody twice');
};

subtest 'members of a channel are not counted' => sub {
    for my $n (1 .. MEMBERS + 1) {
        ok($ada->request('member.add', { conversationId => 'lobby',
                                         userId => "user-$n" }), "user $n");
    }
};

subtest 'pages' => sub {
    bound_ok('200 messages', 'history.get', { limit => 200 },
             { limit => 201 });
    bound_ok('200 conversations', 'conversation.list', { limit => 200 },
             { limit => 201 });
    bound_ok('1,000 members', 'member.list', { limit => 1000 },
             { limit => 1001 });

    for (qw(history.get conversation.list member.list)) {
        is(try($ada, $_, { limit => 0 }), 'bad_request', "$_: no empty page");
    }

    for my $type (qw(conversation.list member.list)) {
        is(try($ada, $type, { cursor => $_ }), 'bad_request',
           "$type: no cursor") for 'x' x 129, "\x{e4}", ' ', 'x y';
    }
};

subtest 'marks' => sub {
    my $last = $ada->join('lobby')->{sequenceNumber};

    for my $type (qw(delivered.mark read.mark)) {
        is(try($bob, $type, { sequenceNumber => $_ }), 'bad_request',
           "$type: not $_") for -1, '1', 9_007_199_254_740_992;
        is(try($bob, $type, { sequenceNumber => 9_007_199_254_740_991 }),
           'ok', "$type: beyond the last message");
    }

    is($bob->join('lobby')->{lastReadSequence}, $last, 'is the last one');
};

done_testing;
