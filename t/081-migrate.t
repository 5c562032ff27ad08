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

done_testing;
