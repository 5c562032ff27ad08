# The alert rules and the board of conf/monitoring: Prometheus' own tool takes
# them, each rule fires for its reason alone, and all that they name is there.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use ChatTest::Command qw(run);
use ChatTest::Json qw(decode);

my $root = "$FindBin::Bin/..";
my $monitoring = "$root/conf/monitoring";


sub slurp ($name) {
    open my $file, '<', $name or die "cannot read $name: $!";
    local $/ = undef;

    return <$file>;
}


sub promtool_ok ($what, @arguments) {
    my ($code, $text) = run('promtool', @arguments);

    return is($code, 0, $what) || diag($text);
}


my $docs = slurp("$root/docs/operations.md");
my $rules = slurp("$monitoring/alerts.yml");
my $board = slurp("$monitoring/grafana.json");
my @alerts = $rules =~ /^ *- alert: (\w+)$/mg;


# names of metrics in a text, without what a histogram adds to its own

sub names ($text) {
    my %name = map { s/_(?:bucket|sum|count)$//r => 1 }
        $text =~ /\b(chat_(?:\w+_)?\w+|process_\w+)\b/g;

    return sort keys %name;
}


subtest 'promtool takes them' => sub {
    promtool_ok('the settings', qw(check config), "$monitoring/prometheus.yml");
    promtool_ok('the rules', qw(check rules), "$monitoring/alerts.yml");
    promtool_ok('each alert fires, and none where all is well',
                qw(test rules), "$monitoring/alerts_test.yml");
};

subtest 'each alert says what it is, and what to do' => sub {
    my $tests = slurp("$monitoring/alerts_test.yml");

    for my $alert (@alerts) {
        my ($rule) = $rules =~ /- alert: $alert\n(.*?)(?=\n\n|\z)/s;

        like($rule, qr/^ *severity: (?:page|ticket)$/m, "$alert: severity");
        like($rule, qr/^ *summary: ".+"$/m, 'summary');
        like($rule, qr/^ *action: ".+"$/m, 'action');
        ok(scalar($docs =~ /^\| `$alert` \| .+ \|$/m), 'it is in the docs');
        like($tests, qr/alertname="$alert"/, 'and tested');
    }

    for my $alert ($docs =~ /^\| `(Chat[A-Z]\w+)` \|/mg) {
        ok((grep { $_ eq $alert } @alerts), "$alert is a rule");
    }

    for my $anchor ($rules =~ /runbook: docs\/operations\.md#(\S+)/g) {
        my @headings = map { s/ /-/gr } map { lc }
            $docs =~ /^#+ (.+)$/mg;

        ok((grep { $_ eq $anchor } @headings), "#$anchor is a heading");
    }
};

subtest 'metrics that they ask for are told by somebody' => sub {
    for my $name (names($rules =~ s/^ *(?!expr|\||.*\().*$//mgr),
                  names(join "\n", $board =~ /"expr": (".*")/g))
    {
        next if $name =~ /^chat_\w+_(?:redis|sum)$/;
        ok(scalar($docs =~ /^\| `$name(?:\{[\w,]+\})?` \|/m), $name);
    }
};

subtest 'the board is what Grafana takes' => sub {
    my $data = decode($board);
    my (%id, %place);

    is($data->{uid}, 'ngx-chat', 'its name for links');
    is_deeply([map { $_->{name} } @{ $data->{templating}{list} }],
              ['datasource'], 'it asks which Prometheus');

    for my $panel (@{ $data->{panels} }) {
        my ($title, $at) = @$panel{qw(title gridPos)};

        ok(!$id{ $panel->{id} }++, "$title: an id of its own");
        cmp_ok($at->{x} + $at->{w}, '<=', 24, 'it fits');

        for my $y ($at->{y} .. $at->{y} + $at->{h} - 1) {
            for my $x ($at->{x} .. $at->{x} + $at->{w} - 1) {
                $place{overlap} = $title if $place{"$x,$y"}++;
            }
        }

        next if $panel->{type} eq 'row';
        like($panel->{type}, qr/^(?:timeseries|stat)$/, 'a type');
        ok(@{ $panel->{targets} } > 0, 'something is asked');
        is($_->{datasource}{uid}, '${datasource}', 'of that Prometheus')
            for $panel, @{ $panel->{targets} };
    }

    is($place{overlap}, undef, 'no panel lies on another');
};

done_testing;
