# Clients that others have written: each signs in, joins, says something in
# fragments where it can, pings, closes, and gets long messages echoed; and all
# of it again compressed.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";

use Encode qw(encode_utf8);
use File::Temp;

use Browser;
use ChatTest;
use ChatTest::Command qw(must_run);

my $chat = ChatTest->new(server => <<'END');
    location /deflated/ {
        chat_deflate on;
        chat_deflate_min_length 1;

        location = /deflated/chat {
            chat_websocket on;
        }

        location = /deflated/echo {
            chat_echo on;
        }
    }
END
$chat->start;
$chat->create('lobby');

my $interop = "$FindBin::Bin/interop";

my %programs = (
    'ws of Node'           => ['nodejs', "$interop/node-ws.js"],
    'websockets of Python' => ['/usr/bin/python3', "$interop/websockets-client.py"],
    'wsproto of Python'    => ['/usr/bin/python3', "$interop/wsproto-client.py"],
);

my %expected = (
    protocol => 'chat.v1',
    joined   => 1,
    sent     => 1,
    heard    => "h\xe9",
    pong     => 'are you there',
    close    => 1000,
    echo     => 1,
    binary   => 1,
);


sub addresses ($where) {
    return map { 'ws://127.0.0.1:' . $chat->port . "$where/$_" }
        qw(chat echo);
}


sub seen_ok ($user, $where, $text) {
    my $seen = decode($text);

    like($seen->{extensions},
         $where eq '' ? qr/^$/ : qr/^permessage-deflate/, 'extensions');
    is($seen->{user}, $user, 'who it is');
    is($seen->{$_}, $expected{$_}, $_) for sort keys %expected;

    return;
}


for my $name (sort keys %programs) {
    for my $where ('', '/deflated') {
        subtest "$name $where" => sub {
            my ($chat_url, $echo) = addresses($where);

            seen_ok('alice', $where, must_run(
                'timeout', 30, @{ $programs{$name} },
                $chat_url, $chat->token('alice'), $echo));
        };
    }
}

my $directory = File::Temp->newdir('chat-XXXXXX', TMPDIR => 1);
my $browser = Browser->start("$directory");

open my $in, '<:encoding(UTF-8)', "$interop/chromium.js"
    or die "no chromium.js: $!";
my $function = join '', grep { !m{^//} } <$in>;

for my $where ('', '/deflated') {
    subtest "Chromium $where" => sub {
        my $tab = $browser->tab;
        my ($chat_url, $echo) = addresses($where);
        my $arguments = join ', ', map { Tab::_quote($_) }
            $chat_url, $chat->token('bob'), $echo;

        seen_ok('bob', $where,
                encode_utf8($tab->eval("($function)($arguments)")));
        is_deeply([$tab->errors], [], 'nothing on its console');
    };
}

$browser->stop;

done_testing;
