# A real Prometheus with the shipped settings, and everything it scrapes: the
# targets are up, the rules evaluate, every query of the board is answered, and
# real faults raise their alerts.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use HTTP::Tiny;

use ChatTest;
use ChatTest::Command qw(run);
use ChatTest::Json qw(decode);
use ChatTest::Port qw(take_port);
use ChatTest::Process;
use ChatTest::Provider qw(jwk make_key);

my $monitoring = "$FindBin::Bin/../conf/monitoring";
my %port;
my %lock;

($port{$_}, $lock{$_}) = take_port for qw(prometheus persist presence jwks);

my $chat = ChatTest->new(
    with     => [qw(redis postgres persist presence)],
    workers  => 2,
    canary   => '1s',
    settings => {
        CHAT_PRESENCE_STATUS_LISTEN => "127.0.0.1:$port{presence}",
        CHAT_PERSIST_STATUS_LISTEN => "127.0.0.1:$port{persist}",
        CHAT_JWKS_STATUS_LISTEN    => "127.0.0.1:$port{jwks}",
    },
);
my $directory = $chat->directory;
my $provider = ChatTest::Provider->new(directory => $directory);


sub slurp ($name) {
    open my $file, '<', "$monitoring/$name" or die "cannot read $name: $!";
    local $/ = undef;

    return <$file>;
}


sub write_file ($name, $text) {
    open my $file, '>', "$directory/$name" or die "cannot write $name: $!";
    print $file $text;
    close $file or die $!;

    return;
}


# the shipped files, but for places, and for the patience of a test

sub configure () {
    my $settings = slurp('prometheus.yml');
    my $rules = slurp('alerts.yml');

    $settings =~ s/^  # (- job_name: chat-jwks)/  $1/m;
    $settings =~ s/^  # (  static_configs:|    - targets: \["127.0.0.1:9102"\])/  $1/mg;
    $settings =~ s/127\.0\.0\.1:80\b/127.0.0.1:${\ $chat->port }/;
    $settings =~ s/127\.0\.0\.1:9101/127.0.0.1:$port{persist}/;
    $settings =~ s/127\.0\.0\.1:9103/127.0.0.1:$port{presence}/;
    $settings =~ s/127\.0\.0\.1:9102/127.0.0.1:$port{jwks}/;
    $settings =~ s/_interval: 15s/_interval: 500ms/g;

    $rules =~ s/for: \d+m/for: 1s/g;
    $rules =~ s/lag_seconds\) > 10/lag_seconds) > 1/;

    write_file('prometheus.yml', $settings);
    write_file('alerts.yml', $rules);

    return;
}


# what its API answers, or nothing and why

sub api ($path) {
    my $url = "http://127.0.0.1:$port{prometheus}/api/v1/$path";
    my $answer = HTTP::Tiny->new(timeout => 20)->get($url);

    return ({}, $answer->{content}) if !$answer->{success};
    return decode($answer->{content})->{data};
}


sub query ($expression) {
    my $text = $expression =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger;

    return api("query?query=$text");
}


# the alerts that fire at this moment

sub firing () {
    my ($data) = query('ALERTS{alertstate="firing"}');

    return map { $_->{metric}{alertname} } @{ $data->{result} // [] };
}


sub fires ($alert) {
    return ok(eval { wait_until { grep { $_ eq $alert } firing() } 30 },
              "$alert fires") || diag(join ' ', firing());
}


sub calm ($alert) {
    return ok(eval { wait_until { !grep { $_ eq $alert } firing() } 30 },
              "$alert is over") || diag(join ' ', firing());
}


# all of PostgreSQL stands still, or goes on

sub hang ($signal) {
    my $pid = $chat->part('postgres')->{pid};

    open my $file, '<', "/proc/$pid/task/$pid/children" or die $!;
    kill $signal, $pid, split ' ', <$file>;

    return;
}


$chat->start;
configure();
$provider->publish(jwk(make_key('ES256'), kid => 'one'));

my $jwks = $chat->command('jwks', 'chat-jwks', '--url', $provider->url,
    '--file', "$directory/jwks.json", '--ca-file', $provider->ca)->start;
my $prometheus = ChatTest::Process->new(
    name      => 'prometheus',
    directory => $directory,
    log       => $chat->logs->file('prometheus'),
    command   => ['prometheus', "--config.file=$directory/prometheus.yml",
                  "--storage.tsdb.path=$directory/tsdb", '--log.level=warn',
                  "--web.listen-address=127.0.0.1:$port{prometheus}"],
)->start;

subtest 'all targets are up' => sub {
    my $up = eval { wait_until {
        my ($data) = query('up');
        my %up = map { $_->{metric}{job} => $_->{value}[1] }
            @{ $data->{result} // [] };

        join(' ', map { "$_=$up{$_}" } sort keys %up)
            eq 'chat-jwks=1 chat-persist=1 chat-presence=1 ngx_chat=1';
    } 60 };

    ok($up, 'they are') or diag(explain(api('targets')));
};

# what is told is well-formed and well named

subtest 'promtool finds nothing wrong with what is told' => sub {
    for my $job ([nginx => $chat->port], [persist => $port{persist}],
                 [presence => $port{presence}], [jwks => $port{jwks}])
    {
        my ($name, $port) = @$job;

        write_file('metrics',
                   $chat->http(port => $port, path => '/metrics')->body);

        my ($code, $text) = run('sh', '-c',
            "promtool check metrics < $directory/metrics");

        is("$code $text", '0 ', $name);
    }
};

subtest 'all rules evaluate' => sub {
    my @rules;

    ok(eval { wait_until {
        @rules = map { @{ $_->{rules} } } @{ (api('rules'))[0]{groups} // [] };
        @rules && !grep { $_->{health} eq 'unknown' } @rules } 20 },
        'all have their turn');
    is($_->{health}, 'ok', $_->{name}) or diag($_->{lastError}) for @rules;
};

subtest 'some traffic, and all queries of the board are answered' => sub {
    my $alice = $chat->connect(user => 'alice');
    my (%value, %expression);

    $chat->create('lobby');
    $alice->join('lobby');
    $alice->say('lobby', "message $_") for 1 .. 10;
    $alice->history('lobby', limit => 5);
    $chat->wait_stored;

    for my $panel (@{ decode(slurp('grafana.json'))->{panels} }) {
        for my $target (@{ $panel->{targets} // [] }) {
            $expression{ $target->{expr} } = $panel->{title};
        }
    }

    for my $expr (sort keys %expression) {
        my ($data, $error) = query($expr =~ s/\$__rate_interval/1m/gr);

        ok(defined $data->{result}, "$expression{$expr}: $expr") or diag($error);
    }

    # with what happens here these have something to show

    for my $expr (grep { !/ > 0$|needs|need_seconds|ALERTS/ }
                  sort keys %expression)
    {
        ok(eval { wait_until {
            my ($data) = query($expr =~ s/\$__rate_interval/1m/gr);
            @{ $data->{result} // [] } > 0 } 20 }, "something: $expr");
    }

    $alice->disconnect;
};

# but for those that tell how fast the machine is

subtest 'nothing fires that need not' => sub {
    ok(eval { wait_until {
        !grep { !/Canary|Slow/ } firing() } 30 }, 'all is well')
        or diag(join ' ', firing());
};

subtest 'PostgreSQL hangs: events wait' => sub {
    my $alice = $chat->connect(user => 'alice');

    $alice->join('lobby');
    hang('STOP');
    $alice->say('lobby', 'who is there?');
    fires('ChatLogLag');
    hang('CONT');
    calm('ChatLogLag');
    $alice->disconnect;
};

subtest 'chat-persist is killed' => sub {
    $chat->kill('persist');
    fires('ChatDown');
    $chat->start_part('persist');
    calm('ChatDown');
};

$prometheus->end;
$jwks->end;

done_testing;
