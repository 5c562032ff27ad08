# A zone that is too small: what is not in use makes room, and if nothing does
# somebody is let in, which is counted and logged, but not for each.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant { ADDRESSES => 4000, USERS => 1000 };

my $chat = ChatTest->new(
    with     => [],
    workers  => 2,
    http     => <<~'END',
        chat_limit_zone 64k;
        keepalive_requests 100000;
        set_real_ip_from 127.0.0.1;
        real_ip_header X-Forwarded-For;
        END
    location => <<~'END',
        chat_max_connections_per_address 1;
        chat_max_connections_per_user 1;
        END
    server   => <<~'END',
        location = /quick {
            chat_auth on;
            chat_handshake_rate rate=1000r/s burst=1;
        }

        location = /slow {
            chat_auth on;
            chat_handshake_rate rate=1r/m burst=1;
        }
        END
);

$chat->start;


sub used ($table) {
    return $chat->metrics->{"chat_limit_zone_used{table=\"$table\"}"};
}


sub full () { return $chat->metrics->{chat_limit_zone_full_total} }


# The statuses of requests with a bad token, one of each address, over one
# connection.

sub ask ($path, @addresses) {
    my $client = $chat->http(path => '/healthz', headers => {
        Connection => undef });
    my %statuses;

    while (my @some = splice @addresses, 0, 100) {
        $client->send_bytes(join '', map {
            "GET $path HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x.y.z\r\n"
                . "X-Forwarded-For: $_\r\n\r\n"
        } @some);

        for (@some) {
            $client->read_response;
            $statuses{ $client->status }++;
        }
    }

    return \%statuses;
}


my @addresses = map { join '.', 10, unpack 'x C3', pack 'N', $_ }
    1 .. ADDRESSES;

subtest 'buckets that are full make room' => sub {
    for (1 .. 3) {
        is_deeply(ask('/quick', @addresses), { 401 => ADDRESSES },
                  "round $_: all are let in");
    }
    is(full(), 0, 'and there was room for each');
    cmp_ok(used('rates'), '<', 0.1 * $chat->metrics->{chat_limit_zone_entries},
           'as the use of the zone says');
};

subtest 'users that come and go leave nothing behind' => sub {
    for (1 .. USERS) {
        my $client = $chat->handshake(user => "user-$_", headers => {
            'X-Forwarded-For' => $addresses[$_] });

        $client->status == 101 or die "$_: " . $client->status;
        $client->disconnect;
    }

    ok(wait_until { $chat->metrics->{chat_sessions} == 0 }, 'all have gone');
    is(used('connections'), 0, 'none of it is in use');

    my $one = $chat->connect(user => 'one');
    is(used('connections'), 2, 'one who is there: a user and an address');
    $one->disconnect;
    wait_until { $chat->metrics->{chat_sessions} == 0 };
    is(full(), 0, 'there was room for each');
    is($chat->handshake(user => "user-$_", headers => {
           'X-Forwarded-For' => $addresses[$_] })->status, 101,
       "user $_ is not there any more") for 1, USERS / 2, USERS;
};

subtest 'if none does, somebody is let in' => sub {
    is_deeply(ask('/slow', @addresses), { 401 => ADDRESSES }, 'all');
    cmp_ok(full(), '>', 0, 'which is counted');
    cmp_ok(used('rates'), '>', 0.9 * $chat->metrics->{chat_limit_zone_entries},
           'and told by its use');

    my $lines = () = $chat->logs->text('nginx') =~ /no room in/g;
    is($lines, 1, 'and logged once');

    my $again = ask('/slow', @addresses);
    cmp_ok($again->{429}, '>', 500, 'those who are known are limited');
};

done_testing;
