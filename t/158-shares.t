# Several chat-persists share the partitions evenly, whatever comes and goes,
# and nothing moves that need not.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant PARTITIONS => 16;

my $chat = ChatTest->new(workers => 1,
                         location => 'chat_request_timeout 1m;');
$chat->start;
$chat->create('lobby');

my $alice = $chat->connect(user => 'alice');
my %holders = (1 => $chat->part('persist'));
my $said = 0;

$alice->join('lobby');


# how many partitions each holder has, the fewest first

sub shares () {
    return join ' ', split /\n/, $chat->psql(<<~'END');
        SELECT count(*) FROM chat.partition WHERE lease_until > now()
        GROUP BY holder ORDER BY 1
        END
}


# partition => fence, which each move raises

sub fences () {
    return map { split /\|/ }
        split /\n/, $chat->psql('SELECT p, fence FROM chat.partition');
}


sub start_some (@names) {
    for my $name (@names) {
        $holders{$name} = $chat->command("persist-$name", 'chat-persist');
        $holders{$name}->start;
    }

    return;
}


sub say_some () {
    $alice->say_all('lobby', map { "message $_" } 1 .. 20);
    $said += 20;
    $chat->wait_stored;

    return;
}


# waits until the partitions are shared so

sub shared_ok ($shares, $title) {
    my $so = eval { wait_until { shares() eq $shares } 15 };

    ok($so, $title) or diag('it is ' . shares());
    say_some();

    return;
}


subtest 'they share evenly' => sub {
    shared_ok('16', 'one has all');

    my %before = fences();
    start_some(2);
    shared_ok('8 8', 'two');
    my %after = fences();
    is(scalar(grep { $after{$_} != $before{$_} } keys %after), PARTITIONS / 2,
       'half of them have moved, each once');

    start_some(3);
    shared_ok('5 5 6', 'three');
    start_some(4, 5);
    shared_ok('3 3 3 3 4', 'five');
};

subtest 'nothing moves while nobody comes or goes' => sub {
    my %before = fences();
    my ($renewed) = $chat->psql('SELECT max(lease_until) FROM
                                 chat.partition');

    wait_until {
        $chat->psql("SELECT min(lease_until) > '$renewed'::timestamptz
                     + interval '3 s' FROM chat.partition") eq 't';
    };
    is_deeply({ fences() }, \%before, 'for some seconds');
};

subtest 'who goes leaves its share to the others' => sub {
    $holders{2}->end;
    shared_ok('4 4 4 4', 'one is told to');
    $holders{3}->end('KILL');
    shared_ok('5 5 6', 'one is killed');
    $holders{4}->signal('STOP');
    shared_ok('8 8', 'one stands still');
    $holders{4}->signal('CONT');
    shared_ok('5 5 6', 'and goes on');
    $holders{$_}->end for 1, 4, 5;
    is(shares(), '', 'nobody is left');
    $chat->start_part('persist');
    shared_ok('16', 'one comes back');
};

subtest 'every message is stored once' => sub {
    is($chat->psql('SELECT count(*), max(sequence), count(DISTINCT sequence)
                    FROM chat.message'), join('|', ($said) x 3), 'all of them');
    is($chat->psql('SELECT count(*) FROM chat.dead_letter'), 0,
       'no dead letter');
};


subtest 'more holders than partitions' => sub {
    my $few = ChatTest->new(workers => 1, partitions => 3,
                            http => 'chat_partitions 3;'
                                    . ' chat_request_timeout 1m;');

    $few->start;
    $few->create('lobby');

    my @more = map { $few->command("more-$_", 'chat-persist')->start }
        1 .. 4;

    wait_until {
        $few->psql('SELECT count(DISTINCT holder), count(holder)
                    FROM chat.partition') eq '3|3'
    } 15;
    pass('one each');
    is($few->psql('SELECT count(*), sum(share), max(share)
                   FROM chat.holder_share'), '5|3|1', 'of five');

    $few->connect(user => 'bob')->say('lobby', 'hello');
    $few->wait_stored;
    $_->end for @more;
    is($few->psql('SELECT count(*) FROM chat.message'), 1, 'all is stored');
};

done_testing;
