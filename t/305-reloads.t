# bench/reloads, small: reloads, and another nginx and back, under clients who
# have to get every message once.

use v5.36;

use FindBin;
use Test::More;

my $program = "$FindBin::Bin/../bench/reloads";
my $flock = "$FindBin::Bin/../build/bench/flock";

plan skip_all => "$flock is missing: run make measure-reloads" if !-x $flock;

my $text = qx{timeout 240 $program --reloads 3 --clients 50 --drain 1 2>&1};

is($?, 0, 'it passes') or diag($text);
like($text, qr/^PASS$/m, 'and says so');
like($text, qr/\n3 reloads, 2 processes each time/, 'all reloads');
like($text, qr/another nginx has taken over .* and the old one again/,
     'another nginx, and back');
like($text, qr/missed=0 doubled=0 .* cut=0$/m, 'each message once');

done_testing;
