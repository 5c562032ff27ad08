# A user is put out and let in again, over and over, by two others on two nodes,
# while its sessions join, join again and leave, and while subscriptions break.
# Whatever comes first: between a join and what ends it each session hears every
# event once, and outside of that none.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant { ROUNDS => 20, BATCHES => 6, BATCH => 16 };

my $seed = $ENV{CHAT_TEST_SEED} // time;
srand $seed;
diag "CHAT_TEST_SEED=$seed";

my $chat = ChatTest->new(workers => 2,
                         location => 'chat_max_outstanding 200;'
                                     . ' chat_request_timeout 1m;');
$chat->start;

my $alice = $chat->connect(user => 'alice');
my $olga = $chat->connect(user => 'olga', node_other_than => $alice);
my @bobs = ($chat->connect(user => 'bob', node_of => $alice),
            map { $chat->connect(user => 'bob', node_of => $olga) } 1 .. 2);
my @all = ($alice, $olga, @bobs);


# one of what can happen next: a session, a type, further data

my @happens = (
    (sub { return (one_of($alice, $olga), 'message.send', content => 'x') })
        x 6,
    (sub { return (one_of($alice, $olga), 'member.remove', userId => 'bob') })
        x 2,
    (sub { return (one_of($alice, $olga), 'member.add', userId => 'bob') }) x 3,
    (sub { return (one_of(@bobs), 'conversation.join') }) x 3,
    (sub { return (one_of(@bobs), 'conversation.join', afterRevision => 0) })
        x 2,
    sub { return (one_of(@bobs), 'conversation.leave') },
);


sub one_of (@list) { return $list[rand @list] }


# Posts, and reads in what order replies and events come, until all that was
# posted is answered.  Each session is a hash: client, stream, asked (what was
# posted, by id), open (how many have no reply).

sub post ($session, $type, %data) {
    my $id = $session->{client}->post($type, \%data);

    $session->{asked}{$id} = { type => $type, %data };
    $session->{open}++;

    return;
}


sub hear_all ($session) {
    my @messages;

    $session->{client}->poll(\@messages) or die "a session has ended\n";
    $session->{open} -= grep { $_->{type} eq 'reply' } @messages;
    push @{ $session->{stream} }, @messages;

    return;
}


sub answered (@sessions) {
    wait_until {
        hear_all($_) for @sessions;
        !grep { $_->{open} } @sessions;
    };

    return;
}


# what one session heard, message by message; returns what is wrong

sub judge ($session, $log) {
    my ($joined, $last, $admitted) = (0, 0, 0);

    for my $message (@{ $session->{stream} }) {
        my $data = $message->{data};

        if ($message->{type} eq 'reply') {
            my $asked = $session->{asked}{ $message->{id} };

            next if !$message->{ok} || $asked->{type} eq 'ping';

            if ($asked->{type} eq 'conversation.leave') {
                $joined = 0;
                next;
            }

            return 'an answer with other events'
                if defined $asked->{afterRevision}
                && join(' ', map { $_->{data}{revision} } @{ $data->{events} })
                ne join(' ', grep { $_ <= $data->{revision} } @$log);

            $last = $data->{revision} if !$joined;
            $admitted = $data->{revision};
            $joined = 1;
            next;
        }

        next if !defined $data->{revision};     # a hint, for who has not joined

        return "$message->{type} though not joined" if !$joined;

        my ($next) = grep { $_ > $last } @$log;
        $last = $data->{revision};

        return "$last instead of $next" if $last != $next;

        $joined = 0 if $message->{type} eq 'member.left' && $last > $admitted
            && $data->{userId} eq $session->{client}->welcome->{userId};
    }

    return $joined && $last != $log->[-1] ? "ended at $last" : '';
}


sub play ($round) {
    my $id = $alice->request('conversation.create', {
        type => 'group', members => ['bob', 'olga'],
    })->{conversationId};
    my %sessions = map {
        $_ => { client => $_, stream => [], asked => {}, open => 0 }
    } @all;
    my @sessions = values %sessions;
    my @watchers = @sessions{$alice, $olga};

    $alice->request('member.update', { conversationId => $id,
                                       userId => 'olga', role => 'admin' });
    post($_, 'conversation.join', conversationId => $id) for @watchers;
    answered(@watchers);

    for (1 .. BATCHES) {
        for (1 .. BATCH) {
            my ($client, $type, %data) = one_of(@happens)->();

            post($sessions{$client}, $type, conversationId => $id, %data);
        }

        $chat->redis_cli('CLIENT', 'KILL', 'TYPE', 'pubsub') if rand() < 0.1;
        answered(@sessions) if rand() < 0.7;
    }

    # the last message: when one session of a node has it, all that should have

    answered(@sessions);
    post($watchers[0], 'message.send', conversationId => $id,
         content => 'the end');

    for my $watcher (@watchers) {
        wait_until {
            hear_all($watcher);
            grep { ($_->{data}{content} // '') eq 'the end' }
                @{ $watcher->{stream} };
        };
    }

    post($_, 'ping') for @sessions;
    answered(@sessions);

    my @log = map { $_->{data}{revision} } $alice->resume($id, 0);

    is(judge($_, \@log), '', "round $round, " . $_->{client}->node)
        for @sessions;
    $_->leave($id) for @all;

    return;
}


for my $round (1 .. ROUNDS) {
    subtest "round $round" => sub { play($round) };
}

done_testing;
