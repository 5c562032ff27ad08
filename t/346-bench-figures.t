# The arithmetic of the report of "make bench", on figures that are known.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../bench/lib";

use Test::More;

use Bench::Histogram qw(percentile unite);
use Bench::Report qw(report);
use Bench::Summary qw(summary targets);

# Two pairs, of 1,000 and 3,000 deliveries: 4 and 8 us each in nginx, of which
# a quarter is the user's, against 4 and 5 of the floor.
my @pairs = (
    {
        chat  => run(deliveries => 1000, ns => 4_000_000, user => 100,
                     system => 300, messages => 10, us => 500_000,
                     sends => 1000, writes => 1010,
                     receive => { 100 => 999, 9000 => 1 },
                     reply => { 200 => 10 },
                     parts => { Redis => 1_000_000, clients => 2_000_000 }),
        floor => run(deliveries => 1000, ns => 4_000_000, us => 500_000,
                     messages => 10),
    },
    {
        chat  => run(deliveries => 3000, ns => 24_000_000, user => 100,
                     system => 300, messages => 30, us => 1_500_000,
                     sends => 3120, writes => 3150,
                     receive => { 100 => 1, 300 => 2999 },
                     reply => { 200 => 10, 400 => 20 },
                     parts => { Redis => 3_000_000, clients => 4_000_000 }),
        floor => run(deliveries => 3000, ns => 15_000_000, us => 1_500_000,
                     messages => 30),
    },
);


sub run (%o) {
    return {
        user => 0, system => 0, bytes => 400 * $o{deliveries}, refused => 0,
        receive => { 50 => $o{deliveries} }, %o,
    };
}


subtest 'a percentile is the nearest rank' => sub {
    my $count = unite('10:5,20:4', '20:1', '', '30:1');

    is_deeply $count, { 10 => 5, 20 => 5, 30 => 1 }, 'histograms are united';
    is percentile($count, 0.1), 10, 'the first';
    is percentile($count, 45), 10, 'the fifth of eleven';
    is percentile($count, 46), 20, 'the sixth';
    is percentile($count, 91), 30, 'the eleventh';
    is percentile($count, 100), 30, 'the last';
    is percentile({}, 50), 0, 'nothing was measured';
};


subtest 'costs are those of all runs, ratios those of pairs' => sub {
    my $case = summary({ name => '1x100@20', rate => 20 }, @pairs);
    my $nginx = $case->{nginx};

    is $case->{pairs}, 2, 'pairs';
    is $case->{lowest}, 1, 'the lowest ratio';
    is $case->{highest}, 1.6, 'the highest';
    is $case->{ratio}, 1.3, 'the median';
    is $nginx->{deliveries}, 4000, 'deliveries';
    is $nginx->{per_second}, 2000, 'a second';
    is $nginx->{cpu_us}, 7, 'processor time';
    is $nginx->{user_us}, 1.75, "the user's part";
    is $nginx->{system_us}, 5.25, "the system's part";
    is $nginx->{busy}, 0.014, 'how busy it was';
    is $nginx->{sends}, 1.03, 'send calls';
    is $nginx->{writes}, 1.04, 'calls that write';
    is $nginx->{bytes}, 400, 'bytes';
    is $nginx->{kept}, 1, 'the rate was kept up with';
    is $case->{floor}{cpu_us}, 4.75, 'the floor';
    is $case->{floor}{user_us}, undef, 'too few ticks tell nothing';
    is_deeply $case->{message_us},
        { nginx => 700, Redis => 100, clients => 150 }, 'what a message takes';
    is_deeply $nginx->{receive_us},
        { 50 => 300, 90 => 300, 99 => 300, 99.9 => 300, 100 => 9000 },
        'delays to receivers';
    is_deeply $nginx->{reply_us},
        { 50 => 200, 90 => 400, 99 => 400, 99.9 => 400, 100 => 400 },
        'delays to replies';
};


subtest 'targets' => sub {
    my $asked = summary({ name => '1x1000@100', rate => 100 }, @pairs);
    my $met = summary({ name => '1x8@max/8' }, {
        chat  => run(deliveries => 1000, ns => 900_000, sends => 125,
                     user => 60, system => 60, messages => 10, us => 500_000,
                     reply => {}, parts => {}),
        floor => run(deliveries => 1000, ns => 2_000_000, us => 500_000,
                     messages => 10),
    });

    is_deeply [map { [$_->@{qw(what value met)}] } @{ targets($asked, $met) }],
        [
            ['1x1000@100: send calls per delivery', 1.03, 1],
            ['1x1000@100: us of user time per delivery', 1.75, 0],
            ['1x1000@100: of the floor (late)', 1.3, 0],
            ['1x8@max/8: send calls per delivery', 0.125, 1],
            ['1x8@max/8: us of user time per delivery', 0.45, 1],
            ['1x8@max/8: of the floor where messages meet', 0.45, 1],
        ], 'what is asked for, where it is';
    is_deeply [map { [$_->{value}, $_->{met}] } grep { $_->{what} =~ /floor$/ }
               @{ targets(summary({ name => '1x1000@100', rate => 20 },
                                  $pairs[0])) }],
        [[1, 1]], 'the ratio counts where nobody was late';
    is $asked->{nginx}{kept}, 0, 'a rate that was not kept up with';
    is $met->{nginx}{kept}, undef, 'there was no rate';
};


subtest 'the report tells it' => sub {
    my $case = summary({ name => '1x1000@100', rate => 100 }, @pairs);
    my $text = report({
        machine   => 'a machine', placement => 'somewhere', cases => [$case],
        targets   => targets($case), stored => 40,
        handshakes => [{ kind => 'plain', per_second => 1234.4,
                         cpu_us => 31.26 }],
        connections => [{ kind => 'plain', bytes => 1100.4,
                          connections => 10 }],
    });

    like $text, qr/^\s+1x1000\@100\s+2000\s+2000\s+1%
        \s+1\.30\s\(1\.00\sto\s1\.60\)
        \s+7\.00\s+1\.75\s+5\.25\s+4\.75\s+1\.03\s+1\.04\s+late:\snginx,\sthe\sfloor$/mx, 'costs';
    like $text, qr/^\s+1x1000\@100(?:\s+0\.30){3}\s+9\.00\s+0\.20\s+0\.40/m,
        'delays';
    like $text, qr/^  MISSED +1x1000\@100: of the floor \(late\) +1\.30, at most/m,
        'a target';
    like $text, qr/^  plain +1234 +31\.3$/m, 'handshakes';
    like $text, qr/^  plain +1100  of 10$/m, 'connections';
    like $text, qr/^40 messages, nothing lost/m, 'messages';
};

done_testing;
