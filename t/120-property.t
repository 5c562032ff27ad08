# Random operations of many users, against a model of the rules: every reply,
# every event, and what is stored in the end must be as the model has it.
#
#     make property SEED=7 OPERATIONS=100000
#
# does the same for longer, from one seed.  With LIBRARY, a file, that function
# library is tested instead: see t/property/mutations.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(time);

use ChatTest;
use ChatTest::Model;

# what must happen for a run to mean anything
use constant { PART => 1500, EMPTY_EACH => 20_000, PARTS => 2 };

my $chat = ChatTest->new(workers => 2, ChatTest::Model->configuration);
$chat->start;

my ($seed, $operations) = @ENV{qw(SEED OPERATIONS)};
my @seeds = length($seed // '') ? $seed
    : $operations ? 1 + int rand 1e6 : (1, 1 + int rand 1e6);
my $library = defined $ENV{LIBRARY} ? slurp($ENV{LIBRARY}) : undef;
my %needs;


sub slurp ($path) {
    open my $file, '<', $path or die "cannot read $path: $!";
    local $/ = undef;

    return <$file>;
}


sub run_seed ($seed, $operations) {
    my $begin = time;
    my $model = ChatTest::Model->new(
        chat => $chat, seed => $seed, library => $library,
        scale => $operations > 50_000 ? 2 : 1);
    my $emptied = 0;

    while ((my $left = $operations - $model->operations) > 0) {
        $model->run($left < PART ? $left : PART);

        my $due = 1 + int $model->operations / EMPTY_EACH;
        $model->rest(empty => $emptied < $due);
        $emptied = $due;
    }

    $model->finish;

    my $seconds = time - $begin;
    note sprintf '%d operations in %.1f s, %d a second', $model->operations,
        $seconds, $model->operations / $seconds;

    my %counts = $model->counts;
    note "$_: $counts{$_}" for sort keys %counts;

    my %asked = $model->needs;
    $needs{$_} += $asked{$_} for keys %asked;

    return;
}


for my $seed (@seeds) {
    subtest "seed $seed" => sub {
        run_seed($seed, $operations || PARTS * PART);
        pass('everything is as the model has it');
    };
}

subtest 'everything that Redis can lack was asked for' => sub {
    for (qw(conversation client message range history list)) {
        cmp_ok($needs{$_} // 0, '>', 0, "$_: " . ($needs{$_} // 0));
    }
};

done_testing;
