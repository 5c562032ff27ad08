# Dead letters that are to be stored after all wait for a moment at which
# nothing of their conversation waits to be stored, those that depend on them
# wait with them, and beside traffic that moment comes.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant UNAVAILABLE => 4;

my $chat = ChatTest->new(workers => 1);
$chat->start;
$chat->create('lobby', type => 'group', by => 'ada', members => [qw(bob)]);
$chat->logs->allow(qr/an event went to the dead letters/);

my $ada = $chat->connect(user => 'ada');
my %lobby = (conversationId => 'lobby');


sub letters () { return $chat->psql('SELECT count(*) FROM chat.dead_letter') }


# what PostgreSQL refuses meanwhile becomes dead letters

sub refusing ($do) {
    $chat->wait_stored;
    $chat->psql(<<~'END');
        ALTER TABLE chat.message ADD CONSTRAINT never
            CHECK (content::text <> '"bad"') NOT VALID;
        ALTER TABLE chat.reaction ADD CONSTRAINT never CHECK (emoji <> 'x')
            NOT VALID;
        END
    $do->();
    $chat->wait_stored;
    $chat->psql("ALTER TABLE chat.$_ DROP CONSTRAINT never")
        for qw(message reaction);

    return;
}


sub bad () {
    refusing(sub {
        my $said = $ada->say('lobby', 'bad', uuid());
        $ada->request('reaction.add', { %lobby, messageId => $said->{id},
                                        emoji => 'x' });
    });

    return is(letters(), 2, 'a message and a reaction to it are refused');
}


sub retry (@more) { return $chat->chatctl(qw(deadletter retry --all), @more) }


subtest 'something seems to wait' => sub {
    bad();

    my ($meta) = split /\n/, $chat->redis_cli('KEYS', '*/lobby:meta');
    my $last = $chat->redis_cli('HGET', $meta, 'last');

    $chat->redis_cli('HSET', $meta, 'last', '9999999999999-0');

    my ($code, $text) = retry('--wait', 2);
    is($code, UNAVAILABLE, 'it is not stored in time');
    like($text, qr/will when nothing else/, 'why');
    is($chat->psql('SELECT count(*) FROM chat.dead_letter
                    WHERE retry_at IS NOT NULL'), 2, 'both wait');

    $chat->redis_cli('HSET', $meta, 'last', $last);
    wait_until { letters() == 0 };
    pass('then both are stored');
};

subtest 'beside traffic' => sub {
    bad();
    is((retry('--wait', 0))[0], UNAVAILABLE, 'asked for');
    wait_until { $ada->say_all('lobby', map { "message $_" } 1 .. 20); letters() == 0 } 20;
    pass('stored');
};

$chat->wait_stored;
is(($chat->chatctl('verify', 'lobby'))[0], 0, 'all is well');
done_testing;
