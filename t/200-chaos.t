# Clients do all they can while everything that they need is killed, stopped
# and cut off: nothing is lost, doubled or out of order.  A run of about a
# minute; "make chaos SEED=n MINUTES=m" is the same for longer.
#
# CHAT_CHAOS_SEED is the seed instead of those that are tried here in turn.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp qw(tempdir);
use Test::More;

use ChatTest::Process;

use constant { MINUTES => 0.4, LIMIT => 240 };

my %runs = $ENV{CHAT_CHAOS_SEED} ? ($ENV{CHAT_CHAOS_SEED} => [])
    : (3 => [], 11 => ['--asan']);
my $directory = tempdir('chat-XXXXXX', TMPDIR => 1, CLEANUP => 1);

$SIG{$_} = sub { exit 1 } for qw(INT TERM HUP);


sub text ($path) {
    open my $file, '<', $path or return '';
    local $/ = undef;

    return <$file> // '';
}


for my $seed (sort { $a <=> $b } keys %runs) {
    my $chaos = ChatTest::Process->new(
        name    => 'chaos',
        log     => "$directory/$seed.log",
        command => [$^X, "$FindBin::Bin/chaos/chaos", '--seed', $seed,
                    '--minutes', MINUTES, @{ $runs{$seed} }],
    );

    $chaos->start;
    my $status = eval { $chaos->wait_end(LIMIT) };

    ok(defined $status && $status == 0, "seed $seed")
        or diag(text("$directory/$seed.log"));
    note(text("$directory/$seed.log"));
}

done_testing;

END {
    my $status = $?;

    ChatTest::Process::stop_all();
    $? = $status;
}
