# The table of tokens (t/attacks/tokens.tsv): each in all the places where a
# token may be.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Forge;
use ChatTest::Metrics qw(parse_metrics);

my $forge = ChatTest::Forge->new;
my $chat = ChatTest->new(
    with   => [],
    files  => { $forge->files },
    http   => 'chat_token_cookie token; chat_token_query on;',
    server => <<~"END");
        location = /keys {
            chat_websocket on;
            @{[ $forge->directives ]}
        }

        location = /jwks {
            chat_websocket on;
            chat_token_jwks attacks.json;
        }

        location = /page {
            chat_auth on;
            @{[ $forge->directives ]}
            empty_gif;
        }
        END

# what each place makes of a token: true if it lets it in, or what it said
my %places = (
    header => sub ($token) {
        return handshake(headers => { Authorization => "Bearer $token" });
    },
    protocol => sub ($token) {
        return handshake(headers => {
            'Sec-WebSocket-Protocol' => "chat.v1, bearer.$token",
        });
    },
    jwks => sub ($token) {
        return handshake(path => '/jwks',
                         headers => { Authorization => "Bearer $token" });
    },
    page => sub ($token) {
        my $status = $chat->http(
            path    => '/page',
            headers => { Authorization => "Bearer $token" },
        )->status;

        return $status == 200 ? 'good' : $status == 401 ? 'bad' : $status;
    },
    request => \&authenticate,
);


sub handshake (%o) {
    my $client = $chat->handshake(path => '/keys', protocols => [], %o);

    return 'bad' if $client->status == 401;
    return $client->status if $client->status != 101;

    # who is nobody gets no welcome, but an answer

    $client->send_text('{"type":"ping","id":"p"}');
    my $first = decode($client->read_message->{payload});

    return $first->{type} eq 'authenticated' ? 'good' : 'nobody';
}


sub authenticate ($token) {
    my $client = $chat->handshake(path => '/keys');

    $client->send_text(encode({ type => 'authenticate', id => 'a',
                                data => { token => $token } }));
    my $frame = $client->read_frame // return 'gone';

    return 'closed' if $frame->{opcode} == CLOSE;

    my $reply = decode($frame->{payload});

    return 'good' if $reply->{ok};
    return $reply->{error}{code} if $reply->{error}{code} ne 'unauthorized';

    $client->expect_close(4401);

    return 'bad';
}


sub read_rows ($name) {
    my @columns = qw(what key head claims form expected why);
    my @rows;

    open my $file, '<:raw', $name or die "$name: $!";

    while (my $line = <$file>) {
        next if $line =~ /^(?:#|$)/;
        chomp $line;

        my %row;
        @row{@columns} = split /\t/, $line;
        die "$name:$.: not seven columns" if !$row{why};
        die "$name:$.: what is expected?"
            if $row{expected} !~ /^(?:good|bad|odd|http)$/;
        push @rows, \%row;
    }

    return @rows;
}


# the file of keys has no secrets, whose tokens are not good there

sub expected ($row, $place) {
    my $secret = $place eq 'jwks' && $row->{key} =~ /^hs/;

    return $secret && $row->{expected} eq 'good' ? 'bad' : $row->{expected};
}


sub fits ($got, $expected, $place) {
    return $got eq $expected if $expected =~ /^(?:good|bad)$/;
    return $got !~ /^died/ && ($got ne 'good'
                               || $expected eq 'http' && $place ne 'request');
}


sub tried ($row) {
    my $token = $forge->token($row);
    my @wrong;

    for my $place (sort keys %places) {
        my $got = eval { $places{$place}->($token) } // "died: $@";
        my $expected = expected($row, $place);

        push @wrong, "$place: $got" if !fits($got, $expected, $place);
    }

    ok(!@wrong, "$row->{expected}: $row->{what}") or diag("@wrong");

    return $token;
}


$chat->start;

my @rows = read_rows("$FindBin::Bin/attacks/tokens.tsv");
my @tokens;

cmp_ok(scalar @rows, '>=', 60, 'the table has rows');

subtest 'each token is taken as the table says' => sub {
    @tokens = map { tried($_) } @rows;
};

subtest 'nobody is left who did not belong there' => sub {
    my $sessions;

    wait_until {
        my ($value) = parse_metrics($chat->http(path => '/metrics')->body);
        $sessions = $value->{chat_sessions};
        $sessions == 0;
    };
    is($sessions, 0, 'no session');
};

# nginx quotes a header line that it cannot read: what is in it is no token

subtest 'no token is in a log' => sub {
    my $log = join '', grep { !/client sent (?:invalid|too long) header line/ }
        split /^/, $chat->logs->text('nginx');
    my @ends = grep { !/^(.)\1*$/ } map { /([\w-]{16})\W*\z/ } @tokens;
    my @found = grep { index($log, $_) >= 0 } @ends;

    like($log, qr/token refused/, 'the refusals are');
    cmp_ok(scalar @ends, '>', 200, 'of so many tokens');
    is_deeply(\@found, [], 'not even the last 16 characters');
};

done_testing;
