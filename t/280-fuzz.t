# The fuzzers: nothing that is known of them fails, and a few seconds of chance
# find nothing new.
#
#     make fuzz TIME=600 FUZZER=frame
#
# runs longer.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp qw(tempdir);
use Test::More;

my $root    = "$FindBin::Bin/..";
my $build   = "$root/build/fuzz";
my $seconds = 3;

for my $name ('node', map { m{([^/]+)\.c$} } glob "$FindBin::Bin/fuzz/*.c") {
    subtest $name => sub {
        my $own  = tempdir(CLEANUP => 1);
        my @dirs = ($own, grep { -d } "$FindBin::Bin/fuzz/corpus/$name");
        my @dict = map { "-dict=$_" } grep { -e }
            "$FindBin::Bin/fuzz/dict/$name";
        my @old  = glob "$FindBin::Bin/fuzz/corpus/regressions/$name-*";

        ok(-d "$FindBin::Bin/fuzz/corpus/$name", 'something is known of it');

        for my $file (@old) {
            my ($status, $told) = run("$build/$name", $file);

            is($status, 0, 'what was found once is mended: ' . $file =~ s{.*/}{}r)
                or diag($told);
        }

        my ($status, $told) = run("$build/$name",
            "-max_total_time=$seconds", '-seed=1', '-timeout=60',
            '-print_final_stats=1',
            "-artifact_prefix=$build/$name-", @dict, @dirs);

        is($status, 0, 'nothing is found') or diag($told);

        my ($runs) = $told =~ /number_of_executed_units: (\d+)/;
        cmp_ok($runs // 0, '>', 0, 'it has run');
    };
}

done_testing;


# exit status and output

sub run (@command) {
    local $ENV{ASAN_OPTIONS} = 'quarantine_size_mb=16';

    my $pid = open my $out, '-|' // die "fork: $!";

    if (!$pid) {
        open STDERR, '>&', \*STDOUT or die "dup: $!";
        exec @command or die "exec: $!";
    }

    local $/;
    my $told = <$out>;
    close $out;

    return ($?, $told);
}
