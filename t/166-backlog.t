# How much may wait to be stored is what the chat-persist says that was started
# last, at once.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers  => 1,
                         location => 'chat_request_timeout 1m;');
$chat->start;
$chat->create('lobby');

my $alice = $chat->connect(user => 'alice');
my $said = 0;


# how many are accepted while nobody stores, up to 50

sub accepted () {
    for my $n (0 .. 49) {
        my $reply = $alice->reply($alice->post('message.send', {
            conversationId => 'lobby', content => "message $n",
        }));

        if (!$reply->{ok}) {
            is($reply->{error}{code}, 'unavailable', 'then unavailable');
            cmp_ok($reply->{error}{retryAfter}, '>', 0, 'for some time');
            return $n;
        }

        $said++;
    }

    return 50;
}


sub restarted ($backlog) {
    my $persist = $chat->command("persist-$backlog", 'chat-persist',
                                 "--backlog=$backlog")->start;

    wait_until {
        $chat->psql('SELECT count(*) FROM chat.partition
                     WHERE lease_until > now()') == 16
            && $chat->redis_cli('EVAL', <<~'END', 0, $backlog) == 16;
                local n = 0

                for p = 0, 15 do
                    local key = string.format('chat:{p%02d}:part', p)
                    if redis.call('HGET', key, 'backlog') == ARGV[1] then
                        n = n + 1
                    end
                end

                return n
                END
    } 20;

    return $persist;
}


$chat->kill('persist', 'TERM');

for my $backlog (7, 20) {
    subtest "$backlog events" => sub {
        my $persist = restarted($backlog);

        $chat->wait_stored;
        $persist->end('KILL');
        is(accepted(), $backlog, "$backlog are accepted");
    };
}

subtest 'what was accepted is stored' => sub {
    $chat->start_part('persist');
    is($alice->insist('message.send', { conversationId => 'lobby',
                                        content => 'goes on' })
           ->{sequenceNumber}, $said + 1, 'sending goes on');
    $chat->wait_stored(20);
    is($chat->psql('SELECT count(*), max(sequence) FROM chat.message'),
       join('|', ($said + 1) x 2), 'all of it once');
};

done_testing;
