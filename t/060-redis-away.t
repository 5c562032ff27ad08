# Redis goes away and comes back: sockets stay, requests are told so, and then
# everything flows again on the same connections.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers => 2, redis_options => 'timeout=2s',
                         location => 'chat_request_timeout 4s;');
$chat->start;
$chat->create('lobby');

my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob', node_other_than => $alice);

$_->join('lobby') for $alice, $bob;


# that nobody can do anything, but is told so

sub unavailable_ok () {
    my %requests = (
        'conversation.join'   => { conversationId => 'lobby',
                                   afterRevision => 0 },
        'conversation.create' => { type => 'group' },
        'message.send'        => { conversationId => 'nowhere',
                                   content => 'x' },
        'history.get'         => { conversationId => 'lobby' },
    );

    my %asked = map { $_ => $alice->post($_, $requests{$_}) } keys %requests;

    for my $type (sort keys %requests) {
        my $error = $alice->reply($asked{$type})->{error};

        like($error->{code}, qr/^(?:unavailable|timeout)$/, $type);
        like($error->{retryAfter}, qr/^\d+(?:\.\d+)?$/, 'with retryAfter')
            if $error->{code} eq 'unavailable';
    }

    ok($_->request('ping'), 'the session lives') for $alice, $bob;

    return;
}


# that all is well again, without a reconnect and without a loss

sub flows_ok ($what) {
    $alice->insist('message.send', {
        conversationId  => 'lobby',
        clientMessageId => uuid(),
        content         => $what,
    });

    is($_->hear('lobby')->{content}, $what, 'is heard') for $alice, $bob;
    is_deeply([$bob->unexpected], [], 'once');

    return;
}


subtest 'before, all is well' => sub {
    flows_ok('before');
};

subtest 'while Redis is down clients are told, and stay' => sub {
    $chat->kill('redis', 'TERM');
    $chat->wait_ready(503);
    like($chat->http(path => '/readyz')->body, qr/"redis"/,
         '/readyz names what is missing');
    is($chat->http(path => '/healthz')->status, 200, '/healthz does not mind');
    unavailable_ok();
};

subtest 'a session may begin meanwhile' => sub {
    my $carol = $chat->connect(user => 'carol');

    ok($carol->request('ping'), 'it is let in');
    is($carol->refused('conversation.join', { conversationId => 'lobby' })
           ->{code}, 'unavailable', 'but cannot join yet');
};

subtest 'after its return everything flows' => sub {
    $chat->restart('redis');
    flows_ok('after a stop');
    ok($chat->wait_ready, 'ready again');
};

subtest 'the same after kill -9' => sub {
    $chat->kill('redis');
    unavailable_ok();
    $chat->restart('redis');
    flows_ok('after a kill');
};

subtest 'a Redis that does not answer is as good as none' => sub {
    $chat->freeze('redis');
    unavailable_ok();
    $chat->thaw('redis');
    flows_ok('after a freeze');
};

subtest 'what was sent meanwhile from elsewhere comes before the new' => sub {
    my $revision = $bob->insist('conversation.join', {
        conversationId => 'lobby',
    })->{revision};

    # bob's node misses what is published while its link is cut
    $chat->redis_cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    $alice->say('lobby', "missed $_") for 1 .. 3;
    $alice->say('lobby', 'new');

    my @heard = map { $bob->hear('lobby') } 1 .. 4;
    is_deeply([map { $_->{content} } @heard],
              ['missed 1', 'missed 2', 'missed 3', 'new'], 'all, in order');
    cmp_ok($heard[0]{revision}, '>', $revision, 'and no others');
};

subtest 'a lost last publish is found without a new one' => sub {
    $chat->redis_cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    $alice->say('lobby', 'the last word');
    is($bob->hear('lobby')->{content}, 'the last word', 'bob hears it');
};

subtest 'all of it is in PostgreSQL' => sub {
    $chat->wait_stored;
    is($chat->psql('SELECT count(*), max(sequence) FROM chat.message'),
       '9|9', 'every message that was acknowledged, once');
};

done_testing;
