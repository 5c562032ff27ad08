# The rules of the log, and of a node's room, as small models: nothing is wrong
# in any of their states, and something is when one of the rules is left out.
#
#     make model
#
# walks more of it.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use ChatTest::Spin;
use ChatTest::Walks qw(walks);

for my $walk (walks(short => 1)) {
    my $spin = ChatTest::Spin->new($walk->%*);

    subtest $walk->{name} => sub {
        my $all = $spin->walk;

        is($all->{failure}, undef, 'nothing is wrong in any state')
            or diag($spin->story);
        ok($all->{complete}, "all are walked: $all->{states}");
    };

    for my $rule ($walk->{rules}->@*) {
        my $without = $spin->walk($rule);

        ok(defined $without->{failure}, "$rule is missed");
        note("$without->{states} states: $without->{failure}");
    }
}

done_testing;
