# The report of bench/bench as text.

package Bench::Report;

use v5.36;

use Exporter qw(import);

our @EXPORT_OK = qw(report);

my @PARTS = ('nginx', 'Redis', 'chat-persist', 'PostgreSQL', 'clients');


# machine, placement, and what of this was measured: connections, handshakes,
# cases, targets, stored

sub report ($r) {
    return join "\n", map { "$_\n" } grep { $_ ne '' }
        join("\n", $r->{machine}, "Processors: $r->{placement}"),
        _connections($r->{connections} // []),
        _handshakes($r->{handshakes} // []),
        map({ $_->(@{ $r->{cases} // [] }) } \&_costs, \&_delays, \&_parts),
        _targets(@{ $r->{targets} // [] }),
        defined $r->{stored} ? "$r->{stored} messages, nothing lost or doubled,"
            . ' all of them stored' : '';
}


sub _connections ($rows) {
    return '' if !@$rows;

    return join "\n", 'Memory of idle connections, bytes each (user side)',
        map {
            sprintf '  %-6s %6.0f  of %d', $_->{kind}, $_->{bytes},
                $_->{connections}
        } @$rows;
}


sub _handshakes ($rows) {
    return '' if !@$rows;

    return join "\n", 'Handshakes',
        sprintf('  %-24s %10s %22s', '', 'a second', 'us of processor time'),
        map {
            sprintf '  %-24s %10.0f %22.1f', $_->{kind}, $_->{per_second},
                $_->{cpu_us}
        } @$rows;
}


sub _costs (@cases) {
    return '' if !@cases;

    return join "\n", 'What a delivery costs: processor time, us',
        sprintf('  %-17s %10s %10s %6s  %-22s %6s %6s %6s %6s %6s %6s', '',
                'deliveries', 'the floor:', 'nginx', 'of the floor', '', '', '',
                'the', 'sends', 'writes'),
        sprintf('  %-17s %10s %10s %6s  %-22s %6s %6s %6s %6s %6s %6s',
                'case', 'a second', 'a second', 'busy', 'median (range)',
                'nginx', 'user', 'system', 'floor', 'each', 'each'),
        map { _cost($_) } @cases;
}


sub _cost ($case) {
    my ($nginx, $floor) = $case->@{qw(nginx floor)};

    return sprintf '  %-17s %10.0f %10.0f %5.0f%%  %-22s %6.2f %6s %6s %6.2f'
        . ' %6s %6s%s',
        $case->{name}, $nginx->{per_second}, $floor->{per_second},
        100 * $nginx->{busy},
        sprintf('%.2f (%.2f to %.2f)', $case->@{qw(ratio lowest highest)}),
        $nginx->{cpu_us}, _two($nginx->{user_us}), _two($nginx->{system_us}),
        $floor->{cpu_us}, _two($nginx->{sends}), _two($nginx->{writes}),
        _late($nginx, $floor);
}


sub _late ($nginx, $floor) {
    my @late = map { defined $_->[1]{kept} && !$_->[1]{kept} ? $_->[0] : () }
        ['nginx', $nginx], ['the floor', $floor];

    return @late ? '  late: ' . join(', ', @late) : '';
}


sub _two ($value) { return defined $value ? sprintf('%.2f', $value) : '-' }


sub _delays (@cases) {
    return '' if !@cases;

    return join "\n", 'From when a message was due, ms',
        sprintf('  %-17s  %-31s  %-31s  %s', '', 'to each who gets it',
                'to its reply', 'the floor'),
        sprintf('  %-17s  %s  %s  %s', 'case', _times('p50', 'p99', 'p99.9',
                'max'), _times('p50', 'p99', 'p99.9', 'max'),
                _times('p50', 'p99')),
        map {
            sprintf '  %-17s  %s  %s  %s', $_->{name},
                _ms($_->{nginx}{receive_us}, 50, 99, 99.9, 100),
                _ms($_->{nginx}{reply_us}, 50, 99, 99.9, 100),
                _ms($_->{floor}{receive_us}, 50, 99)
        } @cases;
}


sub _ms ($us, @percentiles) {
    return _times(map { sprintf '%.2f', $us->{$_} / 1000 } @percentiles);
}


sub _times (@texts) { return join ' ', map { sprintf '%7s', $_ } @texts }


sub _parts (@cases) {
    return '' if !@cases;

    return join "\n",
        'What a message takes, from its request to its row: us',
        sprintf('  %-17s  %s', 'case', join ' ', map { sprintf '%12s', $_ }
                                                     @PARTS),
        map {
            my $us = $_->{message_us};

            sprintf '  %-17s  %s', $_->{name}, join ' ',
                map { sprintf '%12.1f', $us->{$_} // 0 } @PARTS
        } @cases;
}


sub _targets (@targets) {
    return '' if !@targets;

    return join "\n", 'What was asked for', map {
        sprintf '  %-6s  %-50s  %6.2f, at most %.2f',
            $_->{met} ? 'met' : 'MISSED', $_->@{qw(what value limit)}
    } @targets;
}

1;
