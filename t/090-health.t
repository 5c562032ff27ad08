# What a load balancer asks: is it alive, is it ready, and if not, why.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new;


sub ready () {
    my $response = $chat->http(path => '/readyz');

    like($response->header('Content-Type'), qr{^application/json}, 'JSON');

    return ($response->status, decode($response->body));
}


subtest 'without Redis nginx is alive, but not ready' => sub {
    my $alone = ChatTest->new(with => []);
    $alone->start;

    my $live = $alone->http(path => '/healthz');
    is($live->status, 200, '/healthz: status');
    is_deeply(decode($live->body), { status => 'ok' }, 'body');
    is($alone->http(path => '/readyz')->status, 503, '/readyz: status');
};

subtest 'with everything it is ready, and names its dependencies' => sub {
    $chat->start;

    my ($status, $state) = ready();
    is($status, 200, 'status');
    is_deeply($state, {
        status => 'ready',
        redis  => { command => 'up', subscriber => 'up' },
        log    => { open => 16, partitions => 16 },
        revocations => 'known',
    }, 'body');
};

subtest 'health answers GET and HEAD alone' => sub {
    for my $path (qw(/healthz /readyz)) {
        is($chat->http(path => $path, method => 'HEAD')->status, 200,
           "HEAD $path");
        is($chat->http(path => $path, method => 'POST')->status, 405,
           "POST $path");
    }
};

subtest 'it is not ready while Redis is away' => sub {
    $chat->kill('redis', 'TERM');
    $chat->wait_ready(503);

    my ($status, $state) = ready();
    is($state->{status}, 'unavailable', 'the body says so');
    is($state->{redis}{command}, 'down', 'and why');
    is($chat->http(path => '/healthz')->status, 200, 'but alive');

    $chat->restart('redis');
    ok($chat->wait_ready, 'and ready again afterwards');
};

subtest 'answers are not to be cached' => sub {
    like($chat->http(path => '/readyz')->header('Cache-Control'),
         qr/no-store|no-cache/, 'Cache-Control');
};

done_testing;
