# Tables of attacks: t/attacks/*.tsv.  The first line that is no comment names
# the columns; a column that is empty is an empty string.

package ChatTest::Table;

use v5.36;

use Carp qw(croak);
use Exporter qw(import);
use File::Basename qw(dirname);

our @EXPORT_OK = qw(read_table unescape);

my $attacks = dirname(__FILE__) . '/../../attacks';

my %escape = (r => "\r", n => "\n", t => "\t", 0 => "\0", '\\' => '\\');


# the rows, each { column => text }, and "line", where it stands

sub read_table ($name) {
    open my $file, '<', "$attacks/$name.tsv"
        or croak "cannot read $attacks/$name.tsv: $!";

    my (@columns, @rows);

    while (my $line = <$file>) {
        chomp $line;
        next if $line =~ /^(?:#|\s*$)/;

        my @fields = split /\t/, $line, -1;

        if (!@columns) {
            @columns = @fields;
            next;
        }

        croak "$name.tsv, line $.: not " . @columns . ' columns'
            if @fields != @columns;

        my %row = (line => $.);
        @row{@columns} = @fields;
        push @rows, \%row;
    }

    return @rows;
}


# \r \n \t \0 \\ \xNN, {name} of what is given, {text*number} repeated

sub unescape ($text, %given) {
    $text =~ s/\{(\w+)\}/$given{$1} \/\/ croak "{$1} is nothing"/ge;
    $text =~ s/\{([^{}]+)\*(\d+)\}/$1 x $2/ge;
    $text =~ s/\\(?:x([0-9a-fA-F]{2})|(.))/
        defined $1 ? chr hex $1 : $escape{$2} \/\/ croak "\\$2 is nothing"
        /gex;

    return $text;
}

1;
