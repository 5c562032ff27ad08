# What a node tells chatctl doctor: all its rooms, in parts, while sessions go
# on being served.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Redis;

my $chat = ChatTest->new(workers => 2,
                         http => 'chat_max_conversations 2000;');
$chat->start;
$chat->create($_) for qw(lobby hall);

my $redis = ChatTest::Redis->new($chat->directory . '/redis.sock');

my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob', node_of => $alice);
my $carol = $chat->connect(user => 'carol', node_other_than => $alice);


# what a node has told: id => [head of each part], rooms => { base => line }

sub report_of (@parts) {
    my %told;

    for (@parts) {
        my ($head, @rooms) = split /\n/;
        my ($node) = $head =~ /^node (\S+) /;

        push @{ $told{$node}{heads} }, $head;
        $told{$node}{rooms}{ s/ .*//r } = $_ for @rooms;
    }

    return \%told;
}


# Asks, until so many parts came.  Nodes tell once a second at most, each by
# itself, so that one of them may tell twice before another one does.

sub ask ($token, $n) {
    my %parts;
    my $ear = ChatTest::Redis->new($chat->directory . '/redis.sock');

    $ear->call('SUBSCRIBE', "chat:doctor:$token");

    wait_until {
        $redis->call('PUBLISH', 'chat:nodes', "report $token");

        while (keys %parts < $n && _readable($ear, 0.3)) {
            my $part = $ear->_reply->[2];
            my ($of) = $part =~ /^node (\S+ pid \d+ part \d+) /;

            $parts{$of} = $part;
        }

        keys %parts == $n;
    };

    return report_of(map { $parts{$_} } sort keys %parts);
}


sub _readable ($link, $seconds) {
    vec(my $set = '', fileno $link->{socket}, 1) = 1;

    return select $set, undef, undef, $seconds;
}


subtest 'each node tells what it holds' => sub {
    $_->join('lobby') for $alice, $bob, $carol;
    $carol->join('hall');
    my $revision = $alice->say('lobby', 'hello')->{revision};
    $_->hear('lobby') for $alice, $bob, $carol;

    my $told = ask('a-Token-1', 2);

    is_deeply([sort keys %$told], [sort $alice->node, $carol->node],
              'both');

    my $hers = $told->{ $alice->node };
    like($hers->{heads}[0], qr/^node\ \S+\ pid\ \d+\ part\ 1\ of\ 1
         \ sessions\ 2\ rooms\ 1\ gaps\ 0
         \ revoked\ 0\ sure\ host\ \S+\ master\ \d+\ serves
         \ lost\ 0\ doubled\ 0\ repaired\ 0$/x, 'the head');

    my ($base) = keys %{ $hers->{rooms} };
    my $generation = $revision >> 32;

    like($base, qr{^chat:\{p\d\d\}:c:default/lobby$}, 'the room');
    is($hers->{rooms}{$base}, "$base $revision $generation 2 ok",
       'where it is, and who is in it');
    is(keys %{ $told->{ $carol->node }{rooms} }, 2, 'the other has two');
};

subtest 'a bad token is not answered' => sub {
    $redis->call('PUBLISH', 'chat:nodes', "report $_")
        for 'a b', 'x' x 65, "a\n", 'a:b';

    my $told = ask('good', 2);
    is(keys %$told, 2, 'and does no harm');
};

subtest 'many rooms come in parts' => sub {
    my @names = map { "room-$_" } 1 .. 1100;
    my $admin = $chat->connect(user => 'admin', node_of => $alice,
                               claims => { roles => ['admin'] });

    while (my @some = splice @names, 0, 20) {
        my @ids = map { $admin->post('conversation.create', {
            conversationId => $_, type => 'channel' }) } @some;
        $admin->reply($_)->{ok} or die for @ids;

        @ids = map { $alice->post('conversation.join',
                                  { conversationId => $_ }) } @some;
        $alice->reply($_)->{ok} or die for @ids;
    }

    my $told = ask('many', 4);
    my $hers = $told->{ $alice->node };

    is_deeply([map { /part (\d+ of \d+) / } @{ $hers->{heads} }],
              ['1 of 3', '2 of 3', '3 of 3'], 'three');
    is(keys %{ $hers->{rooms} }, 1101, 'all of them, each once');
    is(scalar(grep { / 1 ok$/ } values %{ $hers->{rooms} }), 1100,
       'and what they are');
};

done_testing;
