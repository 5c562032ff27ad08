# Nothing of a token is in nginx's error logs, whichever request of a connection
# it came with, and wherever they go.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;

use ChatTest;

my $syslog = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp')
    or die "cannot be a syslog: $!";
$syslog->blocking(0);

my $chat = ChatTest->new(
    with   => [],
    server => <<~"END",
        error_log server.log info;
        error_log syslog:server=127.0.0.1:@{[ $syslog->sockport ]} info;

        location = /page {
            return 200 page;
        }

        location = /other {
            error_log other.log info;
            return 200 other;
        }
        END
);

$chat->start;
$chat->logs->file('server');
$chat->logs->file('other');

my $token = $chat->token('alice', exp => time + 600);


# what syslog has got since the last time

sub told () {
    my $text = '';

    while (defined $syslog->recv(my $line, 65_536)) {
        $text .= "$line\n";
    }

    return $text;
}


# a request that nginx refuses with a line about the token, after these

sub refused (@before) {
    my $twice = join '', map { "GET $_ HTTP/1.1\r\nHost: x\r\n\r\n" } @before;
    my @duplicate = ("Bearer $token") x 2;

    return $chat->http(path => '/page', before => $twice || undef,
                       headers => { Authorization => \@duplicate })->status;
}


for my $before ([], ['/page'], ['/other']) {
    subtest @$before ? "after $before->[0]" : 'the first request' => sub {
        my $from = length $chat->logs->text('server');

        is(refused(@$before), 400, 'it is refused');

        my $line = wait_until {
            substr($chat->logs->text('server'), $from)
                =~ /(.*duplicate header line.*)/ ? $1 : undef;
        };

        like($line, qr/Authorization: Bearer \*{16,}"/, 'and quoted, masked');
        like($line, qr/request: "GET/, 'with what nginx has to say');

        my $told = '';

        ok(eval { wait_until { ($told .= told()) =~ /Bearer \*{16,}/ } },
           'in syslog, too') or diag($told);
    };
}

subtest 'no log has any of it' => sub {
    for my $log (qw(nginx server other)) {
        unlike($chat->logs->text($log), qr/ey[\w-]{14}/, $log);
    }
};

done_testing;
