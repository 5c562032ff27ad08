# A process that is to leave closes the session of its canary, too: that is no
# failure, whatever it was waiting for.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Metrics qw(parse_metrics);

my $chat = ChatTest->new(canary => '1s', partitions => 1,
                         http => 'chat_partitions 1;');
$chat->start;


sub metrics () {
    return (parse_metrics($chat->http(path => '/metrics')->body))[0];
}


sub sings () {
    my $before = metrics()->{chat_canary_stored_seconds_count};

    wait_until { metrics()->{chat_canary_stored_seconds_count} > $before } 20;
    $chat->wait_stored;

    return;
}


# how often chat-persist was asked for something

sub asked () {
    my %info = split /\n/, $chat->redis_cli('XINFO', 'STREAM',
                                            'chat:{p00}:need');

    return $info{'entries-added'};
}


sings();
my $at_first = metrics();               # whose links may have come late

# the first thing that the next process asks for must wait for chat-persist

$chat->redis_cli('DEL', split /\n/, $chat->redis_cli('KEYS', '*/canary-*'));
$chat->freeze('persist');

my $before = asked();
my ($first) = $chat->workers;
$chat->reload;

my $second = wait_until {
    my @others = grep { $_ != $first } $chat->workers;

    @others && $others[0];
};

wait_until { asked() > $before };
$chat->reload;

# it is told to leave, and waits for its answer

wait_until { my %is = map { $_ => 1 } $chat->workers; keys %is > 1 };
$chat->thaw('persist');
wait_until { my %is = map { $_ => 1 } $chat->workers; !$is{$second} } 20;

for my $fate (qw(lost unstored failed)) {
    my $name = "chat_canary_${fate}_total";

    is(metrics()->{$name}, $at_first->{$name}, "no change was $fate");
}

sings();
pass('the next one sings');

done_testing;
