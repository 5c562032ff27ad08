# The longest of everything at once, each character in its longest form: what
# comes back is whole, live, by resuming, in history and from storage.

use v5.36;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(
    workers  => 1,
    location => 'chat_max_mentions 200; chat_max_attachments 50;'
                . ' chat_max_message_size 256k;',
);
$chat->start;

my $conversation = 'c' x 64;
my $sender = 's' x 64;

$chat->create($conversation);

my $ada = $chat->connect(user   => $sender,
                         claims => { roles => ['admin'] });

$ada->join($conversation);

my $base = $ada->say($conversation, 'base')->{id};

$ada->hear($conversation);


# each character as an escape

sub escaped ($text) {
    return '"' . join('', map { sprintf '\u%04x', ord } split //, $text) . '"';
}


# the reply to a request with the longest id that there can be

sub longest_id ($type, $data) {
    my $raw = '"' . '\ud83d\ude00' x 64 . '"';

    $ada->send_text(qq({"type":"$type","id":$raw,"data":$data}));

    return $ada->reply("\x{1f600}" x 64);
}


my @users = map { 'u' x 61 . sprintf '%03d', $_ } 1 .. 200;
my $attachments = '[' . join(',', map {
    '{"id" : ' . escaped(('a' .. 'z')[$_ % 26] x 48) . ', "n" : 1.0}'
} 1 .. 50) . ']';
my $content = '{"type":"x", "text":"' . '\u0000\ud83d\ude00\/' x 1000
              . '", "n":1.50e+01}';
my $client_id = '"' x 64;
my %sent;

subtest 'a message' => sub {
    cmp_ok(length $attachments, '>', 15_000, 'much is attached');

    my $reply = longest_id('message.send',
        '{"conversationId":' . escaped($conversation)
        . ',"clientMessageId":' . escaped($client_id)
        . ',"content":' . $content . ',"replyTo":' . escaped($base)
        . ',"mentions":[' . join(',', map { escaped($_) } @users) . ']'
        . ',"attachments":' . $attachments . '}');

    ok($reply->{ok}, 'is taken') or diag explain $reply->{error};
    %sent = %{ $reply->{data} };
};


sub whole_ok ($message, $raw, $body) {
    is($message->{clientMessageId}, $client_id, 'client id');
    is($message->{replyTo}, $base, 'what it replies to');
    is_deeply($message->{mentions}, \@users, 'mentions');
    is(index($raw, qq("content":$body,)) >= 0, 1, 'content, each byte');
    is(index($raw, qq("attachments":$attachments,)) >= 0, 1, 'attachments');

    return;
}


sub everywhere_ok ($event, $body) {
    my $live = $ada->expect($event, sub ($e) { $e->{id} eq $sent{id} });

    whole_ok($live, $ada->raw, $body);

    my $history = $ada->history($conversation)->{messages}[-1];

    whole_ok($history, $ada->raw, $body);
    $ada->resume($conversation, $sent{revision} - 1);
    whole_ok($live, $ada->raw, $body);

    return;
}


subtest 'the message as it came' => sub {
    everywhere_ok('message.created', $content);
};

subtest 'the message as it was changed' => sub {
    my $other = '{"type":"y", "text":"' . '\u2028\"' x 900 . '", "n":-0.0}';
    my $reply = longest_id('message.edit',
        '{"conversationId":"' . $conversation . '","messageId":"' . $sent{id}
        . '","content":' . $other . '}');

    ok($reply->{ok}, 'is changed') or diag explain $reply->{error};
    everywhere_ok('message.updated', $other);
};

subtest 'reactions' => sub {
    my $emoji = "\x{1f600}" x 16;
    my $reply = longest_id('reaction.add',
        '{"conversationId":"' . $conversation . '","messageId":"' . $sent{id}
        . '","emoji":"' . '\ud83d\ude00' x 16 . '"}');

    ok($reply->{ok}, 'the longest') or diag explain $reply->{error};
    is($ada->expect('reaction.added')->{emoji}, $emoji, 'is heard');
    is_deeply($ada->history($conversation)->{messages}[-1]{reactions},
              [{ emoji => $emoji, userIds => [$sender] }], 'and kept');
};

subtest 'from storage' => sub {
    my $raw = $ada->history($conversation) && $ada->raw;

    $chat->wait_stored;

    my @keys = split /\n/, $chat->redis_cli('KEYS', "*/$conversation:*");

    $chat->redis_cli('DEL', @keys);
    $ada->history($conversation);
    is($ada->raw =~ s/^.*?"ok"//r, $raw =~ s/^.*?"ok"//r, 'the same');
};

subtest 'settings' => sub {
    my $id = $ada->request('conversation.create', { type => 'group' })
        ->{conversationId};

    $ada->join($id);

    for my $c ('"', '\\', 'x') {
        my ($name, $text) = ($c x 128, ($c . "\n") x 512);
        my $reply = longest_id('conversation.update',
            '{"conversationId":"' . $id . '","name":' . escaped($name)
            . ',"description":' . escaped($text) . '}');

        ok($reply->{ok}, 'the longest') or diag explain $reply->{error};

        my $event = $ada->expect('conversation.updated');

        is($event->{name}, $name, 'name');
        is($event->{description}, $text, 'description');

        my ($item) = grep { $_->{conversationId} eq $id }
            map { $_->{conversation} }
            @{ $ada->request('conversation.list')->{items} };

        is($item->{name}, $name, 'name in the list');
        is($item->{description}, $text, 'description in the list');
    }
};

done_testing;
