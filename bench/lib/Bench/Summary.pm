# What the pairs of a case amount to, and what is asked of it.

package Bench::Summary;

use v5.36;

use Exporter qw(import);
use List::Util qw(max min sum);

use Bench::Figures qw(median);
use Bench::Histogram qw(percentile);

our @EXPORT_OK = qw(summary targets);

# per delivery
use constant {
    ASKED    => '1x1000@100',
    RATIO    => 1.25,       # of the floor's processor time, in that case
    USER     => 1.0,        # us
    SENDS    => 1.05,       # calls
    TOGETHER => 8,          # deliveries per call: so many messages have met
    SAVED    => 0.5,        # of the floor, where they have
    TICKS    => 100,        # of the clock, for user and system to be told
    KEPT     => 0.95,       # of a rate, to have been kept up with
};

my @PERCENTILES = (50, 90, 99, 99.9, 100);


# The case, with its name and perhaps a rate; pairs of runs (Bench::Fanout).
# Ratios are those of pairs, of which the median is taken; everything else is of
# all runs together.

sub summary ($case, @pairs) {
    my @chat = map { $_->{chat} } @pairs;
    my @floor = map { $_->{floor} } @pairs;
    my @ratios = map {
        _cpu($_->{chat}) / _cpu($_->{floor})
    } @pairs;
    my $nginx = _cost(@chat);
    my $messages = _sum(messages => @chat);

    return {
        name    => $case->{name},
        pairs   => scalar @pairs,
        ratio   => median(@ratios),
        lowest  => min(@ratios),
        highest => max(@ratios),
        nginx   => {
            %$nginx,
            messages   => $messages,
            refused    => _sum(refused => @chat),
            kept       => _kept($case, $messages, _sum(us => @chat)),
            receive_us => _percentiles(map { $_->{receive} } @chat),
            reply_us   => _percentiles(map { $_->{reply} } @chat),
        },
        floor   => {
            %{ _cost(@floor) },
            kept       => _kept($case, _sum(messages => @floor),
                                _sum(us => @floor)),
            receive_us => _percentiles(map { $_->{receive} } @floor),
        },
        message_us => _per_message($messages, @chat),
    };
}


sub _sum ($name, @runs) { return sum(0, map { $_->{$name} } @runs) }


# us of processor time for a delivery

sub _cpu ($run) { return $run->{ns} / 1000 / $run->{deliveries} }


sub _kept ($case, $messages, $us) {
    return undef if !$case->{rate};

    return $messages / $us * 1e6 >= KEPT * $case->{rate} ? 1 : 0;
}


# of a delivery; user and system have their parts by the ticks of the clock

sub _cost (@runs) {
    my %sum = map { $_ => _sum($_ => @runs) }
        qw(ns user system deliveries bytes us);
    my $cpu = _cpu(\%sum);
    my $ticks = $sum{user} + $sum{system};
    my %cost = (
        deliveries => $sum{deliveries},
        per_second => $sum{deliveries} / $sum{us} * 1e6,
        bytes      => $sum{bytes} / $sum{deliveries},
        busy       => $sum{ns} / 1000 / $sum{us},
        cpu_us     => $cpu,
    );

    if ($ticks >= TICKS) {
        $cost{user_us} = $cpu * $sum{user} / $ticks;
        $cost{system_us} = $cpu * $sum{system} / $ticks;
    }

    for my $calls (qw(sends writes)) {
        $cost{$calls} = _sum($calls => @runs) / $sum{deliveries}
            if @runs == grep { defined $_->{$calls} } @runs;
    }

    return \%cost;
}


# us of processor time that each part takes for a message, from its request to
# its row in PostgreSQL

sub _per_message ($messages, @chat) {
    my %us = (nginx => _sum(ns => @chat) / 1000 / $messages);

    for my $part (keys %{ $chat[0]{parts} }) {
        $us{$part} = sum(map { $_->{parts}{$part} } @chat) / 1000 / $messages;
    }

    return \%us;
}


sub _percentiles (@histograms) {
    my %all;

    for my $histogram (@histograms) {
        $all{$_} += $histogram->{$_} for keys %$histogram;
    }

    return { map { $_ => percentile(\%all, $_) } @PERCENTILES };
}


# What is asked for, of summaries => [{ what, limit, value, met }]; a figure
# that is not known is not looked at.  Where nginx is late, messages meet, and
# where the floor is, it waits: then their ratio says nothing.

sub targets (@cases) {
    my @targets;

    for my $case (@cases) {
        my $nginx = $case->{nginx};
        my $calls = $nginx->{sends} // $nginx->{writes} // 1;
        my @asked = (
            ['send calls per delivery', $nginx->{sends}, SENDS],
            ['us of user time per delivery', $nginx->{user_us}, USER],
        );

        push @asked, ['of the floor', $case->{ratio}, RATIO,
                      $nginx->{kept} && $case->{floor}{kept}]
            if $case->{name} eq ASKED;
        push @asked, ['of the floor where messages meet', $case->{ratio}, SAVED]
            if $calls * TOGETHER <= 1;

        push @targets, map {
            my ($what, $value, $limit, $valid) = (@$_, 1);

            defined $value ? {
                what  => "$case->{name}: $what" . ($valid ? '' : ' (late)'),
                limit => $limit,
                value => $value,
                met   => $valid && $value <= $limit ? 1 : 0,
            } : ();
        } @asked;
    }

    return \@targets;
}

1;
