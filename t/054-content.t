# Content comes back exactly as it was sent, every byte of its JSON: live, on
# resuming, as history, from Redis, from PostgreSQL and from chatctl.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers => 2);
$chat->start;
$chat->create('lobby');

my @contents = (
    '""',
    '"plain"',
    '"0.1"',
    '"\u0041\u00e9\ud83d\ude00"',
    '"\" \\\\ \/ \b \f \n \r \t"',
    '"\u0000 and \u001f"',
    '"\u2028\u2029"',
    "\"\xe2\x80\xa8\xe2\x80\xa9\"",
    "\"\xef\xbb\xbf\xc2\xa0\xe2\x80\x8b\xf3\xa0\x80\x81\"",
    "\"e\xcc\x81 \xc3\xa9 \xef\xbf\xbf \xf4\x8f\xbf\xbf\"",
    "\"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xe2\x80\xae\xf0\x9f\x91\xa9"
        . "\xe2\x80\x8d\xf0\x9f\x9a\x80\"",
    "\"\x7f\"",
    '"%s %n %% $1 {0} \' ; -- <script>"',
    '{"type":"text"}',
    '{ "type" : "text" , "text" : "spaced" }',
    "{\n\t\"type\": \"text\",\r\n\t\"list\": [ 1,\t2 ]\n}",
    '{"type":"x","n":[0.1,1e2,1E+2,1e-7,-0,-0.0,1.0,1.10,100,1e400,'
        . '12345678901234567890,0.10000000000000000555,'
        . '123456789.123456789123456789]}',
    '{"z":1,"a":2,"type":"x","m":3}',
    '{"type":"x","a":1,"a":2,"":{"":""}}',
    '{"\u0074ype":"x","t\u0079pe":"y"}' =~ s/,.*\}/}/r,
    '{"type":"x","v":[true,false,null,[],{},[[]],[{}],""]}',
    '{"type":"x","deep":' . '[' x 30 . ']' x 30 . '}',
    '"' . 'long ' x 10_000 . '"',
);

my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob', node_other_than => $alice);
my $start = $bob->join('lobby')->{revision};

$alice->join('lobby');


# all contents, in a text that holds them one after the other

sub contents_ok ($what, @raw) {
    is(@raw, @contents, "$what: as many as were sent");

    for my $i (0 .. $#contents) {
        ok(defined $raw[$i] && $raw[$i] eq $contents[$i],
           substr "$what: $contents[$i]", 0, 70)
            or diag('got ', $raw[$i] // 'nothing');
    }

    return;
}


# the raw content of each object in a raw array

sub contents_of ($array) {
    my @raw;

    while ($array =~ s/^.*?(?="content")//s) {
        push @raw, raw_member($array, 'content');
        substr $array, 0, length('"content":') + length $raw[-1], '';
    }

    return @raw;
}


sub resumed () {
    my $carol = $chat->connect(user => 'carol');
    my ($after, @raw) = $start;

    while (@raw < @contents) {
        my $join = $carol->join('lobby', $after);

        push @raw, contents_of(raw_member($carol->raw, 'events'));
        last if $join->{complete};
        $after = $join->{revision};
    }

    return @raw[0 .. $#contents];
}


sub history () {
    $alice->history('lobby', afterSequence => 0, limit => scalar @contents);

    return contents_of(raw_member($alice->raw, 'messages'));
}


subtest 'live' => sub {
    $alice->request('message.send',
                    \qq({"conversationId":"lobby","content":$_}))
        for @contents;

    for my $client ($alice, $bob) {
        contents_ok($client == $alice ? 'to its sender' : 'to others', map {
            $client->hear('lobby');
            raw_member($client->raw, 'content');
        } @contents);
    }
};

subtest 'from Redis' => sub {
    contents_ok('resumed', resumed());
    contents_ok('as history', history());
};

subtest 'from PostgreSQL' => sub {
    $chat->wait_stored;
    $alice->say_all('lobby', ('filler') x 350);
    $chat->wait_stored;
    $alice->say_all('lobby', ('filler') x 40);

    contents_ok('resumed', resumed());
    contents_ok('as history', history());
};

subtest 'from chatctl' => sub {
    my $text = $chat->chatctl_must('history', 'lobby', '--json',
                                   '--limit', 1000);

    contents_ok('printed', (contents_of($text))[0 .. $#contents]);
};

# half of a surrogate pair is JSON, but many readers would break with it
my @broken = ("\"a\tb\"", '"\x41"', '"\u12"', '"\ud800"', '"\udc00\ud800"',
              '{"type":"x","n":01}',
              '{"type":"x","n":.5}', '{"type":"x","n":NaN}', '{"type":"x",}');

subtest 'what is no JSON is refused' => sub {
    for my $content (@broken) {
        $bob->send_text('{"type":"message.send","data":{"conversationId":'
                        . qq("lobby","content":$content}}));
        is($bob->reply(undef)->{error}{code}, 'bad_request', $content);
    }
};

subtest 'so is what is nested too deep' => sub {
    my $content = '{"type":"x","deep":' . '[' x 32 . ']' x 32 . '}';
    my $data = qq({"conversationId":"lobby","content":$content});

    is($bob->refused('message.send', \$data)->{code}, 'bad_request',
       '33 levels');
};

subtest 'what is not UTF-8 ends the session' => sub {
    $bob->post('message.send',
               \qq({"conversationId":"lobby","content":"\xff"}));
    ok(defined $bob->expect_close(1007), 'close 1007');
};

done_testing;
