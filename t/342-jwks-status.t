# What chat-jwks tells of itself: whether the keys can be fetched.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::UNIX;
use Socket qw(SOCK_DGRAM);

use ChatTest;
use ChatTest::Json qw(decode);
use ChatTest::Metrics qw(parse_metrics);
use ChatTest::Port qw(take_port);
use ChatTest::Provider qw(jwk make_key);

my ($port, $lock) = take_port;
my $chat = ChatTest->new(with => [],
                         settings => {
                             CHAT_JWKS_STATUS_LISTEN => "127.0.0.1:$port",
                         });
my $directory = $chat->directory;
my $file = "$directory/jwks.json";
my $provider = ChatTest::Provider->new(directory => $directory);
my @keys = map { jwk(make_key('ES256'), kid => $_) } qw(one two);

$provider->publish(@keys);

my $jwks = $chat->command('jwks', 'chat-jwks', '--url', $provider->url,
    '--file', $file, '--ca-file', $provider->ca, '--socket',
    "unix:$directory/jwks.sock", '--interval', '1h', '--min-interval', '1s',
    '--timeout', '50s')->start;


sub ask ($path) { return $chat->http(port => $port, path => $path) }
sub metrics ()  { return (parse_metrics(ask('/metrics')->body))[0] }
sub ready ()    { return decode(ask('/readyz')->body) }


sub fetches ($result, $least) {
    my $name = "chat_jwks_fetches_total{result=\"$result\"}";

    return ok(eval { wait_until { metrics()->{$name} >= $least } 20 },
              "$least with the result $result");
}


sub refresh () {
    IO::Socket::UNIX->new(Type => SOCK_DGRAM, Peer => "$directory/jwks.sock")
        ->send("refresh\n");

    return;
}


subtest 'a fetch that went well' => sub {
    ok(eval { wait_until { eval { ask('/readyz')->status == 200 } } 20 },
       'it becomes ready');
    is_deeply(ready(), { status => 'ready', provider => 'up',
                         file => 'current' }, 'and says so');
    fetches('new', 1);

    my $now = metrics();

    is($now->{chat_jwks_keys}, 2, 'two keys');
    is($now->{chat_jwks_fetch_seconds_count}, 1, 'it took its time');
    cmp_ok(abs($now->{chat_jwks_last_success_timestamp_seconds} - time), '<',
           60, 'it was just now');
};

subtest 'each metric is documented' => sub {
    open my $docs, '<', "$FindBin::Bin/../docs/operations.md" or die $!;
    my $text = join '', <$docs>;
    my ($value, $type) = parse_metrics(ask('/metrics')->body);

    like($text, qr/^\| `$_(?:\{\w+\})?` \| $type->{$_} \|/m, $_)
        for sort keys %$type;
};

subtest 'asked, and nothing is new' => sub {
    refresh();
    fetches('same', 1);
    is(metrics()->{chat_jwks_asked_total}, 1, 'it was asked once');
};

subtest 'what is fetched is of no use' => sub {
    my $good_at = metrics()->{chat_jwks_last_success_timestamp_seconds};

    $provider->answer(body => 'no keys');
    refresh();
    fetches('no_keys', 1);
    is(ask('/readyz')->status, 503, 'not ready');
    is_deeply(ready(), { status => 'unavailable', provider => 'down',
                         file => 'old' }, 'and why');
    is(ask('/healthz')->status, 200, 'but alive');
    is(metrics()->{chat_jwks_last_success_timestamp_seconds}, $good_at,
       'the last good one is not forgotten');
};

$jwks->end;
is($jwks->{status}, 0, 'it ends well');

done_testing;
