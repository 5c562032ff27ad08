# The table of handshakes, t/attacks/handshakes.tsv: each is answered as it
# says, opens no session that it should not, and leaves nothing behind.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Leak qw(leaks);
use ChatTest::Metrics qw(parse_metrics);
use ChatTest::Table qw(read_table unescape);

my $chat = ChatTest->new(with => [], server => <<'END');
    access_log access.log;

    location = /cookie {
        chat_websocket on;
        chat_token_cookie chat_token;
    }

    location = /query {
        chat_websocket on;
        chat_token_query on;
    }

    location = /mirrored {
        chat_websocket on;
        mirror /healthz;
    }

    location = /connections {
        access_log off;
        stub_status;
    }
END
$chat->start;
$chat->logs->file('access');

my $host = '127.0.0.1:' . $chat->port;
my %given = (
    host => $host,
    own  => "http://$host",
    good => $chat->token('alice'),
    bad  => $chat->token('alice', exp => time - 600),
);


# the request of a row: a good one, with what the row changes of it

sub request_of ($row) {
    my @headers = (
        Host                     => $host,
        Upgrade                  => 'websocket',
        Connection               => 'Upgrade',
        'Sec-WebSocket-Version'  => 13,
        'Sec-WebSocket-Key'      => 'x3JJHMbDL1EzLkh9GBhXDw==',
        'Sec-WebSocket-Protocol' => 'chat.v1',
        Authorization            => "Bearer $given{good}",
    );
    my ($line, $early, @more) = ("GET /$row->{place} HTTP/1.1", '');
    my %headers = @headers;
    my @names = @headers[grep { $_ % 2 == 0 } keys @headers];

    for (split / \| /, $row->{request}) {
        my $text = unescape($_, %given);

        if ($text =~ /^> (.*)/s)             { $line = $1 }
        elsif ($text =~ /^whole (.*)/s)      { return $1 }
        elsif ($text =~ /^early (.*)/s)      { $early = $1 }
        elsif ($text =~ /^raw (.*)/s)        { push @more, $1 }
        elsif ($text =~ /^\+(.*)/s)          { push @more, $1 }
        elsif ($text =~ /^-([\w-]+)$/)       { delete $headers{$1} }
        elsif ($text =~ /^([\w-]+): (.*)/s)  {
            push @names, $1 if !exists $headers{$1};
            $headers{$1} = $2;
        }
        else { die "line $row->{line}: what is \"$_\"?\n" }
    }

    return join("\r\n", $line, (map { "$_: $headers{$_}" }
                grep { exists $headers{$_} } @names), @more)
        . "\r\n\r\n$early";
}


# what is not as the row says, with the answer it got

sub faults ($row, $client) {
    my ($status, @more) = split ' ', $row->{expected};

    if ($status eq 'nothing') {
        return $client ? 'there is an answer: ' . $client->status : ();
    }

    return "no answer: $@" if !$client;
    return 'the status is ' . $client->status if $client->status != $status;

    my @faults = map { fault($client, $_) } @more;

    if ($status != 101) {
        push @faults, 'it says what made it' if !plain($client);
        push @faults, 'a session is open'    if sessions() != 0;
    }

    return @faults;
}


sub fault ($client, $expected) {
    return $client->header(substr $expected, 1) ? "not $expected" : ()
        if $expected =~ /^!/;

    my ($name, $value) = $expected =~ /^([\w-]+)=(.*)$/
        or die "what is \"$expected\"?\n";
    my $got = $name eq 'code' ? decode($client->body)->{error}{code}
        : $name eq 'user'     ? user_of($client)
        : $name eq 'close'    ? ($client->read_close)[0]
        :                       $client->header($name);

    $value =~ s/%20/ /g;

    return ($got // '') eq $value ? () : "$name is " . ($got // 'not there');
}


sub user_of ($client) {
    my $welcomed = grep { $_ eq 'authenticated' } $client->unexpected;

    return $welcomed ? 'alice' : 'none';
}


# JSON of ours has a code and a message and nothing else

sub plain ($client) {
    return 1 if ($client->header('Content-Type') // '') !~ /json/
        || !length($client->body // '');

    my $body = decode($client->body);

    return join(',', keys %$body) eq 'error'
        && join(',', sort keys %{ $body->{error} }) eq 'code,message'
        && encode($body) !~ /nginx|openssl|\.[ch]\b/i;
}


sub sessions () {
    my ($value) = parse_metrics($chat->http(path => '/metrics')->body);

    return $value->{chat_sessions};
}


my @rows = read_table('handshakes');

cmp_ok(scalar @rows, '>=', 80, scalar(@rows) . ' handshakes');

for my $row (@rows) {
    my $request = request_of($row);
    my ($method) = $request =~ /^(HEAD)\b/;
    my $client = eval {
        $chat->handshake(whole => $request, method => $method);
    };
    my @faults = faults($row, $client);

    ok(!@faults, "line $row->{line}, $row->{name}: $row->{expected}")
        or diag(join "\n", @faults);

    next if !$client;

    $client->disconnect;
    wait_until { sessions() == 0 } if $client->status == 101;
}

subtest 'nothing stays open' => sub {
    my $active = wait_until {
        my ($n) = $chat->http(path => '/connections')->body
            =~ /^Active connections: (\d+)/;
        $n == 1;
    };

    ok($active, 'connections of nginx');
};

subtest 'frames that come with a handshake are kept, however many' => sub {
    my $ping = sub ($n) {
        return ChatTest::Frame::make_frame(payload => encode({
            type => 'ping', id => $n, data => { x => 'x' x ($n % 97) } }));
    };
    my $frames = join '', map { $ping->($_) } 1 .. 40;
    my %user = (user => 'alice');

    for my $n (1 .. 30, 500, 900, 1000, 1024, 1100, 2000, length $frames) {
        my $client = $chat->handshake(%user, early => substr $frames, 0, $n);

        $client->send_bytes(substr $frames, $n);
        $client->reply($_) for 1 .. 40;
        $client->disconnect;
    }

    pass('cut anywhere');

    # the header takes a second buffer of nginx, and frames lie behind it

    for my $size (600, 900, 1000, 1100, 4000, 7000, 8000) {
        my $client = $chat->handshake(%user, early => $frames,
            headers => { 'X-Long' => 'y' x $size });

        $client->reply($_) for 1 .. 40;
        $client->disconnect;
    }

    pass('behind headers of any size');

    my $client = $chat->handshake(%user, early => $frames, slow => 1);

    $client->reply($_) for 1 .. 40;
    pass('byte by byte');

    my $large = ChatTest::Frame::make_frame(payload => encode({
        type => 'ping', id => 'large', data => { x => 'x' x 60_000 } }));

    $client = $chat->handshake(%user, early => $large x 3);
    $client->reply('large') for 1 .. 3;
    pass('60 kB each');

    $client = $chat->handshake(%user,
        early => ChatTest::Frame::make_frame(opcode => TEXT, rsv => 4));
    $client->expect_close(1002);
};

subtest 'nothing of a token is in a log, whoever refused it' => sub {
    for my $log (qw(nginx access)) {
        my @found = leaks($chat->logs->text($log), @given{qw(good bad)});

        ok(!@found, $log) or diag(join "\n---\n", @found);
    }
};

done_testing;
