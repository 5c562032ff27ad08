# While an event of a large conversation is being sent, in many turns of the
# event loop, a user is revoked and a token expires: both are put out then, with
# the beginning of what was said or nothing, and the others are told all of it.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant {
    CROWD    => 48,     # 10 ms of each for a message (t/preload/slow.c)
    OUT      => 6,
    MESSAGES => 5,
    LIFE     => 3,      # seconds
};

my $chat = ChatTest->new(workers => 1, preload => ['slow']);
$chat->start;
$chat->create('lobby', type => 'channel');

my @said = map { "(wait) $_" } 1 .. MESSAGES;


sub enter ($user, %claims) {
    my $client = $chat->connect(user => $user, claims => \%claims);

    $client->join('lobby');

    return $client;
}


sub cut () { return $chat->metrics->{'chat_turns_cut_total{what="flush"}'} }


# the beginning of what was said, in order, and nothing else

sub beginning_ok ($client, $name) {
    my @heard = map { $_->{data}{content} }
        grep { $_->{type} eq 'message.created' } @{ $client->{events} };

    is_deeply(\@heard, [@said[0 .. $#heard]], $name);

    return;
}


my $alice = enter('alice');
my @crowd = map { enter('ada') } 1 .. CROWD;

subtest 'revoked meanwhile' => sub {
    my @eve = map { enter('eve') } 1 .. OUT;
    my $before = cut();

    $alice->post('message.send', { conversationId => 'lobby', content => $_ })
        for @said;
    $chat->chatctl_must(qw(revoke user eve));

    for my $client (@eve) {
        is(eval { $client->expect_close(4403, 30) }, 'revoked', 'put out');
        beginning_ok($client, 'with nothing out of order');
    }

    cmp_ok(cut() - $before, '>', 1, 'the flush was cut');

    for my $client (@crowd[0, CROWD / 2, -1]) {
        is_deeply([map { $client->hear('lobby')->{content} } @said], \@said,
                  'who stays has all');
    }
};

subtest 'expired meanwhile' => sub {
    my @old = map { enter('dora', exp => time + LIFE) } 1 .. OUT;

    $alice->post('message.send', { conversationId => 'lobby', content => $_ })
        for @said;

    for my $client (@old) {
        is(eval { $client->expect_close(4401, 30); 1 }, 1, 'put out');
        beginning_ok($client, 'with nothing out of order');
    }

    ok($alice->request('ping'), 'it goes on');
};

done_testing;
