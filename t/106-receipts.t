# Read and delivered marks: merged by maximum over all devices and nodes, told
# to who is there, in conversations of up to 100 members.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(workers => 2);
$chat->start;

my $alice = $chat->connect(user => 'alice');
my $bob = $chat->connect(user => 'bob', node_other_than => $alice);
my $phone = $chat->connect(user => 'bob', node_of => $alice);
my @all = ($alice, $bob, $phone);


# a group of alice, bob and so many others, with three messages

sub begin ($others) {
    my $id = $alice->request('conversation.create', {
        type => 'group', members => ['bob'],
    })->{conversationId};

    $alice->request('member.add', { conversationId => $id,
                                    userId => "user$_" }) for 1 .. $others;
    $_->join($id) for @all;

    for my $n (1 .. 3) {
        $alice->say($id, "number $n");
        $_->hear($id) for @all;
    }

    return $id;
}


sub mark ($client, $kind, $id, $sequence) {
    is_deeply($client->request("$kind.mark", {
        conversationId => $id, sequenceNumber => $sequence,
    }), {}, "$kind.mark $sequence");

    return;
}


# that this is told to all sessions, and nothing else

sub told_ok ($kind, $id, $sequence) {
    for my $client (@all) {
        is_deeply($client->expect("receipt.$kind"), {
            conversationId => $id, userId => 'bob',
            sequenceNumber => $sequence,
        }, "receipt.$kind");
    }

    nothing_ok();

    return;
}


sub nothing_ok () {
    is_deeply([$_->unexpected], [], 'nothing else is told') for @all;

    return;
}


sub last_read ($client, $id) { return $client->join($id)->{lastReadSequence} }


subtest 'a mark is told to everybody, own devices included' => sub {
    my $id = begin(0);

    mark($bob, 'read', $id, 2);
    told_ok('read', $id, 2);

    mark($phone, 'delivered', $id, 3);
    told_ok('delivered', $id, 3);

    is(last_read($_, $id), 2, 'every device knows what was read')
        for $bob, $phone;
    is(last_read($alice, $id), 3, 'the sender has read her own');
};

subtest 'only what is further counts, whichever device says so' => sub {
    my $id = begin(0);

    mark($phone, 'read', $id, 2);
    told_ok('read', $id, 2);

    mark($bob, 'read', $id, 1);
    mark($bob, 'read', $id, 2);
    mark($bob, 'delivered', $id, 2);    # what is read is delivered, too
    nothing_ok();
    is(last_read($bob, $id), 2, 'nothing goes back');

    mark($bob, 'read', $id, 1000);
    told_ok('read', $id, 3);
    is(last_read($phone, $id), 3, 'beyond the last one is the last one');
};

subtest 'of all that devices say at once the highest remains' => sub {
    my $id = begin(0);
    my @numbers = map { 1 + int rand 3 } 1 .. 30;

    push @numbers, 3;
    my @posted = map {
        my $client = (($bob, $phone)[rand 2]);
        [$client, $client->post('read.mark', {
            conversationId => $id, sequenceNumber => $_,
        })]
    } @numbers;
    ok($_->[0]->reply($_->[1])->{ok}, 'a mark') for @posted;

    is(last_read($bob, $id), 3, 'the highest');

    for my $client (@all) {
        my ($last, $fine) = (0, 1);

        while ($last < 3) {
            my $number = $client->expect('receipt.read')->{sequenceNumber};
            $fine &&= $number > $last;
            $last = $number;
        }

        ok($fine, 'receipts only ever grow');
    }

    nothing_ok();
};

subtest 'with more than 100 members nobody is told' => sub {
    my $id = begin(98);

    $_->unexpected for @all;
    mark($bob, 'read', $id, 2);
    told_ok('read', $id, 2);

    $alice->request('member.add', { conversationId => $id, userId => 'carol' });
    $_->expect('member.joined') for @all;
    mark($bob, 'read', $id, 3);
    mark($bob, 'delivered', $id, 3);
    nothing_ok();
    is(last_read($phone, $id), 3, 'but it counts');
};

subtest 'a receipt is for who is there, and not repeated' => sub {
    my $id = begin(0);

    $phone->leave($id);
    mark($bob, 'read', $id, 1);
    $_->expect('receipt.read') for $alice, $bob;
    nothing_ok();

    is_deeply([grep { $_->{type} =~ /receipt/ }
                   @{ $phone->join($id, 0)->{events} }], [],
              'who comes later is not told');

    # one that is told while the links are cut may be lost, and is no fault
    $chat->redis_cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    mark($bob, 'read', $id, 2);
    $alice->say($id, 'goes on');
    is($_->hear($id)->{content}, 'goes on', 'events are not') for @all;
    $_->unexpected for @all;
};

subtest 'a mark makes who reads a channel a member, without an event' => sub {
    my $id = $alice->request('conversation.create',
                             { type => 'channel' })->{conversationId};
    $alice->say($id, 'hello');
    is($_->join($id)->{role}, undef, 'a reader') for $bob;
    $alice->join($id);

    mark($bob, 'read', $id, 1);
    is_deeply($_->expect('receipt.read')->{userId}, 'bob', 'told')
        for $alice, $bob;
    nothing_ok();
    is($bob->join($id)->{role}, 'member', 'a member now');
};

subtest 'what one may not see cannot be marked' => sub {
    my $id = $alice->request('conversation.create',
                             { type => 'group' })->{conversationId};

    is($bob->refused("$_.mark", { conversationId => $id,
                                  sequenceNumber => 1 })->{code},
       'not_found', "$_.mark") for qw(read delivered);
};

done_testing;
