# Mentions, attachments and replies: what a message may refer to comes back as
# it was given, live, in a resumed join and in history, from Redis and from
# PostgreSQL.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);

use ChatTest;

my $chat = ChatTest->new(
    location => 'chat_max_mentions 3; chat_max_attachments 2;',
);
$chat->start;

my $ada = $chat->connect(user => 'ada');
my $bob = $chat->connect(user => 'bob');

my $room = $ada->request('conversation.create', {
    type => 'group', members => ['bob'],
})->{conversationId};

$_->join($room) for $ada, $bob;


sub send_raw ($members) {
    my $text = qq({"conversationId":"$room",$members});

    return $ada->reply($ada->post('message.send', \$text));
}


# members that must come back, and the refusal of those that may not be

my @good = (
    ['two who are mentioned', '"content":"a","mentions":["bob","ada"]'],
    ['who is no member', '"content":"b","mentions":["nobody-here"]'],
    ['an attachment', '"content":"c","attachments":'
        . '[{"url":"https://x.example/a%20b.png","size":1.0e3}]'],
    ['two, with more in them', '"content":{"type":"image"},"attachments":'
        . '[{"id":"f1","name":"\u00e9t\u00e9"}, {"id":"f2","a":[1,{"b":[]}]}]'],
);

my @bad = (
    ['too many mentions', 'too_large',
        '"content":"x","mentions":["a","b","c","d"]'],
    ['one user twice', 'bad_request', '"content":"x","mentions":["a","a"]'],
    ['what is no id', 'bad_request', '"content":"x","mentions":["a b"]'],
    ['too many attachments', 'too_large',
        '"content":"x","attachments":[{"id":"1"},{"id":"2"},{"id":"3"}]'],
    ['one that refers to nothing', 'bad_request',
        '"content":"x","attachments":[{"name":"x"}]'],
    ['one that is no object', 'bad_request',
        '"content":"x","attachments":["https://x.example/"]'],
    ['more than 16 kB of them', 'bad_request',
        '"content":"x","attachments":[{"id":"1","x":"' . 'y' x 16400 . '"}]'],
    ['a reply to what is no message id', 'bad_request',
        '"content":"x","replyTo":"yesterday"'],
);

my (@sent, @heard);

subtest 'what is given is heard as it is' => sub {
    for (@good) {
        my ($what, $members) = @$_;

        push @sent, send_raw($members)->{data};
        push @heard, $bob->hear($room);

        my $given = "{$members}";
        for my $name (qw(mentions attachments)) {
            is(raw_member($bob->raw, $name), raw_member($given, $name),
               "$what: $name");
        }
    }
};

subtest 'a reply is heard as one' => sub {
    push @sent, send_raw(qq("content":"d","replyTo":"$sent[0]{id}"))->{data};
    push @heard, $bob->hear($room);
    is($heard[-1]{replyTo}, $sent[0]{id}, 'to the message it names');
};

subtest 'what may not be is refused' => sub {
    for (@bad) {
        my ($what, $code, $members) = @$_;

        is(send_raw($members)->{error}{code}, $code, $what);
    }

    is(send_raw('"content":"x","mentions":["a","b","c","d"]')
           ->{error}{message}, 'more than 3 mentions', 'it says how many');
};

subtest 'empty lists are as if they were not given' => sub {
    push @sent, send_raw('"content":"e","mentions":[],"attachments":[],'
                         . '"replyTo":null')->{data};
    push @heard, $bob->hear($room);
    ok(!exists $heard[-1]{$_}, "no $_") for qw(mentions attachments replyTo);
};

subtest 'an edited message still has them' => sub {
    $ada->request('message.edit', {
        conversationId => $room, messageId => $sent[1]{id}, content => 'B',
    });

    my $edited = $bob->expect('message.updated');

    is_deeply($edited->{mentions}, ['nobody-here'], 'its mentions');
    $heard[1] = $edited;
};


# that everything comes back as it was heard

sub comes_back_ok ($where) {
    my $carol = $chat->connect(user => 'bob');

    is_deeply($carol->history($room)->{messages}, \@heard,
              "in history from $where");

    my %latest = map { $_->{data}{id} => $_->{data} }
        grep { $_->{type} =~ /^message/ } $carol->resume($room, 0);

    is_deeply([map { $latest{ $_->{id} } } @heard], \@heard,
              "in a join from $where");

    return;
}


subtest 'from Redis they come back as they were' => sub {
    comes_back_ok('Redis');
};

subtest 'from PostgreSQL they come back as they were' => sub {
    $chat->wait_stored;
    $chat->kill('redis');
    remove_tree($chat->directory . '/appendonlydir');
    $chat->restart('redis');
    $chat->wait_ready;

    comes_back_ok('PostgreSQL');
};

done_testing;
