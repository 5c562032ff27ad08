# The text format of Prometheus, 0.0.4, read strictly: what another program
# would have to guess at is an error.

package ChatTest::Metrics;

use v5.36;

use Carp qw(croak);
use Exporter qw(import);

our @EXPORT_OK = qw(parse_metrics);

my $name = qr/[a-zA-Z_:][a-zA-Z0-9_:]*/;
my $label = qr/[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"/;
my $number = qr/[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN/;


# { 'name{label="value"}' => value } and { name => type }

sub parse_metrics ($text) {
    my (%value, %type, %help, %done, $family);

    croak 'the text does not end with a newline' if $text !~ /\n\z/;

    for my $line (split /\n/, $text) {
        if ($line =~ /^# HELP ($name) (\S.*)$/) {
            croak "second HELP of $1" if $help{$1}++;
            $family = _begin($1, $family, \%done);
            next;
        }

        if ($line =~ /^# TYPE ($name) (counter|gauge|histogram)$/) {
            croak "TYPE of $1 is not beside its HELP" if $1 ne $family;
            croak "second TYPE of $1" if $type{$1};
            $type{$1} = $2;
            next;
        }

        my ($series, $labels, $value) =
            $line =~ /^($name)((?:\{$label(?:,$label)*\})?) ($number)$/
            or croak "not of the format: $line";

        _belongs($series, $family, $type{ $family // '' });
        croak "twice: $series$labels" if exists $value{"$series$labels"};
        $value{"$series$labels"} = $value;
    }

    _check_histogram($_, \%value)
        for grep { $type{$_} eq 'histogram' } keys %type;

    return (\%value, \%type);
}


# all lines of a metric stand together

sub _begin ($new, $family, $done) {
    $done->{$family} = 1 if defined $family;
    croak "$new has begun before" if $done->{$new};

    return $new;
}


sub _belongs ($series, $family, $type) {
    croak "$series has no TYPE" if !$type;

    my $fits = $type eq 'histogram' ? $series =~ /^${family}_(?:bucket|sum|count)$/
        : $series eq $family;

    croak "$series is not of $family" if !$fits;
    croak "$series is a counter and has another name"
        if $type eq 'counter' && $series !~ /_total$/;

    return;
}


# each set of labels is a histogram of its own

sub _check_histogram ($family, $value) {
    my %buckets;

    for (keys %$value) {
        $buckets{ $1 // '' }{$2} = $value->{$_}
            if /^\Q$family\E_bucket\{(?:(.+),)?le="([^"]+)"\}$/;
    }

    croak "$family: no buckets" if !%buckets;

    _check_buckets($family, $_ eq '' ? '' : "{$_}", $buckets{$_}, $value)
        for keys %buckets;

    return;
}


# buckets grow with their bounds, and the last one holds everything

sub _check_buckets ($family, $labels, $bucket, $value) {
    my $count = 0;

    for my $le (sort { $a <=> $b } keys %$bucket) {
        croak "$family$labels: the bucket of $le is less than one before"
            if $bucket->{$le} < $count;
        $count = $bucket->{$le};
    }

    croak "$family$labels: no bucket of +Inf" if !exists $bucket->{'+Inf'};
    croak "$family$labels: count and last bucket differ"
        if $count != $value->{"${family}_count$labels"};
    croak "$family$labels: no sum"
        if !defined $value->{"${family}_sum$labels"};

    return;
}

1;
