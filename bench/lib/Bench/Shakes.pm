# Handshakes, as many as one client can make: build/bench/shakes.

package Bench::Shakes;

use v5.36;

use Carp qw(croak);
use Cwd qw(realpath);
use Exporter qw(import);
use File::Basename qw(dirname);
use POSIX ();

use Bench::Usage;

our @EXPORT_OK = qw(request_of shakes);

my $root = realpath(dirname(__FILE__) . '/../../..');


# the handshake of a path, with a token or without

sub request_of ($path, $token = undef) {
    my @bearer = defined $token ? ("Authorization: Bearer $token") : ();

    return join "\r\n", "GET $path HTTP/1.1", 'Host: 127.0.0.1',
        'Upgrade: websocket', 'Connection: Upgrade',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Protocol: chat.v1', @bearer, '', '';
}


# port, worker (process of nginx), cpus (of the client), connections (at once),
# seconds, request; tls => 'full' or 'resumed'.  How many (count), how many a
# second (rate), us of the worker's processor time for one (cpu), how many took up
# a session of TLS (resumed, a part of 1).

sub shakes (%o) {
    my $before = Bench::Usage->now($o{worker});
    my $text = _run(%o);
    my $usage = Bench::Usage->now($o{worker})->since($before);
    my ($count, $us, $resumed) = $text =~
        /^handshakes=(\d+) us=(\d+) resumed=(\d+)$/
        or croak "build/bench/shakes: $text";

    return {
        count   => $count,
        rate    => $count / $us * 1e6,
        cpu     => $usage->{ns} / 1000 / $count,
        resumed => $resumed / $count,
    };
}


# what the program prints

sub _run (%o) {
    my $pid = open(my $in, '-|') // croak "cannot fork: $!";

    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        open my $out, '|-', 'taskset', '-c', $o{cpus},
            "$root/build/bench/shakes", $o{port}, $o{connections},
            1000 * $o{seconds}, $o{tls} // ()
            or POSIX::_exit(1);
        print $out $o{request};
        close $out;
        POSIX::_exit($? >> 8);
    }

    my $said = do { local $/ = undef; <$in> };

    close $in or croak $said;

    return $said;
}

1;
