# The function libraries have versions: the newer one stays in Redis, whoever
# connects, and what does not fit is told in one line.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant { DONE => 0, FAILED => 1 };

# Each version with the names of its functions: a library that has others is
# another version.

my %known = (
    chat_v1 => [1, qw(append answer audience compare counted counts drop fact
        forget history hold idle load mark marked marks members message_fact
        open reopen revisions revoked_add revoked_check revoked_read
        revoked_reset revoked_sync rewind stored typing unread)],
    chat_presence_v1 => [1, qw(count end give holders load own read renew
        report set stored take unstored)],
);

my $chat = ChatTest->new(with => [qw(redis postgres persist presence nginx)]);
$chat->start;
$chat->create('lobby');


sub library ($name) {
    my $listed = $chat->redis_cli('FUNCTION', 'LIST', 'LIBRARYNAME', $name,
                                  'WITHCODE');
    my ($code) = $listed =~ /^(#!lua.*)\z/ms;

    return ($code, sort $listed =~ /^${name}_(\w+)$/mg);
}


sub version ($name) {
    return (library($name))[0] =~ /\A#!lua name=$name\n-- version (\d+)\n/
        ? $1 : 0;
}


sub put ($name, $version) {
    my $line = $version ? "-- version $version\n" : '';
    my ($code) = library($name);

    $chat->redis_cli('FUNCTION', 'LOAD', 'REPLACE',
                     $code =~ s/^-- version \d+\n/$line/mr);
    is(version($name), $version, "$name is $version now");

    return;
}


# lines of the log that a program writes when it is started anew, up to the one
# after which it has a link to Redis

sub restarted ($part, $ready) {
    my $from = length $chat->logs->text($part);
    my @lines;

    $chat->restart($part);
    wait_until {
        my $text = substr $chat->logs->text($part), $from;

        @lines = split /^/, $text =~ s/.*"message":"started"//sr;
        grep { /$ready/ } @lines;
    };

    return @lines;
}


sub told () {
    my ($code, $text) = $chat->chatctl('doctor', '--sample', 0, '--json');

    return ($code, map { "$_->{level}: $_->{text}" }
            grep { $_->{check} eq 'library' } @{ decode($text)->{checks} });
}


for my $name (sort keys %known) {
    my ($version, @functions) = @{ $known{$name} };

    is(version($name), $version, "the version of $name");
    is_deeply([(library($name))[1 .. @functions]], [sort @functions],
              'other functions are another version');
}

is_deeply([told()], [DONE, map {
    "ok: the function library $_ is the one of this version, $known{$_}[0]"
} qw(chat_v1 chat_presence_v1)], 'doctor tells both');

my @cases = (
    [chat_v1 => 'persist', qr/partition is open/],
    [chat_presence_v1 => 'presence', qr/partition is ours/],
);

for my $case (@cases) {
    my ($name, @part) = @$case;
    my $own = $known{$name}[0];

    subtest "an older $name" => sub {
        put($name, 0);
        my ($code, @lines) = told();
        is($code, FAILED, 'a fault');
        is((grep { /$name/ } @lines)[0], "fault: the function library $name in "
           . "Redis has version 0, and $own is needed", 'which says so');

        restarted(@part);
        is(version($name), $own, 'is replaced by whoever has a newer one');
        ok(eval { wait_until { (told())[0] == DONE } }, 'all is well');
    };

    subtest "a newer $name" => sub {
        put($name, $own + 1);
        is(grep({ /a newer function library.*"library":"$name".*"own":$own\b/ }
                restarted(@part)), 1, 'a line says so');
        is(version($name), $own + 1, 'it stays');

        my ($code, @lines);
        ok(eval { wait_until { ($code, @lines) = told(); $code == DONE } },
           'no fault');
        is((grep { /$name/ } @lines)[0], "warning: the function library $name "
           . 'in Redis has version ' . ($own + 1) . ", and this chatctl knows "
           . $own, 'but a warning');
        ok($chat->connect(user => 'ada')->say('lobby', 'hello'), 'all goes on');

        $chat->redis_cli('FUNCTION', 'DELETE', $name);
        restarted(@part);
        $chat->wait_ready;
        is(version($name), $own, 'if it is lost, it is brought again');
    };
}

subtest 'chat-presence needs a library that chat-persist brings' => sub {
    my @presence = ('presence', qr/looks after who is there/);
    my $line = qr/"library":"chat_v1","version":0,"needed":1\b/;

    put('chat_v1', 0);
    is(grep({ /$line/ } restarted(@presence)), 1,
       'and says in one line that it is too old');
    restarted('persist', qr/partition is open/);
    is(grep({ /"needed"/ } restarted(@presence)), 0, 'or nothing');
};

done_testing;
