# kill -9 of each process in turn, while two users on two nodes keep talking.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(all sum);

use ChatTest;
use ChatTest::Talker;

use constant COUNT => 200;

my $chat = ChatTest->new(workers => 2, redis_options => 'timeout=1s');
$chat->logs->allow(qr/worker process \d+ exited on signal 9/);
$chat->start;
$chat->create('lobby');

my @talkers = map {
    ChatTest::Talker->new(chat => $chat, conversation => 'lobby',
                          user => $_, count => COUNT)
} qw(alice bob);


$talkers[0]->turn;
$talkers[1]->elsewhere_than($talkers[0]);


# both talk until so much is said

sub talk_until ($said) {
    wait_until {
        $_->turn for @talkers;
        $said <= sum map { $_->said } @talkers;
    } 30;

    return;
}


# kills something half way to the next mark, and lets it come back at once

my $mark = 0;

sub survives ($what, $kill) {
    subtest "$what is killed" => sub {
        talk_until($mark + 20);
        $kill->();
        $mark += 80;
        talk_until($mark);
        pass('they talk on');
    };

    return;
}


survives($_, sub { $chat->kill($_); $chat->restart($_) })
    for qw(persist redis postgres);

survives('every nginx worker', sub { kill 'KILL', $chat->workers });

subtest 'both have said and heard everything' => sub {
    wait_until {
        $_->turn for @talkers;
        all { $_->done && $_->heard == 2 * COUNT } @talkers;
    } 30;

    for (@talkers) {
        is_deeply([map { $_->{sequenceNumber} } $_->heard],
                  [1 .. 2 * COUNT], 'in order, without gap or double');
        is($_->resets, 0, 'and never had to start over');
    }

    my @heard = map { [map { $_->{id} } $_->heard] } @talkers;
    is_deeply($heard[0], $heard[1], 'both the same');

    my %ids = map { $_->{clientMessageId} => 1 } $talkers[0]->heard;
    is(keys %ids, 2 * COUNT, 'every message once');
    is($_->lost, 1, 'once the connection was lost') for @talkers;
};

subtest 'all of it is in PostgreSQL' => sub {
    $chat->wait_stored(20);

    my $rows = $chat->psql(<<~'END');
        SELECT sequence, id, revision FROM chat.message ORDER BY sequence
        END
    my @heard = map { "$_->{sequenceNumber}|$_->{id}|$_->{revision}" }
        $talkers[0]->heard;

    is_deeply([split /\n/, $rows], \@heard, 'as it was heard');
    is($chat->psql('SELECT count(*) FROM chat.dead_letter'), 0,
       'no dead letter');
};

done_testing;
