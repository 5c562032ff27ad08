# chatctl verify beside traffic: it finds nothing where nothing is wrong, while
# everything happens to a conversation, chat-persist is killed, and Redis loses
# what it has; and it finds what is wrong all the same.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX ();

use ChatTest;

use constant { DONE => 0, FAILED => 1 };

my $chat = ChatTest->new(workers => 1);
$chat->start;
$chat->logs->allow(qr/redis|connect/i);

my @users = qw(ada bob carol dan);
my @rooms = qw(lobby square);

$chat->create('lobby', type => 'group', by => 'ada', members => \@users);
$chat->create('square');


# one user's life, until the pipe is closed: what can be done, done at random

sub live ($user, $stop) {
    my $client = $chat->connect(user => $user);
    my %messages = map { $_ => [] } @rooms;
    my @open;

    while (!$stop->()) {
        my $room = $rooms[rand @rooms];
        my %of = (conversationId => $room);
        my $mine = $messages{$room};
        my %message = (%of, messageId => $mine->[rand @$mine]);

        my ($type, $data) = @{ (
            (['message.send', { %of, content => "It is $$ " . rand,
                clientMessageId => rand() < 0.8 ? uuid() : 'x' . rand }]) x 4,
            ['read.mark', { %of, sequenceNumber => int 1 + rand 2 * @$mine }],
            ['member.update', { %of, userId => $users[rand @users],
                                role => 'moderator' }],
            ['conversation.update', { %of, name => "Name " . int rand 9 }],
            ['member.remove', { %of, userId => $user }],
            ['member.add', { %of, userId => $user, role => 'member' }],
            $mine->[0] ? (
                ['message.edit', { %message, content => 'Not ' . rand }],
                ['message.delete', \%message],
                (['reaction.add', { %message, emoji => '+1' }]) x 2,
                ['reaction.remove', { %message, emoji => '+1' }],
            ) : (),
        )[rand($mine->[0] ? 14 : 9)] };

        push @open, [$client->post($type, $data), $room];
        next if @open < 8;

        my ($id, $of) = @{ shift @open };
        my $reply = $client->reply($id);

        push @{ $messages{$of} }, $reply->{data}{id}
            if $reply->{ok} && $reply->{data}{id};
        splice @{ $messages{$of} }, 0, 10 if @{ $messages{$of} } > 40;
    }

    return;
}


# a process for each user; returns what ends them all

sub begin () {
    pipe my $read, my $write or die "pipe() failed: $!";

    my @pids = map {
        my $user = $_;
        my $pid = fork // die "fork() failed: $!";

        if ($pid == 0) {
            close $write;
            my $stop = sub {
                vec(my $bits = '', fileno $read, 1) = 1;
                return select($bits, undef, undef, 0) > 0;
            };
            eval { live($user, $stop); 1 } or warn $@;
            POSIX::_exit(0);
        }

        $pid;
    } @users;

    return sub {
        close $write;
        waitpid $_, 0 for @pids;
    };
}


# what verify says, any number of times

sub look ($times) {
    my @bad;

    for (1 .. $times) {
        my ($code, $text) = $chat->chatctl('verify', '--all');
        push @bad, $text if $code != DONE;
    }

    is_deeply(\@bad, [], "$times looks find nothing");

    return;
}


my $end = begin();

subtest 'beside traffic' => sub { look(20) };

subtest 'while chat-persist comes and goes' => sub {
    for (1 .. 2) {
        $chat->kill('persist');
        look(1);
        $chat->start_part('persist');
        look(1);
    }
};

subtest 'what is wrong is found among all that' => sub {
    $chat->psql("DELETE FROM chat.message WHERE sequence = 5 AND
                 conversation_key = (SELECT conversation_key
                     FROM chat.conversation WHERE conversation_id = 'square')");

    my ($code, $text) = $chat->chatctl('verify', 'square');
    is($code, FAILED, 'exit code');
    like($text, qr/^  message 5 is missing$/m, 'what is wrong');
    is(($chat->chatctl('verify', 'lobby'))[0], DONE, 'and nothing else');
};

$end->();

subtest 'at rest' => sub {
    $chat->wait_stored;
    is(($chat->chatctl('verify', 'lobby'))[0], DONE, 'nothing is wrong');
    cmp_ok($chat->psql("SELECT min(last_sequence) FROM chat.conversation"),
           '>', 100, 'much has happened');
};

done_testing;
