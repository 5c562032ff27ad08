# Of a message that was deleted Redis keeps, once that is stored, nothing but
# that it was: no content, former or last, and nobody's reaction.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers => 1);
$chat->start;
$chat->create('lobby');

my %lobby = (conversationId => 'lobby');
my $ada = $chat->connect(user => 'ada');
my $bob = $chat->connect(user => 'bob');


# all that Redis holds, as text

sub everything () {
    return $chat->redis_cli('EVAL', <<~'END', 0);
        local function text(v)
            if type(v) ~= 'table' then
                return tostring(v)
            end
            local parts = {}
            for i, part in ipairs(v) do
                parts[i] = text(part)
            end
            return table.concat(parts, ' ')
        end
        local all = {}
        for _, key in ipairs(redis.call('KEYS', '*')) do
            local kind = redis.call('TYPE', key).ok
            all[#all + 1] = text(kind == 'stream'
                and redis.call('XRANGE', key, '-', '+')
                or redis.call('HGETALL', key))
        end
        return table.concat(all, '\n')
        END
}


my $first = $ada->say('lobby', 'ash');
my $revision = $ada->join('lobby')->{revision};
my $message = $ada->request('message.send', {
    %lobby, content => 'birch', attachments => [{ id => 'cedar' }],
    mentions => ['dogwood'],
});
my %message = (%lobby, messageId => $message->{id});
my @secrets = qw(birch cedar dogwood elm fir gorse);

$ada->request('message.edit', { %message, content => 'elm' });
$bob->request('reaction.add', { %message, emoji => 'fir' });
$bob->request('reaction.add', { %message, emoji => 'gorse' });
$bob->request('reaction.remove', { %message, emoji => 'gorse' });
$bob->request('reaction.add', { %lobby, messageId => $first->{id},
                                emoji => 'hazel' });

subtest 'before it is deleted' => sub {
    $chat->wait_stored;
    like(everything(), qr/$_/, $_) for @secrets;
};

subtest 'afterwards' => sub {
    $ada->request('message.delete', \%message);
    $chat->wait_stored;

    unlike(everything(), qr/$_/, "no $_") for @secrets;
    like(everything(), qr/$_/, "but $_") for qw(ash hazel);
};

subtest 'who was away is told no more than that' => sub {
    my $join = $bob->join('lobby', $revision);

    is_deeply([map { $_->{type} } @{ $join->{events} }],
              ['reaction.added', 'message.deleted'], 'what is left');
    is($join->{events}[0]{data}{messageId}, $first->{id},
       'the reaction to another message');
};

done_testing;
