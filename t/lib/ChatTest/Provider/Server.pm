# The process of ChatTest::Provider: a connection at a time in a child each,
# one answer, then the end.
#
# Ways to answer:
#
#     whole     as it should be
#     mute      nothing, not even TLS
#     hang      the head, then nothing
#     drip      the head, then a byte now and then
#     endless   a body that does not end, without a length
#     headers   a head that does not end
#     plain     http where https is spoken

package ChatTest::Provider::Server;

use v5.36;

use IO::Socket::INET;
use IO::Socket::SSL;
use Time::HiRes qw(sleep);

use ChatTest::Json qw(decode);

use constant {
    PATIENCE => 60,
    DROP     => 0.02,       # s between two bytes that drip
};

my %WAYS = (
    whole   => sub ($client, $answer) { print $client $answer->{body} },
    hang    => sub ($client, $answer) { sleep PATIENCE },
    drip    => sub ($client, $answer) {
        for my $byte (split //, $answer->{body}) {
            print $client $byte or return;
            sleep DROP;
        }
    },
    endless => sub ($client, $answer) {
        my $block = ' ' x 4096;
        1 while print $client $block;
    },
    headers => sub ($client, $answer) {
        1 while print $client 'X-More: ', 'x' x 1000, "\r\n";
    },
);


sub run ($port, $directory) {
    my $listener = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 64,
        ReuseAddr => 1,
    ) or die "cannot listen: $!";

    $SIG{CHLD} = 'IGNORE';
    $SIG{PIPE} = 'IGNORE';
    _append("$directory/ready", '');

    while (1) {
        my $socket = $listener->accept // next;
        my $pid = fork // die "fork() failed: $!";

        if ($pid == 0) {
            alarm PATIENCE;
            _serve($socket, $directory);
            POSIX::_exit(0);
        }

        close $socket;
    }

    return;
}


sub _serve ($socket, $directory) {
    _append("$directory/asked", "x\n");

    my $answer = decode(_slurp("$directory/answer"));
    my $certificate = "$directory/$answer->{certificate}";

    if ($answer->{way} eq 'mute') {
        sleep PATIENCE;
        return;
    }

    my $client = $answer->{way} eq 'plain' ? $socket
        : IO::Socket::SSL->start_SSL(
            $socket,
            SSL_server    => 1,
            SSL_cert_file => "$certificate.crt",
            SSL_key_file  => "$certificate.key",
        ) // return;

    my $request = '';

    while (my $line = <$client>) {
        last if $line eq "\r\n";
        $request .= $line;
    }

    _write("$directory/request", $request);
    _answer($client, $answer);
    close $client;

    return;
}


sub _answer ($client, $answer) {
    my $length = $answer->{length} // length $answer->{body};

    $client->autoflush(1);
    print $client join "\r\n", "HTTP/1.1 $answer->{status} Whatever",
        'Connection: close', @{ $answer->{headers} }, '';
    print $client "Content-Length: $length\r\n"
        if $answer->{way} !~ /^(?:endless|headers)$/;

    ($WAYS{headers})->($client, $answer) if $answer->{way} eq 'headers';
    print $client "\r\n";
    ($WAYS{ $answer->{way} } // $WAYS{whole})->($client, $answer);

    return;
}


sub _slurp ($file) {
    open my $in, '<', $file or die "cannot read $file: $!";
    local $/ = undef;

    return <$in>;
}


sub _write ($file, $text) {
    open my $out, '>', "$file.$$" or die "cannot write $file.$$: $!";
    print $out $text;
    close $out;
    rename "$file.$$", $file or die "cannot rename $file.$$: $!";

    return;
}


sub _append ($file, $text) {
    open my $out, '>>', $file or die "cannot write $file: $!";
    syswrite $out, $text;
    close $out;

    return;
}

1;
