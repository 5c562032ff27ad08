# The programs of this project, as tests run them: under the sanitizers, unless
# the module is "plain", or CHAT_TEST_MODULE is.

package ChatTest::Program;

use v5.36;

use Carp qw(croak);
use Exporter qw(import);

our @EXPORT_OK = qw(command_of is_plain sanitized);


sub is_plain () { return ($ENV{CHAT_TEST_MODULE} // 'asan') eq 'plain' }


# the words of the command that runs it; build, logs: a ChatTest::Logs, plain

sub command_of ($name, %o) {
    my $path = $o{plain} ? "$o{build}/bin/$name" : "$o{build}/asan/bin/$name";

    croak "$path is missing: run make test" if !-e $path;
    return $path if $o{plain};

    # a test may have something else loaded before it
    my %set = sanitized($o{logs}->reports($name), 'verify_asan_link_order=0');

    return ('env', map({ "$_=$set{$_}" } sort keys %set), $path);
}


# The environment that has what sanitizers find written to files, and how else
# AddressSanitizer shall work.  What they end has another exit code than ours.

sub sanitized ($reports, @asan) {
    my $path = "log_path=$reports";

    return (
        ASAN_OPTIONS  => join(':', $path, 'exitcode=23', @asan),
        UBSAN_OPTIONS => "$path:print_stacktrace=1:exitcode=23",
    );
}

1;
