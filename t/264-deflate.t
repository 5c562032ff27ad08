# Compressed messages, seen through a location that echoes: RFC 7692, 6 and 7.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Deflate qw(deflate inflate EXTENSION);
use ChatTest::Frame qw(make_frame);

use constant RSV1 => 4;

my $chat = ChatTest->new(with => [], server => <<'END');
    location = /deflate {
        chat_echo on;
        chat_deflate on;
        chat_deflate_max_ratio 1032;
    }
END
$chat->start;


sub echo ($offer = EXTENSION, %o) {
    return $chat->handshake(
        path => '/deflate', protocols => [],
        headers => { 'Sec-WebSocket-Extensions' => $offer }, %o);
}


# what comes back for a compressed message, in clear, and in how many frames

sub returned ($client, $bits = 15) {
    my $message = $client->read_whole or return;

    return if $message->{rsv} != RSV1;
    return (inflate($message->{payload}, $bits), $message->{frames});
}


sub fails_ok ($code, $what, @frames) {
    my $client = echo();

    $client->send_frame(%$_) for @frames;
    is(($client->read_close)[0], $code, $what);

    return;
}


sub bytes ($size) {
    return join '', map { chr(($_ * $_ / 7) & 255) } 1 .. $size;
}


subtest 'messages of every length come back compressed' => sub {
    my $client = echo();

    for my $size (0, 1, 2, 125, 126, 127, 4096, 65_535, 65_536, 200_000) {
        for my $text (bytes($size), substr 'Hello, world ' x 16_000, 0, $size) {
            $client->send_frame(opcode => BINARY, rsv => RSV1,
                                payload => deflate($text));
            ok((returned($client))[0] eq $text, "$size bytes");
        }
    }
};

subtest 'what is not compressed comes back as it is' => sub {
    my $client = echo();

    $client->send_text('Hello');
    is_deeply($client->read_frame,
              { fin => 1, rsv => 0, opcode => TEXT, payload => 'Hello' },
              'the same frame');
};

subtest 'all ways to compress are understood' => sub {
    my $client = echo();
    my $text = 'Hello, hello, hello!' x 20;

    my %packed = (
        'stored'         => deflate($text, level => 0),
        'fast'           => deflate($text, level => 1),
        'a small window' => deflate($text, bits => 9),
        'BFINAL'         => deflate($text, final => 1),
        'three blocks'   => deflate(substr $text, 0, 10) . "\x00\x00\xff\xff"
            . deflate(substr $text, 10, 1) . "\x00\x00\xff\xff"
            . deflate(substr $text, 11),
        'BFINAL in between' => deflate(substr($text, 0, 100), final => 1)
            . "\x00\x00\xff\xff" . deflate(substr $text, 100),
    );

    for my $how (sort keys %packed) {
        $client->send_frame(payload => $packed{$how}, rsv => RSV1);
        is((returned($client))[0], $text, $how);
    }
};

subtest 'a compressed message may come in fragments, cut anywhere' => sub {
    my $client = echo();
    my $text = "Hello \xe2\x82\xac, " x 5;
    my $packed = deflate($text);

    for my $cut (0 .. length $packed) {
        $client->send_frame(payload => substr($packed, 0, $cut), fin => 0,
                            rsv => RSV1);
        $client->send_frame(opcode => PING, payload => 'p');
        $client->send_frame(opcode => CONTINUATION,
                            payload => substr $packed, $cut);

        my ($got, $frames) = returned($client);
        is($got, $text, "at $cut");
        is($frames, 2, 'in two');
    }

    $client->send_frame(payload => '', fin => 0, rsv => RSV1);
    $client->send_frame(opcode => CONTINUATION, fin => 0, payload => $_)
        for split //, $packed;
    $client->send_frame(opcode => CONTINUATION);
    is((returned($client))[0], $text, 'a byte at a time');
};

subtest 'messages of several clients do not mix' => sub {
    my @clients = map { echo() } 1 .. 3;
    my @texts = map { "I am client $_, " x 50 } 1 .. 3;
    my @packed = map { deflate($_) } @texts;

    for my $part (0 .. 2) {
        for my $i (0 .. 2) {
            my $third = int(length($packed[$i]) / 3);

            $clients[$i]->send_frame(
                opcode  => $part ? CONTINUATION : TEXT,
                rsv     => $part ? 0 : RSV1,
                fin     => $part == 2,
                payload => substr $packed[$i], $part * $third,
                    $part == 2 ? length $packed[$i] : $third);
        }
    }

    is((returned($clients[$_]))[0], $texts[$_], "client $_") for 0 .. 2;
};

subtest 'nothing is remembered from one message to the next' => sub {
    my $client = echo();
    my $text = 'Hello, world, hello, world';

    for (1 .. 3) {
        $client->send_frame(payload => deflate($text), rsv => RSV1);
        is((returned($client))[0], $text, 'read without what came before');
    }

    # "Hello" by reference to the same in the message before
    $client->send_frame(payload => deflate('Hello'), rsv => RSV1);
    is((returned($client))[0], 'Hello', 'a message');
    $client->send_frame(payload => "\xf2\x00\x11\x00\x00", rsv => RSV1);
    is(($client->read_close)[0], 1007, 'and one that refers to it');
};

subtest 'the window that the client can read is kept to' => sub {
    my $text = bytes(700);

    $text = join '', $text, $text, $text;

    for my $bits (8 .. 15) {
        my $client = echo(EXTENSION . "; server_max_window_bits=$bits");

        $client->send_frame(opcode => BINARY, payload => deflate($text),
                            rsv => RSV1);

        # zlib has no window of 8 bits for raw deflate
        my ($got) = returned($client, $bits < 9 ? 9 : $bits);
        ok($got eq $text, "$bits bits");
    }
};

subtest 'RSV1 is where it may be' => sub {
    my @start = { payload => '', fin => 0, rsv => RSV1 };

    fails_ok(1002, 'not on a continuation', @start,
             { opcode => CONTINUATION, payload => "\x00", rsv => RSV1 });
    fails_ok(1002, "not on control frame $_",
             { opcode => $_, payload => '', rsv => RSV1 })
        for PING, PONG, CLOSE;
    fails_ok(1002, "not with RSV2 or RSV3: $_",
             { payload => "\x00", rsv => RSV1 | $_ }) for 1 .. 3;
};

subtest 'what is not well formed gets 1007' => sub {
    my $packed = deflate('Hello, world');

    fails_ok(1007, $_->[0], { payload => $_->[1], rsv => RSV1 }) for
        ['no compression at all', 'Hello'],
        ['nothing', ''],
        ['cut short', substr $packed, 0, -1],
        ['with its tail', "$packed\x00\x00\xff\xff"],
        ['a block of the reserved kind', "\x06\x00"],
        ['a reference to before its beginning', "\xf2\x00\x11\x00\x00"],
        ['text that is not UTF-8', deflate("\xff")],
        ['a character left open', deflate("\xe2\x82")];

    fails_ok(1007, 'text that is not UTF-8, without waiting for the rest',
             { payload => deflate("\xff") . "\x00\x00\xff\xff", rsv => RSV1,
               fin => 0 });
    fails_ok(1007, 'garbage, without waiting for the rest',
             { payload => "\x06", rsv => RSV1, fin => 0 });

    my $client = echo();
    $client->send_frame(opcode => BINARY, payload => deflate("\xff"),
                        rsv => RSV1);
    is((returned($client))[0], "\xff", 'but binary may be anything');
};

subtest 'bytes may come one at a time' => sub {
    my $client = echo(EXTENSION, slow => 1);
    my $text = 'Hello, world! ' x 30;

    $client->send_slowly(make_frame(payload => deflate($text), rsv => RSV1)
                         . make_frame(payload => 'plain'));
    is((returned($client))[0], $text, 'a compressed message');
    is($client->read_whole->{payload}, 'plain', 'one that is not');
};

done_testing;
