# What is in the memory of a process.

package ChatTest::Memory;

use v5.36;
no warnings qw(portable);      # addresses have 64 bits

use Carp qw(croak);
use Exporter qw(import);

our @EXPORT_OK = qw(find_in_memory);


# where any of these texts is in what the process can write to: a line for
# each place, with what stands around it

sub find_in_memory ($pid, @texts) {
    my $any = join '|', map { quotemeta } @texts;
    my @found;

    open my $memory, '<:raw', "/proc/$pid/mem"
        or croak "cannot read the memory of $pid: $!";

    for my $region (_regions($pid)) {
        my ($from, $to, $name) = @$region;

        sysseek $memory, $from, 0;
        my $n = sysread $memory, my $bytes, $to - $from;
        next if !$n;

        while ($bytes =~ /$any/g) {
            my $at = $-[0];
            my $before = substr $bytes, $at > 80 ? $at - 80 : 0, 160;
            push @found, sprintf '%s %x: %s', $name, $from + $at,
                $before =~ s/[^ -~]/./gr;
        }
    }

    return @found;
}


sub _regions ($pid) {
    open my $maps, '<', "/proc/$pid/maps"
        or croak "cannot read the maps of $pid: $!";

    return map {
        /^([0-9a-f]+)-([0-9a-f]+) rw\S+ \S+ \S+ \S+ *(.*)/
            ? [hex $1, hex $2, $3 || 'memory'] : ()
    } <$maps>;
}

1;
