# Workers that are newer than the schema serve nobody until it was migrated, and
# say what to do.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Port qw(take_port);

my $chat = ChatTest->new(with => [qw(postgres redis)], partitions => 4);
my @files = glob "$FindBin::Bin/../sql/*.sql";
my $newest = @files;
my (%port, @locks);

$chat->start_part($_) for qw(postgres redis);

for my $name (qw(chat-persist chat-presence)) {
    ($port{$name}, $locks[@locks]) = take_port;
    $chat->command($name, $name, '--status-listen',
                   "127.0.0.1:$port{$name}")->start;
}


sub content ($path) {
    open my $file, '<', $path or die "$path: $!";
    local $/ = undef;

    return readline $file;
}


sub ready ($name) {
    return eval { $chat->http(port => $port{$name}, path => '/readyz')
                      ->status } // 0;
}


sub refused_ok ($text) {
    for my $name (sort keys %port) {
        ok(eval { wait_until { $chat->logs->since({}) =~
                      /"$name"[^\n]*PostgreSQL failed[^\n]*$text/ } },
           "$name says: $text") || diag($chat->logs->tail);
        is(ready($name), 503, 'it is not ready');
    }
}


subtest 'no schema' => sub {
    refused_ok('there is no schema: run chatctl migrate');
};

subtest 'that of the version before' => sub {
    $chat->psql('SET chat.partitions = 4; ' . content($_))
        for @files[0 .. $#files - 1];

    refused_ok('the schema is of version ' . ($newest - 1)
               . ", $newest is needed: run chatctl migrate");
    is($chat->psql('SELECT count(holder) FROM chat.partition'), 0,
       'and nobody holds a partition');
};

subtest 'once it is migrated, all goes on by itself' => sub {
    $chat->chatctl_must('migrate');

    for my $name (sort keys %port) {
        ok(eval { wait_until { ready($name) == 200 } }, "$name is ready")
            || diag($chat->logs->tail);
    }
};

done_testing;
