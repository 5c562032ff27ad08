# Other tests again, with nginx reading what clients send a byte at a time and
# writing to them in small pieces (t/preload/chop.c).  All of them so:
# make test CHAT_TEST_CHOP=1

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Command qw(run);

my @again = qw(020-handshake 022-token 025-mirror 030-frames 032-close
    040-request 042-queue 050-conversation 052-resume 054-content
    141-join-batch);

plan skip_all => 'all tests are run so' if $ENV{CHAT_TEST_CHOP};

local $ENV{CHAT_TEST_CHOP} = 1;


subtest 'nginx is told to' => sub {
    my $chat = ChatTest->new(with => []);

    $chat->start;

    for my $pid ($chat->workers) {
        open my $maps, '<', "/proc/$pid/maps" or die "no maps: $!";
        ok((grep { m{/chop\.so$} } <$maps>), 'the worker has loaded it');
    }
};

for my $name (@again) {
    my ($code, $said) = run($^X, "-I$FindBin::Bin/lib",
                            "$FindBin::Bin/$name.t");

    is($code, 0, $name) or diag($said);
}

done_testing;
