# chat-jwks as a service: when it fetches, who may ask it to, how it ends.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::UNIX;
use Socket qw(SOCK_DGRAM SOCK_STREAM);
use Time::HiRes qw(time);

use ChatTest;
use ChatTest::Provider qw(jwk make_key);

my $chat = ChatTest->new(with => []);
my $directory = $chat->directory;
my $file = "$directory/jwks.json";
my $socket = "$directory/jwks.sock";
my $provider = ChatTest::Provider->new(directory => $directory);
my @keys = map { jwk(make_key('ES256'), kid => $_) } qw(one two three four);


# one that fetches unasked only when an hour is over

sub service ($name, %o) {
    my %options = (
        url => $provider->url, file => $file, 'ca-file' => $provider->ca,
        socket => "unix:$socket", interval => '1h', 'min-interval' => '1s',
        timeout => '50s', %o,
    );

    return $chat->command($name, 'chat-jwks',
        map { ("--$_", $options{$_}) } grep { defined $options{$_} }
        sort keys %options);
}


sub content () {
    open my $in, '<', $file or return '';
    local $/ = undef;

    return <$in>;
}


sub comes ($text, $what) {
    return ok(eval { wait_until { content() eq $text } 10 }, $what);
}


sub says ($name, $what, $times = 1) {
    my $log = sub { scalar(() = $chat->logs->text($name) =~ /$what/g) };

    return ok(eval { wait_until { $log->() >= $times } 15 },
              "the log says $what");
}


# whether there was somebody to ask

sub ask ($text = "refresh\n") {
    my $client = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Peer => $socket)
        // return 0;

    $client->blocking(0);

    return defined $client->send($text);
}


subtest 'it fetches when it starts, and when it is asked' => sub {
    my $first = $provider->publish($keys[0]);
    my $service = service('asked')->start;

    comes($first, 'at once');
    is((stat $socket)[2] & 0777, 0666, 'all who reach the socket may ask');

    my $second = $provider->publish(@keys[0, 1]);
    ok(ask(), 'asked');
    comes($second, 'the new ones');

    $service->end;
    is($service->{status}, 0, 'it ends cleanly');
    ok(!-e $socket, 'the socket is gone');
};

subtest 'it fetches unasked, too' => sub {
    my $service = service('unasked', interval => '1s', socket => undef)
        ->start;

    for my $n (0 .. 2) {
        comes($provider->publish($keys[$n]), "set $n");
    }

    $service->end('INT');
    is($service->{status}, 0, 'Ctrl-C is as good');
};

subtest 'asking often makes it fetch no more often' => sub {
    $provider->publish($keys[0]);

    my $began = time;
    my $service = service('often', 'min-interval' => '2s')->start;
    wait_until { -e $socket };
    says('often', 'the keys are');

    my $before = $provider->asked;
    my $text = $provider->publish(@keys[0, 3]);

    wait_until { ask() for 1 .. 20; content() eq $text } 10;

    cmp_ok(time - $began, '>=', 2, 'it had to wait');
    cmp_ok($provider->asked - $before, '<=', 1 + (time - $began) / 2,
           'one in two seconds');
    $service->end;
};

subtest 'what asks for nothing is passed over' => sub {
    $provider->publish($keys[0]);

    my $service = service('nonsense')->start;
    says('nonsense', 'the keys are');

    my $before = $provider->asked;

    ask($_) for '', "\n", 'refresh', 'refresh  ', "refresh\nrefresh\n",
        'x' x 5000, "REFRESH\n";

    my $text = $provider->publish($keys[1]);
    ok(!eval { wait_within { $provider->asked > $before } 2 },
       'nothing is fetched');
    wait_until { ask() };
    comes($text, 'a proper one is heard behind them');
    $service->end;
};

# with an interval of 1 s the back-off cannot grow, with 8 s it does

subtest 'failing, it tries less and less often, and then goes on' => sub {
    $provider->answer(status => 503);
    my $text = content();
    my $before = $provider->asked;
    my $service = service('failing', interval => '8s')->start;

    says('failing', '"status":503', 3);
    is(content(), $text, 'the file is as it was');

    my @times = $chat->logs->text('failing')
        =~ /T\d\d:\d\d:(\d\d\.\d+)Z[^\n]*"status":503/g;
    my @gaps = map { ($times[$_] - $times[$_ - 1]) - 60 * int(
        ($times[$_] - $times[$_ - 1]) / 60) } 1, 2;
    @gaps = map { $_ < 0 ? $_ + 60 : $_ } @gaps;

    cmp_ok($gaps[0], '>=', 0.99, "first a second: $gaps[0]");
    cmp_ok($gaps[1], '>=', 1.99, "then two: $gaps[1]");

    ask() for 1 .. 3;
    my $asked = $provider->asked;
    my $new = $provider->publish($keys[2]);

    comes($new, 'when it works again, it comes');
    is($provider->asked, $asked + 1, 'asking had made it no faster');
    says('failing', 'can be fetched again');
    $service->end;
};

subtest 'the socket of a live one is not taken' => sub {
    $provider->publish($keys[0]);

    my $first = service('first')->start;
    says('first', 'the keys are');

    my $second = service('second', file => "$file.other")->start;
    is($second->wait_end >> 8, 1, 'the second one fails');
    says('second', 'cannot listen.*in use');

    my $text = $provider->publish($keys[1]);
    ok(ask(), 'the first one still hears');
    comes($text, 'and does what it is asked');

    $first->end('KILL');
    ok(-e $socket, 'one that is killed leaves it behind');

    my $third = service('third')->start;
    says('third', 'started');
    $text = $provider->publish($keys[2]);
    wait_until { ask() };
    comes($text, 'the next one takes it over');
    $third->end;
};

subtest 'nor is one of another kind' => sub {
    my $other = IO::Socket::UNIX->new(Type => SOCK_STREAM, Listen => 1,
                                      Local => $socket) or die $!;
    my $service = service('other-kind')->start;

    is($service->wait_end >> 8, 1, 'it does not start');
    ok(-S $socket, 'the socket is there');
    close $other;
    unlink $socket;
};

subtest 'what is no socket stays' => sub {
    open my $out, '>', $socket or die $!;
    print $out 'precious';
    close $out;

    my $service = service('no-socket')->start;

    is($service->wait_end >> 8, 1, 'it does not start');
    says('no-socket', 'cannot listen.*in use');
    is(-s $socket, 8, 'and the file is there');
    unlink $socket;

    for my $bad ('jwks.sock', 'unix:', 'unix:/' . 'x' x 200,
                 "unix:$directory/nowhere/x", "unix:$directory/") {
        my $other = service('bad-socket', socket => $bad)->start;

        is($other->wait_end >> 8, 1, "nor with $bad");
    }
};

subtest 'it ends at once whatever it is doing' => sub {
    for my $way (qw(mute hang)) {
        $provider->answer(way => $way, body => 'x');
        my $before = $provider->asked;
        my $service = service($way, timeout => '60s')->start;

        wait_until { $provider->asked > $before };
        my $began = time;
        $service->end;
        is($service->{status}, 0, "$way: cleanly");
        cmp_ok(time - $began, '<', 30, 'within moments');
        unlike($chat->logs->text($way), qr/"err"/, 'and that is no error');
    }
};

done_testing;
