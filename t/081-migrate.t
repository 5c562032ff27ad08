# The migration runner: twice, and many at the same time.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(with => [qw(postgres)], partitions => 4);
$chat->start_part('postgres');


sub tables () {
    return $chat->psql("SELECT count(*) FROM pg_class WHERE relnamespace =
                        'chat'::regnamespace");
}


sub content ($path) {
    open my $file, '<', $path or die "$path: $!";
    local $/ = undef;

    return readline $file;
}


subtest 'ten migrations at the same time do the work once' => sub {
    my @running = map {
        $chat->command("migrate-$_", 'chatctl', 'migrate')->start
    } 1 .. 10;

    is($_->wait_end, 0, "$_->{name} succeeds") for @running;
    is($chat->psql('SELECT count(*) = max(version), min(version)
                    FROM chat.schema_version'), 't|1', 'each step once');
};

subtest 'another one finds nothing to do' => sub {
    my $before = tables();
    my ($code, $text) = $chat->chatctl('migrate');

    is($code, 0, 'it succeeds');
    is(tables(), $before, 'nothing was added');
};

subtest 'the number of partitions is that of the first migration' => sub {
    is($chat->psql('SELECT count(*) FROM chat.partition'), 4, 'four');
    $chat->chatctl('migrate', '--partitions', 8);
    is($chat->psql('SELECT count(*) FROM chat.partition'), 4, 'for ever');
};

subtest 'a database that is not there is an error that scripts see' => sub {
    my ($code, $text) = $chat->chatctl('migrate', '--postgres-url',
                                       'host=/nonexistent');

    isnt($code, 0, 'exit code');
    like($text, qr/nonexistent/, 'and a message that says where');
};

subtest 'a letter that PostgreSQL cannot read is no obstacle' => sub {
    my $old = ChatTest->new(with => [qw(postgres)], partitions => 4);
    my %fields = (good => '{"r":"42949672961","q":"7"}',
                  nul  => '{"\u0000":"","r":"42949672962"}',
                  hex  => '{"r":["ff"],"q":"x"}');

    $old->start_part('postgres');

    # what "chatctl migrate" of the version before had done

    $old->psql('SET chat.partitions = 4; ' . content($_))
        for glob "$FindBin::Bin/../sql/000[1-5]_*";
    $old->psql("INSERT INTO chat.dead_letter (p, log_id, fields, reason)
                VALUES (0, '$_', '$fields{$_}', 'test')") for sort keys %fields;

    is(($old->chatctl('migrate'))[0], 0, 'all is migrated');
    is($old->psql("SELECT string_agg(concat_ws(' ', log_id, revision, sequence),
                          ', ' ORDER BY log_id) FROM chat.dead_letter"),
       'good 42949672961 7, hex, nul', 'and what can be told is');
    $old->stop;
};

done_testing;
