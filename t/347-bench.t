# The smallest "make bench": nginx and the floor send to a few, everything is
# stored, and the report says what was counted.  Costs are not looked at: what
# else the machine does is in them.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../bench/lib";

use File::Temp;
use IO::Socket::INET;
use JSON::PP ();
use Test::More;

use Bench::Program;
use ChatTest::Command qw(run);
use ChatTest::Port qw(take_port);

my $root = "$FindBin::Bin/..";
my $directory = File::Temp->newdir;

subtest 'a short run' => sub {
    my ($code, $text) = run('timeout', 240, "$root/bench/bench", '--only',
                            '2x3@20', '--pairs', 1, '--seconds', 1, '--json',
                            "$directory/report");

    is $code, 0, 'it passes' or diag $text;
    like $text, qr/^\d+ messages, nothing lost or doubled, all of them stored$/m,
        'what was sent is stored';
    like $text, qr/^PASS$/m, 'it says so';

    my $report = report();
    my ($case) = @{ $report->{cases} };

    ok $report->{passed}, 'so does the other report';
    is $case->{name}, '2x3@20', 'the case';
    is $case->{nginx}{messages} + $case->{nginx}{refused}, 20, 'messages';
    cmp_ok $case->{nginx}{deliveries}, '>=', 3 * $case->{nginx}{messages},
        'each came to all three';
    cmp_ok $report->{stored}, '>=', $case->{nginx}{messages},
        'and is stored';
    is $case->{floor}{deliveries}, 60, 'and so did those of the floor';
    cmp_ok abs($case->{nginx}{bytes} - $case->{floor}{bytes}), '<', 2,
        'with as many bytes, but for the digits of its position';
    cmp_ok $case->{nginx}{receive_us}{100}, '>', 0, 'delays are known';
    cmp_ok $case->{nginx}{receive_us}{50}, '<=', $case->{nginx}{receive_us}{99},
        'and in order';
    ok $case->{message_us}{$_} > 0, "$_ took some time"
        for qw(nginx Redis PostgreSQL clients);
};


sub report () {
    open my $in, '<', "$directory/report" or return {};
    local $/ = undef;

    return JSON::PP::decode_json(<$in>);
}


subtest 'a message that does not come, or comes twice, is noticed' => sub {
    my ($port, $lock) = take_port;
    my $server = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 5,
        ReuseAddr => 1,
    );
    my $load = Bench::Program->new(name => 'load', arguments => [$port]);

    $load->tell('listen 0');

    my $socket = $server->accept;

    print $socket "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    $load->expect('ready', 'ready', 30);
    $load->expect('begin', 'begun', 30);

    syswrite $socket, join '', map { event($_) } 1, 2, 5, 5, 6;

    my $said;

    for (1 .. 1000) {
        $load->tell('count');
        $said = $load->line(30);
        last if $said == 5;
        select my $none = undef, my $no_one = undef, undef, 0.02;
    }

    $load->tell('report');
    like $load->line(30), qr/ events=5 .* missing=2 doubled=1 /, 'both';
};


# a frame of a server with a message that was due at the beginning of time

sub event ($sequence) {
    my $text = '{"type":"message.created","data":{"content":"0",'
        . qq("sequenceNumber":$sequence,"revision":$sequence}});

    return pack('C2', 0x81, length $text) . $text;
}


subtest 'what it does not know it refuses' => sub {
    for my $case ('1x2', '1x2@', '1x2@max', 'x2@3', 'nonsense') {
        my ($code, $text) = run("$root/bench/bench", '--only', $case);

        isnt $code, 0, "\"$case\" is refused";
        like $text, qr/^what is the case "\Q$case\E"\?$/m, 'by its name';
    }
};

done_testing;
