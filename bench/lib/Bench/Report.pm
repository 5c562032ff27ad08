# What the runs of bench/bench amount to: figures of each case, which of the
# targets are met, all of it as text.

package Bench::Report;

use v5.36;

use Exporter qw(import);
use List::Util qw(max min sum);

use Bench::Figures qw(median);
use Bench::Histogram qw(percentile unite);

our @EXPORT_OK = qw(lines summary targets);

# of processor time and calls per delivery
use constant {
    RATIO      => 1.25,     # of the floor, in the case that is asked for
    USER       => 1.0,      # us
    SENDS      => 1.05,
    TOGETHER   => 8,        # deliveries per call: several messages have met
    SAVED      => 0.5,      # of the floor, where they have
    TICKS      => 1000,     # of the clock, for user and system to be told
    ASKED      => '1x1000@100',
};

my @PERCENTILES = (50, 90, 99, 99.9, 100);


# Pairs of runs (Bench::Fanout) => figures.  Ratios are those of pairs, of which
# the median is taken; everything else is of all runs together.

sub summary ($name, @pairs) {
    my @chat = map { $_->{chat} } @pairs;
    my @floor = map { $_->{floor} } @pairs;
    my @ratios = map { per_delivery($_->{chat}) / per_delivery($_->{floor}) }
        @pairs;

    return {
        name    => $name,
        pairs   => scalar @pairs,
        ratio   => median(@ratios),
        lowest  => min(@ratios),
        highest => max(@ratios),
        nginx   => {
            _cost(@chat),
            messages   => sum(map { $_->{messages} } @chat),
            refused    => sum(map { $_->{refused} } @chat),
            receive_us => _percentiles(map { $_->{receive} } @chat),
            reply_us   => _percentiles(map { $_->{reply} } @chat),
        },
        floor   => {
            _cost(@floor),
            receive_us => _percentiles(map { $_->{receive} } @floor),
        },
    };
}


# us of processor time

sub per_delivery ($run) { return $run->{ns} / 1000 / $run->{deliveries} }


sub _cost (@runs) {
    my %sum = map {
        my $name = $_;
        my @figures = map { $_->{$name} } @runs;

        $name => @figures == (grep { defined } @figures) ? sum(@figures) : undef
    } qw(ns user system deliveries bytes us sends writes);
    my $ticks = $sum{user} + $sum{system};
    my $cpu = per_delivery(\%sum);

    return (
        deliveries => $sum{deliveries},
        bytes      => $sum{bytes} / $sum{deliveries},
        per_second => $sum{deliveries} / $sum{us} * 1e6,
        busy       => $sum{ns} / 1000 / $sum{us},
        cpu_us     => $cpu,
        user_us    => $ticks < TICKS ? undef : $cpu * $sum{user} / $ticks,
        system_us  => $ticks < TICKS ? undef : $cpu * $sum{system} / $ticks,
        sends      => defined $sum{sends} ? $sum{sends} / $sum{deliveries}
            : undef,
        writes     => defined $sum{writes} ? $sum{writes} / $sum{deliveries}
            : undef,
    );
}


sub _percentiles (@histograms) {
    my %all;

    for my $histogram (@histograms) {
        $all{$_} += $histogram->{$_} for keys %$histogram;
    }

    return { map { $_ => percentile(\%all, $_) } @PERCENTILES };
}


# What is asked for, of summaries => { what, limit, value, met }; a figure that
# is not known is not looked at.

sub targets (@cases) {
    my @targets;

    for my $case (@cases) {
        my $nginx = $case->{nginx};
        my $sends = $nginx->{sends} // $nginx->{writes};
        my $add = sub ($what, $value, $limit) {
            push @targets, {
                what  => "$case->{name}: $what",
                limit => $limit,
                value => $value,
                met   => $value <= $limit ? 1 : 0,
            } if defined $value;
        };

        $add->('of the floor', $case->{ratio}, RATIO)
            if $case->{name} eq ASKED;
        $add->('of the floor, where messages meet', $case->{ratio}, SAVED)
            if defined $sends && $sends * TOGETHER <= 1;
        $add->('send calls', $nginx->{sends}, SENDS);
        $add->('us of user time', $nginx->{user_us}, USER);
    }

    return @targets;
}


# -- as text ------------------------------------------------------------------

sub head () {
    return sprintf("%-16s %8s %6s  %-20s  %6s %6s %6s  %6s %6s  %-17s  %-17s",
                   'rooms x members', 'deliv.', 'nginx', 'of the floor',
                   'us', 'user', 'system', 'writes', 'floor', 'receive, ms',
                   'reply, ms'),
        sprintf("%-16s %8s %6s  %-20s  %6s %6s %6s  %6s %6s  %5s %5s %5s"
                . "  %5s %5s %5s", '@ messages/s', '/s', 'busy', 'median (range)',
                '', '', '', 'each', 'us', 'p50', 'p99', 'max', 'p50', 'p99',
                'max');
}


sub line ($case) {
    my ($nginx, $floor) = $case->@{qw(nginx floor)};

    return sprintf "%-16s %8.0f %5.0f%%  %4.2f (%4.2f to %5.2f)  %6.2f %6s %6s"
        . "  %6s %6.2f  %s  %s",
        $case->{name}, $nginx->{per_second}, 100 * $nginx->{busy},
        $case->@{qw(ratio lowest highest)}, $nginx->{cpu_us},
        (map { defined $_ ? sprintf('%.2f', $_) : '-' }
         $nginx->@{qw(user_us system_us writes)}), $floor->{cpu_us},
        map { _times($nginx->{$_}) } qw(receive_us reply_us);
}


sub _times ($us) {
    return join ' ', map { sprintf '%5.4g', $us->{$_} / 1000 } 50, 99, 100;
}

1;
