# docs/websocket.md says where each rule is kept and what shows it: those places
# must be there.

use v5.36;

use FindBin;

use Test::More;

my $root = "$FindBin::Bin/..";


sub slurp ($file) {
    open my $in, '<', $file or die "$file: $!";

    return join '', <$in>;
}


my $code = join '', map { slurp($_) } glob("$root/common/*.[ch]"),
    glob("$root/ngx_chat_module/*.[ch]");
my @rows = map { [split / \| /, s/^\| | \|$//gr] }
    grep { /^\| / && !/^\| rule / } split /\n/, slurp("$root/docs/websocket.md");

cmp_ok(scalar @rows, '>', 40, 'there are rules');
is((grep { @$_ != 3 } @rows), 0, 'of three columns');


subtest 'what keeps a rule is in the code' => sub {
    for my $row (@rows) {
        my @names = $row->[1] =~ /`([\w>.-]+)(?:\(\)|`)/g;

        for my $name (@names) {
            my $found = $name =~ /\.c$/
                ? -e "$root/common/$name" || -e "$root/ngx_chat_module/$name"
                : $code =~ /\Q${\ $name =~ s{\.+$}{}r =~ s{^[fs]->}{}r }\E/;

            ok($found, "$name: $row->[0]");
        }
    }
};

subtest 'what shows a rule is a test' => sub {
    for my $row (@rows) {
        my @shown = split /, /, $row->[2];

        ok(@shown > 0, $row->[0]);

        for my $name (@shown) {
            my @files = $name =~ /^\d{3}$/ ? glob("$root/t/$name-*.t")
                : $name eq 'frames'        ? "$root/t/attacks/frames.tsv"
                : $name =~ /^`(chat_\w+)`$/ ? "$root/t/unit/${1}_test.c"
                :                            ();

            is((grep { -e } @files), 1, "shown by $name");
        }
    }
};

done_testing;
