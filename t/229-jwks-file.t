# The file that chat-jwks writes is there whole at every moment, whatever
# becomes of who writes it.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(sleep);

use ChatTest;
use ChatTest::Command qw(run);
use ChatTest::Process;
use ChatTest::Provider qw(jwk make_key);

use constant { DONE => 0, FAILED => 1 };

my $chat = ChatTest->new(with => []);
my $directory = $chat->directory;
my @program = $chat->program('chat-jwks');
my $own = "$directory/own";
my $file = "$own/jwks.json";
my $provider = ChatTest::Provider->new(directory => $directory);
my $key = jwk(make_key('ES256'), kid => 'one');
my @small = (jwk(make_key('ES256'), kid => 'small'));
my @big = map { jwk(make_key('ES256'), kid => "big $_") } 1 .. 30;

mkdir $own or die "mkdir: $!";


sub command ($to = $file) {
    return (@program, '--once', '--url', $provider->url, '--file', $to,
            '--ca-file', $provider->ca);
}


sub content ($from = $file) {
    open my $in, '<', $from or return undef;
    local $/ = undef;

    return <$in>;
}


# as somebody who may not do everything

my @nobody = $> == 0 ? qw(setpriv --reuid=65534 --regid=65534 --clear-groups --)
    : ();


subtest 'a directory that it may not write to' => sub {
    my $text = $provider->publish($key);

    is((run(command()))[0], DONE, 'first it may');

    chmod 0555, $own;
    $provider->publish(@small);
    my ($code, $log) = run(@nobody, command());

    is($code, FAILED, 'exit code');
    like($log, qr/cannot write the file.*Permission denied/, 'the reason');
    is(content(), $text, 'the file is as it was');
    chmod 0755, $own;
};

subtest 'a place that cannot be' => sub {
    for (["$own/nowhere/x", qr/No such file/], ["$own/", qr/Is a directory/],
         ['/dev/null/x', qr/Not a directory/],
         ["$own/" . 'x' x 255, qr/too long/]) {
        my ($place, $why) = @$_;
        my ($code, $log) = run(command($place));

        is($code, FAILED, $place);
        like($log, $why, 'the reason');
    }

    mkdir "$own/directory";
    my ($code, $log) = run(command("$own/directory"));
    is($code, FAILED, 'a directory');
    like($log, qr/directory/i, 'the reason');
    ok(-d "$own/directory", 'stays one');
    ok(!-e "$own/directory.new", 'and nothing is left beside it');
    rmdir "$own/directory";
};

# a file that may not grow is what a full disk looks like, for who writes

subtest 'no room' => sub {
    my $text = $provider->publish(@small);

    is((run(command()))[0], DONE, 'first there is');
    $provider->publish(@big);

    my ($code, $log) = run('prlimit', '--fsize=1000', '--', command());

    is($code, FAILED, 'exit code');
    like($log, qr/cannot write the file.*File too large/, 'the reason');
    is(content(), $text, 'the file is as it was');
    ok(!-e "$file.new", 'and nothing is left beside it');
};

subtest 'who reads it needs to be no one special' => sub {
    unlink $file;

    is((run('sh', '-c', 'umask 077; exec "$@"', 'sh', command()))[0], DONE,
       'whatever the umask is');
    is((stat $file)[2] & 0777, 0644, 'mode');
};

subtest 'what a killed one has left behind is in nobody\'s way' => sub {
    my $text = $provider->publish($key);

    for my $make (sub { open my $out, '>', "$file.new"; print $out 'half' },
                  sub { symlink "$directory/elsewhere", "$file.new" }) {
        $make->();
        unlink $file;
        is((run(command()))[0], DONE, 'exit code');
        is(content(), $text, 'the file');
        ok(!-e "$file.new" && !-l "$file.new", 'that is gone');
        ok(!-e "$directory/elsewhere", 'nothing was written elsewhere');
    }
};

subtest 'killed at any moment it leaves a whole file' => sub {
    my @texts = ($provider->publish(@small), $provider->publish(@big));
    my %whole = map { $_ => 1 } @texts;
    my ($kills, $torn) = (0, 0);

    is((run(command()))[0], DONE, 'there is one');

    for my $n (1 .. 60) {
        $provider->answer(body => $texts[$n % 2]);

        my $process = ChatTest::Process->new(
            name => 'killed', log => "$directory/killed.log",
            command => [command()],
        )->start;

        sleep $n / 2000;        # of the 20 to 50 ms that it lives
        $process->tell('KILL') if $process->alive;
        $process->wait_end;
        $kills++ if $process->{status} == 9;
        $torn++ if !$whole{ content() // '' };
    }

    cmp_ok($kills, '>', 5, "$kills were killed");
    is($torn, 0, 'none left half a file');
    is((run(command()))[0], DONE, 'and the next one goes on');
};

subtest 'two that write the same file' => sub {
    my @texts = ($provider->publish(@small), $provider->publish(@big));
    my %whole = map { $_ => 1 } @texts;
    my $torn = 0;

    my @pair = map {
        ChatTest::Process->new(
            name => "pair $_", log => $chat->logs->file("pair$_"),
            command => [@program, '--url', $provider->url, '--file', $file,
                        '--ca-file', $provider->ca, '--interval', '1s',
                        '--min-interval', '1s', '--log-level', 'info'],
        )->start
    } 1, 2;

    for my $n (1 .. 6) {
        my $text = $texts[$n % 2];
        my $answered = $provider->asked;

        $provider->answer(body => $text);
        wait_until {
            $torn++ if !$whole{ content() // '' };
            $provider->asked >= $answered + 2 && content() eq $text;
        } 10;
    }

    is($torn, 0, 'it was whole at every look');
    $_->end for @pair;
    unlike($chat->logs->text($_), qr/"err"/, "$_ had no trouble")
        for qw(pair1 pair2);
};

done_testing;
