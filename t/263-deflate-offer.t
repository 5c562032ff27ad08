# What is agreed on in a handshake: RFC 7692, sections 5 and 7.1.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Deflate qw(deflate EXTENSION ANSWER);

my $chat = ChatTest->new(with => [], location => 'chat_deflate on;',
                         server => <<'END');
    location = /deflate {
        chat_echo on;
        chat_deflate on;
    }
END
$chat->start;


# what is answered to these values of the header; 400 if the handshake fails

sub answer_to (@values) {
    my $client = $chat->handshake(
        path      => '/deflate',
        protocols => [],
        headers   => { 'Sec-WebSocket-Extensions' => \@values },
    );

    return $client->status if $client->status != 101;
    return $client->header('sec-websocket-extensions');
}


subtest 'what can be accepted is, and no context is kept' => sub {
    is(answer_to(EXTENSION), ANSWER, 'without parameters');
    is(answer_to(EXTENSION . "; $_"), ANSWER, $_)
        for 'client_max_window_bits', 'client_max_window_bits=9',
            'server_no_context_takeover', 'client_no_context_takeover';
    is(answer_to(EXTENSION . '; server_max_window_bits=' . $_),
       ANSWER . '; server_max_window_bits=' . ($_ =~ s/"//gr),
       "a window of $_ bits") for 8, 10, '"12"', 15;
};

subtest 'what cannot be is not answered' => sub {
    is(answer_to(EXTENSION . "; $_"), undef, $_)
        for 'mystery', 'server_no_context_takeover=1',
            'server_max_window_bits', 'server_max_window_bits=7',
            'server_max_window_bits=16', 'client_max_window_bits=016',
            'server_no_context_takeover; server_no_context_takeover';
    is(answer_to('foo'), undef, 'another extension');
};

subtest 'the first offer that can be accepted is' => sub {
    my $one = EXTENSION . '; server_max_window_bits=9';

    is(answer_to('foo, ' . EXTENSION . "; mystery=1, $one, " . EXTENSION),
       ANSWER . '; server_max_window_bits=9', 'in one header');
    is(answer_to('foo', EXTENSION . '; mystery', $one, EXTENSION),
       ANSWER . '; server_max_window_bits=9', 'in several');
};

subtest 'a list against the grammar fails the handshake' => sub {
    is(answer_to($_), 400, "\"$_\"")
        for EXTENSION . ';', EXTENSION . '; client_max_window_bits=',
            EXTENSION . '; a="', "\"" . EXTENSION . "\"", 'foo bar', ';';
    is(answer_to(EXTENSION, 'foo='), 400, 'after a good one');

    my $client = $chat->handshake(
        user => 'alice', headers => { 'Sec-WebSocket-Extensions' => 'foo;' });
    is($client->status, 400, 'in a chat location');
    like($client->body, qr/Sec-WebSocket-Extensions is malformed/, 'says why');
};

subtest 'it must be on, and the client known' => sub {
    my %offer = (headers => { 'Sec-WebSocket-Extensions' => EXTENSION });
    my $header = 'sec-websocket-extensions';

    is($chat->handshake(path => '/echo', %offer)->header($header), undef,
       'off by default');
    is($chat->handshake(user => 'alice', %offer)->header($header), ANSWER,
       'a user');
    is($chat->handshake(%offer)->header($header), undef, 'without a token');

    my $page = $chat->handshake(token => 'bad', origin => 'https://a.example',
                                %offer);
    is($page->header($header), undef, 'a page whose token is bad');
    ok(defined $page->expect_close(4401), 'which is told so');
};

subtest 'without it RSV1 is an error' => sub {
    my %frame = (payload => deflate('Hello'), rsv => 4);

    for my $client ($chat->handshake(path => '/echo'),
                    $chat->handshake(path => '/deflate'),
                    $chat->connect(user => 'alice'), $chat->handshake)
    {
        $client->send_frame(%frame);
        is(($client->read_close)[0], 1002, 'close 1002');
    }
};

done_testing;
