# How often sending asks PostgreSQL whether it knows an id: never, where ids are
# UUIDv7 of about now; for others once more ids were sent than Redis keeps.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(time);

use ChatTest;
use ChatTest::Model::Storage;

# a few more than Redis keeps; SENT=10000 in the environment for more
use constant { SENT => $ENV{SENT} // 3000, KEPT => 1024, MORE => 300,
               WINDOW => 100 };

my $chat = ChatTest->new(workers => 2,
                         location => 'chat_max_outstanding 1000;'
                                     . ' chat_request_timeout 1m;');
$chat->start;

my @clients = map { $chat->connect(user => $_) } qw(ada bob cy dan);
my $storage = ChatTest::Model::Storage->new($chat);


sub needs () {
    my %needs = $storage->needs;

    return $needs{client} // 0;
}


# Messages of four senders in turn, their ids made by a function; returns how
# often PostgreSQL was asked.

sub asked ($where, $count, $make_id) {
    my $before = needs();
    my (@open, $sent);

    while ($sent++ < $count || @open) {
        if ($sent <= $count) {
            my $client = $clients[$sent % @clients];

            push @open, [$client, $client->post('message.send', {
                conversationId => $where, content => 'x',
                clientMessageId => $make_id->($sent),
            })];
            next if @open < WINDOW;
        }

        my ($client, $id) = @{ shift @open };
        my $reply = $client->reply($id);

        die encode($reply->{error}) if !$reply->{ok};
        die 'a duplicate' if $reply->{data}{duplicate};
    }

    return needs() - $before;
}


$chat->create($_) for qw(now late random mixed fast);

subtest 'UUIDv7' => sub {
    is(asked('now', SENT, sub ($n) { uuid() }), 0,
       'of ' . SENT . ' messages none');

    # what was made while offline is sent all at once, and in order
    my $then = int(1000 * time) - 60_000;
    is(asked('now', 1, sub ($n) { uuid($then) }), 1, 'a minute late: one');
};

subtest 'clocks that differ by some seconds' => sub {
    my @skew = (0, 3000, -2000, 500);
    my $asked = asked('late', KEPT, sub ($n) {
        uuid(int(1000 * time) + $skew[$n % @skew]);
    });

    is($asked, 0, 'none, for as long as Redis knows all ids');
};

subtest 'random ids' => sub {
    my $make = sub ($n) { return sprintf '%08x-random', rand 2**32 };

    is(asked('random', KEPT, $make), 0, 'none of as many as Redis keeps');

    asked('random', WINDOW, $make);
    my $asked = asked('random', MORE, $make);
    cmp_ok($asked, '>=', MORE, "of @{[ MORE ]} more each: $asked");
    cmp_ok($asked, '<', 2 * MORE, 'and mostly once');
};

subtest 'a random id now and then' => sub {
    my $make = sub ($n) { return $n % 20 ? uuid() : "random-$n-" . rand };

    asked('mixed', KEPT + WINDOW, $make);
    my $asked = asked('mixed', MORE, $make);
    cmp_ok($asked, '<', 2 * MORE / 20, "those alone: $asked");
};

subtest 'one clock that is an hour fast' => sub {
    my $asked = asked('fast', KEPT / 2, sub ($n) {
        $n == 1 ? uuid(int(1000 * time) + 3_600_000) : uuid();
    });

    is($asked, 0, 'none, while that id is known');
};

done_testing;
