# The table of frames (t/attacks/frames.tsv): each row whole, frame by frame,
# and a byte at a time.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::FrameTable qw(read_frames);

use constant STILL => 'still here';

my @rows = read_frames("$FindBin::Bin/attacks/frames.tsv");
my @options = (location => 'chat_max_message_size 64k;', server => <<'END');
    location = /frames {
        chat_echo on;
        chat_max_message_size 64k;
    }
END

my $chat = ChatTest->new(with => [], @options);
my $chopped = ChatTest->new(with => [], @options, preload => ['chop']);
$_->start for $chat, $chopped;


# Sends the pieces, and says in words what came: up to the end, or to the
# answer of a ping that follows them if the row expects an open session.

sub outcome ($stack, $row, $send) {
    my $chat = $row->{where} eq 'chat';
    my $client = $stack->handshake(path => $chat ? '/chat' : '/frames',
                                   $chat ? (user => 'alice') : ());
    $client->welcome if $chat;

    $send->($client);

    if ($row->{expected}[-1] eq 'open') {
        $client->send_frame(opcode => PING, payload => STILL);
    }

    my (@frames, $end);

    while (!$end) {
        my $frame = $client->read_frame;

        if (!$frame) {
            $end = 'end';

        } elsif ($frame->{opcode} == CLOSE) {
            my ($code) = ChatTest::Frame::read_close($frame);
            my $after = $client->read_frame;
            $end = "close:$code" . ($after ? ' and more' : '');

        } elsif ($frame->{opcode} == PONG && $frame->{payload} eq STILL) {
            $end = 'open';

        } else {
            push @frames, $frame;
        }
    }

    $client->disconnect;

    return (ChatTest::FrameTable->words($row->{where}, @frames), $end);
}


sub row_ok ($stack, $way, $row, $send) {
    my @got = eval { outcome($stack, $row, $send) };
    my $what = "$row->{what} ($row->{where}, $way)";

    return pass($what) if "@got" eq "@{ $row->{expected} }";

    fail($what);
    diag("expected: ", substr "@{ $row->{expected} }", 0, 200);
    diag("got:      ", $@ || substr "@got", 0, 200);

    return;
}


cmp_ok(scalar @rows, '>=', 150, 'the table has been read');

subtest 'whole' => sub {
    for my $row (@rows) {
        row_ok($chat, 'whole', $row, sub ($client) {
            $client->send_bytes(join '', @{ $row->{frames} });
        });
    }
};

subtest 'frame by frame, each taken before the next is sent' => sub {
    for my $row (grep { @{ $_->{frames} } > 1 } @rows) {
        row_ok($chat, 'frame by frame', $row, sub ($client) {
            $client->send_apart(@{ $row->{frames} });
        });
    }
};

subtest 'a byte at a time' => sub {
    for my $row (@rows) {
        row_ok($chopped, 'byte by byte', $row, sub ($client) {
            $client->send_bytes(join '', @{ $row->{frames} });
        });
    }
};

done_testing;
