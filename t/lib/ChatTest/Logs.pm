# What the processes of a test have written, and what of it no test may leave
# behind.

package ChatTest::Logs;

use v5.36;

use List::Util qw(any);

use constant TAIL => 60;      # lines are enough to see what happened

# a line that is a fault: of nginx, of a worker, or of the sanitizer of what is
# undefined, which writes to no file of its own beside AddressSanitizer
my $FAULT = qr/\[(?:alert|emerg)\]|"level":\s*"alert"
    |^\S+:\d+:\d+:\ runtime\ error:\ /x;


sub new ($class, $directory) {
    my $reports = "$directory/sanitizer";

    # nginx's workers, who write there too, are others when root tests
    mkdir $reports;
    chmod 01777, $reports;

    return bless {
        directory => $directory, reports => $reports, files => {},
        allowed => [],
    }, $class;
}


# where the sanitizers of a program shall write to: a file of each process

sub reports ($self, $program) { return "$self->{reports}/$program" }


# the file that a process shall write to

sub file ($self, $name) {
    return $self->{files}{$name} = "$self->{directory}/$name.log";
}


sub text ($self, $name) {
    return _slurp($self->{files}{$name});
}


# where each log ends now; and what was written since such a moment

sub marks ($self) {
    my $files = $self->{files};

    return { map { $_ => -s $files->{$_} // 0 } keys %$files };
}


sub since ($self, $marks) {
    return join '', map { $self->_new($_, $marks) } sort keys %{ $self->{files} };
}


# the last lines of each, for people; of everything by default

sub tail ($self, $marks = {}) {
    my $text = '';

    for my $name (sort keys %{ $self->{files} }) {
        my @lines = split /^/, $self->_new($name, $marks);

        splice @lines, 0, -TAIL, "...\n" if @lines > TAIL;
        $text .= join '', "--- $name\n", @lines if @lines;
    }

    return $text;
}


sub _new ($self, $name, $marks) {
    return substr $self->text($name), $marks->{$name} // 0;
}


# a line that the test provokes is no fault

sub allow ($self, $pattern) {
    push @{ $self->{allowed} }, $pattern;

    return;
}


# lines of alerts, and whole reports of the sanitizers

sub faults ($self) {
    my @found = map { _report($_) } glob "$self->{reports}/*";

    for my $name (sort keys %{ $self->{files} }) {
        push @found, grep { /$FAULT/ } split /^/, $self->text($name);
    }

    return grep {
        my $line = $_;
        !any { $line =~ $_ } @{ $self->{allowed} };
    } @found;
}


# A report, as it is; but of nginx's leaks only those that do not stem from
# nginx alone, which never frees its tables of connections and events.

sub _report ($file) {
    my $text = _slurp($file);

    return $text if $text !~ /LeakSanitizer/ || $file !~ m{/nginx\.\d+\z};

    return grep { /leak of/ && /ngx_chat_module\.so|libhiredis/ }
        split /^(?=(?:Direct|Indirect) leak)/m, $text;
}


sub _slurp ($file) {
    open my $in, '<', $file or return '';
    local $/ = undef;

    return <$in> // '';
}

1;
