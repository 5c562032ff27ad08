# A model of t/model, made into a program by spin, and walked by it: all states
# that there are.

package ChatTest::Spin;

use v5.36;

use Carp qw(croak);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Cwd qw(realpath);

use ChatTest::Command qw(run);

use constant {
    DEPTH  => 1_000_000,        # steps of one walk
    MEMORY => 6_000,            # MB
};

my $models = dirname(__FILE__) . '/../../model';


# model: its name; sizes: EVENTS => 3 ...

sub new ($class, %options) {
    my $self = bless {
        directory => tempdir('chat-model-XXXXXX', TMPDIR => 1, CLEANUP => 1),
        seconds => 600,
        %options,
    }, $class;

    my @sizes = map { "-D$_=$self->{sizes}{$_}" } sort keys $self->{sizes}->%*;
    my $model = realpath("$models/$self->{model}.pml");

    $self->_do('spin', '-a', @sizes, $model);
    $self->_do(qw(gcc -O2 -w -DSAFETY -DNOREDUCE -DCOLLAPSE),
        '-DMEMLIM=' . MEMORY, '-o', 'pan', 'pan.c');

    return $self;
}


# in the model's directory; what it printed

sub _do ($self, @command) {
    my ($code, $text) =
        run('sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh',
            $self->{directory}, @command);

    croak "@command: exit code $code\n$text" if $code != 0;

    return $text;
}


# The rules that can be left out: their numbers, by name.

sub rules ($self) {
    open my $file, '<', "$models/$self->{model}.pml" or croak "no model: $!";

    return map { /^#define (\w+) +(\d+) +\/\* .* \*\/$/a ? ($1, $2) : () }
        <$file>;
}


# Walks all states, or until something is wrong; without the rule, if one is
# named.  What came of it: states; seconds; memory (MB); failure: what is wrong,
# undef if nothing is; complete: whether it came to the end.

sub walk ($self, $rule = undef) {
    my %rules = $self->rules;
    my $number = defined $rule ? $rules{$rule} // croak "no rule $rule" : 0;

    my $text = $self->_do('env', "BROKEN=$number", 'timeout',
        $self->{seconds}, './pan', '-m' . DEPTH);

    my ($states) = $text =~ /^ *(\S+) states, stored/m;
    my ($memory) = $text =~ /^ *(\S+)\ttotal actual memory/m;
    my ($seconds) = $text =~ /elapsed time (\S+) seconds/;
    my ($failure) = $text =~ /^pan:1: (.*)/m;

    return {
        states => 0 + ($states // 0),
        seconds => $seconds // 0,
        memory => $memory // 0,
        failure => $failure,
        complete => defined $states && $text !~ /Search not completed/
            && $text !~ /^error: /m,
    };
}


# the steps that lead to what the last walk found

sub story ($self, $rule = undef) {
    my %rules = $self->rules;
    my $number = defined $rule ? $rules{$rule} : 0;

    return $self->_do('sh', '-c', "BROKEN=$number ./pan -r || true");
}

1;
