# What a program does that the sanitizers know of is a fault of the test that
# ran it, a leak at its end included; nginx's own leaks are none.

use v5.36;

use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use ChatTest::Command qw(must_run run);
use ChatTest::Logs;
use ChatTest::Program qw(command_of);

my $directory = tempdir('chat-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $logs = ChatTest::Logs->new($directory);

mkdir "$directory/$_" for qw(asan asan/bin);

open my $source, '>', "$directory/bad.c" or die "bad.c: $!";
print $source <<~'END';
    #include <stdlib.h>
    #include <string.h>

    int
    main(int argc, char **argv)
    {
        char  *p = malloc(4 + argc);

        if (argc > 1 && strcmp(argv[1], "overrun") == 0) {
            memset(p, argc, 5 + argc);
        }

        if (argc > 1 && strcmp(argv[1], "shift") == 0) {
            p[0] = 1 << (30 + argc);
        }

        if (argc == 1) {
            free(p);
        }

        p = NULL;

        return 0;
    }
    END
close $source;

must_run(split(' ', $ENV{CC} // 'gcc'), '-O0', '-g', '-w',
         '-fsanitize=address,undefined', '-fno-sanitize-recover=undefined',
         '-o', "$directory/asan/bin/bad", "$directory/bad.c");


sub faults (@arguments) {
    my ($code, $text) = run(
        command_of('bad', build => $directory, logs => $logs), @arguments);

    unlink $logs->file('bad');
    open my $log, '>', $logs->file('bad') or die "bad.log: $!";
    print $log $text;
    close $log;

    is($code, @arguments ? 23 : 0, 'exit code');

    return join '', $logs->faults;
}


is(faults(), '', 'one that is good');
like(faults('shift'), qr/: runtime error: shift exponent/, 'what is undefined');
like(faults('leak'), qr/Direct leak of/, 'a leak');
like(faults('overrun'), qr/heap-buffer-overflow/, 'an overrun');

unlink glob "$directory/sanitizer/*";
faults('leak');
rename((glob "$directory/sanitizer/*")[0], "$directory/sanitizer/nginx.1");
is(join('', $logs->faults), '', 'a leak that stems from nginx alone');

done_testing;
