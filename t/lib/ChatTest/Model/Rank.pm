# What a role is above, and what below.

package ChatTest::Model::Rank;

use v5.36;

use Exporter qw(import);

our @EXPORT_OK = qw(rank_of OPERATOR);

use constant OPERATOR => '';         # the user whom nobody is

my %RANK = (owner => 4, admin => 3, moderator => 2, member => 1, reader => 0,
            stranger => -1, blocked => -1);


sub rank_of ($role) { return $RANK{$role} }

1;
