# Clients that others have written: each signs in, joins, says something in
# fragments where it can, pings, closes, and gets long messages echoed.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";

use Encode qw(encode_utf8);
use File::Temp;

use Browser;
use ChatTest;
use ChatTest::Command qw(must_run);

my $chat = ChatTest->new;
$chat->start;
$chat->create('lobby');

my @addresses = map { 'ws://127.0.0.1:' . $chat->port . $_ } qw(/chat /echo);
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


sub seen_ok ($user, $text) {
    my $seen = decode($text);

    note("extensions: $seen->{extensions}");
    is($seen->{user}, $user, 'who it is');
    is($seen->{$_}, $expected{$_}, $_) for sort keys %expected;

    return;
}


for my $name (sort keys %programs) {
    subtest $name => sub {
        my ($chat_url, $echo) = @addresses;

        seen_ok('alice', must_run('timeout', 30, @{ $programs{$name} },
                                  $chat_url, $chat->token('alice'), $echo));
    };
}

my $directory = File::Temp->newdir('chat-XXXXXX', TMPDIR => 1);

subtest 'Chromium' => sub {
    my $browser = Browser->start("$directory");
    my $tab = $browser->tab;

    open my $in, '<:encoding(UTF-8)', "$interop/chromium.js"
        or die "no chromium.js: $!";
    my $function = join '', grep { !m{^//} } <$in>;
    my $arguments = join ', ', map { Tab::_quote($_) }
        $addresses[0], $chat->token('bob'), $addresses[1];

    seen_ok('bob', encode_utf8($tab->eval("($function)($arguments)")));
    is_deeply([$tab->errors], [], 'nothing on its console');
    $browser->stop;
};

done_testing;
