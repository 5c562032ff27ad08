# Frames: RFC 6455, section 5, seen through a location that echoes messages.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Frame qw(make_frame);

my $chat = ChatTest->new(with => [], server => <<'END');
    location = /limited {
        chat_echo on;
        chat_max_message_size 64k;
    }
END
$chat->start;


sub echo (%o) {
    return $chat->handshake(path => '/echo', protocols => [], %o);
}


# a connection that must be failed with this code after these frames

sub fails_ok ($code, $what, @frames) {
    my $client = echo(path => '/limited');

    $client->send_frame(%$_) for @frames;
    is(($client->read_close)[0], $code, $what);

    return;
}


subtest 'messages of every length come back' => sub {
    my $client = echo();

    for my $size (0, 1, 125, 126, 127, 1000, 65535, 65536) {
        my $payload = substr '0123456789' x 6554, 0, $size;

        $client->send_text($payload);
        my $frame = $client->read_frame;
        is($frame->{opcode}, TEXT, "$size bytes: text");
        ok($frame->{payload} eq $payload, 'the same');

        $payload = join '', map { chr(($_ * 7) & 255) } 1 .. $size;
        $client->send_frame(opcode => BINARY, payload => $payload);
        $frame = $client->read_frame;
        is($frame->{opcode}, BINARY, 'binary');
        ok($frame->{payload} eq $payload, 'the same');
    }
};

subtest 'what the server sends is well formed' => sub {
    my $client = echo();

    $client->send_text('hello');
    is_deeply($client->read_frame,
              { fin => 1, rsv => 0, opcode => TEXT, payload => 'hello' },
              'one frame, no reserved bit');
};

subtest 'a message may come in fragments' => sub {
    my $client = echo();
    my @parts = ('Hel', '', 'lo, ', 'world');

    for my $opcode (TEXT, BINARY) {
        $client->send_frame(opcode  => $_ == 0 ? $opcode : CONTINUATION,
                            payload => $parts[$_], fin => $_ == $#parts)
            for 0 .. $#parts;

        my $message = $client->read_whole;
        is($message->{payload}, 'Hello, world', 'whole');
        is($message->{opcode}, $opcode, 'of the kind that the first one had');
        is($message->{frames}, 4, 'and in the same fragments');
    }
};

subtest 'a fragment comes back before the next one is sent' => sub {
    my $client = echo();

    $client->send_frame(payload => 'Hel', fin => 0);
    is_deeply($client->read_frame,
              { fin => 0, rsv => 0, opcode => TEXT, payload => 'Hel' },
              'the first');

    $client->send_frame(opcode => CONTINUATION, fin => 0);
    is_deeply($client->read_frame,
              { fin => 0, rsv => 0, opcode => CONTINUATION, payload => '' },
              'an empty one');

    $client->send_frame(opcode => CONTINUATION, payload => 'lo');
    is_deeply($client->read_frame,
              { fin => 1, rsv => 0, opcode => CONTINUATION, payload => 'lo' },
              'the last');
};

subtest 'control frames may come between fragments' => sub {
    my $client = echo();

    $client->send_frame(payload => 'Hel', fin => 0);
    is($client->read_frame->{payload}, 'Hel', 'a fragment');
    $client->send_frame(opcode => PING, payload => 'you?');
    is_deeply($client->read_frame,
              { fin => 1, rsv => 0, opcode => PONG, payload => 'you?' },
              'the ping is answered at once');

    $client->send_frame(opcode => PONG, payload => 'unasked');
    $client->send_frame(opcode => CONTINUATION, payload => 'lo');
    is($client->read_frame->{payload}, 'lo', 'and the message goes on');
};

subtest 'every ping is answered with what it holds' => sub {
    my $client = echo();

    for my $size (0, 1, 125) {
        $client->send_frame(opcode => PING, payload => 'p' x $size);
        is_deeply($client->read_frame, { fin => 1, rsv => 0, opcode => PONG,
                                         payload => 'p' x $size },
                  "$size bytes");
    }
};

subtest 'frames that break a rule end the connection with 1002' => sub {
    my @start = { payload => 'a', fin => 0 };

    fails_ok(1002, 'not masked', { payload => 'a', mask => undef });
    fails_ok(1002, "reserved bits $_", { payload => 'a', rsv => $_ })
        for 1 .. 7;
    fails_ok(1002, "opcode $_", { opcode => $_, payload => 'a' })
        for 3 .. 7, 11 .. 15;
    fails_ok(1002, 'nothing to continue', { opcode => CONTINUATION });
    fails_ok(1002, 'a new message inside another', @start,
             { payload => 'b' });
    fails_ok(1002, "a fragment of control $_", { opcode => $_, fin => 0 })
        for CLOSE, PING, PONG;
    fails_ok(1002, "control $_ of 126 bytes",
             { opcode => $_, payload => "\x03\xe8" . 'a' x 124 })
        for CLOSE, PING, PONG;
    fails_ok(1002, 'a length with its first bit set',
             { length => 2**63, bits => 64 });
    fails_ok(1002, "a length of 1 in $_ bits", { payload => 'a', bits => $_ })
        for 16, 64;
};

subtest 'text is UTF-8, in every frame and over all' => sub {
    my $client = echo();
    my $text = "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf";

    for my $cut (1 .. length($text) - 1) {
        $client->send_frame(payload => substr($text, 0, $cut), fin => 0);
        $client->send_frame(opcode => CONTINUATION,
                            payload => substr $text, $cut);
        is($client->read_whole->{payload}, $text, "cut at $cut");
    }

    my @wrong = ("\x80", "\xff", "\xc3", "\xc0\xaf", "\xe0\x80\xaf",
                 "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x9f\x98", "a\xc3b");

    fails_ok(1007, 'bytes ' . unpack('H*', $_), { payload => $_ }) for @wrong;
    fails_ok(1007, 'in a fragment, without waiting for the rest',
             { payload => "\xff", fin => 0 });
    fails_ok(1007, 'a character that the last fragment leaves open',
             { payload => "\xe2\x82", fin => 0 },
             { opcode => CONTINUATION });
};

subtest 'a message over the limit ends with 1009' => sub {
    fails_ok(1009, 'in one frame', { payload => 'a' x 65537 });
    fails_ok(1009, 'in fragments', { payload => 'a' x 65536, fin => 0 },
             { opcode => CONTINUATION, payload => 'a' });
    fails_ok(1009, 'announced', { length => 65537, bits => 64 });
    fails_ok(1009, 'announced, of 2^62 bytes', { length => 2**62, bits => 64 });
};

subtest 'bytes may come one at a time' => sub {
    my $client = echo();

    $client->send_slowly(make_frame(payload => 'Hel', fin => 0)
                         . make_frame(opcode => PING, payload => 'p')
                         . make_frame(opcode => CONTINUATION, payload => 'lo')
                         . make_frame(opcode => BINARY, payload => 'b' x 300));

    is($client->read_whole->{payload}, 'Hello', 'a message in fragments');
    is($client->read_whole->{payload}, 'b' x 300, 'a longer one');
};

subtest 'many frames may come at once' => sub {
    my $client = echo();

    $client->send_bytes(join '', map { make_frame(payload => "m$_") }
                        1 .. 2000);
    my @got = map { $client->read_frame->{payload} } 1 .. 2000;

    is_deeply(\@got, [map { "m$_" } 1 .. 2000], '2000, in their order');
};

done_testing;
