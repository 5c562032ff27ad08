# Who was away gets from PostgreSQL what it missed, as the latest state of each
# thing.  In the end it must know what a client knows that was there all the
# time, from wherever it goes on.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();

use ChatTest;
use ChatTest::Told;

use constant { OPERATIONS => 400, SAVED_EACH => 25 };

my $chat = ChatTest->new(workers => 1);
$chat->start;

my $seed = $ENV{SEED} // int rand 1e6;
my @users = map { "u$_" } 1 .. 5;
my %user = map { $_ => $chat->connect(user => $_) } @users;
my $admin = $chat->connect(user => 'root', claims => { roles => ['admin'] });

note "seed $seed";
srand $seed;


sub any (@of) { return $of[rand @of] }

my $room = 'room';
my (@messages, %seen);


sub make_room () {
    $admin->request('conversation.create', {
        conversationId => $room, type => 'channel', name => 'The room',
        members => ['u1', 'u2'],
    });
    @messages = ();

    return;
}


sub on_message ($verb, %more) {
    return @messages ? ($verb, { messageId => any(@messages), %more }) : ();
}

my %requests = (
    6 => [
        sub { 'message.send', { content => 'text ' . 'x' x rand 4000 } },
        sub { 'message.send', { content => 'reply', mentions => [any(@users)],
            attachments => [{ id => 'a' }], @messages
                ? (replyTo => any(@messages)) : () } },
        sub { on_message('message.edit', content => 'edit ' . rand) },
        sub { on_message('reaction.add', emoji => any(qw(+1 -1 ok))) },
        sub { on_message('reaction.remove', emoji => any(qw(+1 -1 ok))) },
    ],
    2 => [
        sub { on_message('message.delete') },
        sub { 'member.add', { userId => any(@users) } },
        sub { 'member.remove', { userId => any(@users) } },
        sub { 'member.update', { userId => any(@users),
            role => any(qw(member moderator admin blocked)) } },
    ],
    1 => [
        sub { 'conversation.update', { name => 'Name ' . int rand 9,
            readOnly => rand() < 0.2 ? JSON::PP::true : JSON::PP::false } },
        sub { 'conversation.update', { description => any('', 'words'),
            slowMode => 0 } },
    ],
);
my @wheel = map { my $w = $_; map { ($_) x $w } @{ $requests{$w} } }
    sort keys %requests;


sub act () {
    my $who = rand() < 0.4 ? $admin : $user{ any(@users) };
    my ($type, $data) = any(@wheel)->();

    return if !defined $type;

    my $reply = $who->reply($who->post($type, { conversationId => $room,
                                                %$data }));

    push @messages, $reply->{data}{id}
        if $type eq 'message.send' && $reply->{ok};

    return;
}


# Redis holds nothing of the conversation any more

sub forget () {
    my @keys = split /\n/, $chat->redis_cli('KEYS', "*:c:default/$room:*");

    $chat->wait_stored;
    $chat->redis_cli('DEL', @keys) if @keys;

    return;
}


# The one who is there all the time, and what it knew at some times ---------

my $watcher = $chat->connect(user => 'root');
my $live = ChatTest::Told->new;
my @saved;


sub watch_more () {
    $live->take($_) for $watcher->resume($room, $live->revision);
    push @saved, $live->copy;

    return;
}


sub resumes_ok ($what) {
    my $wrong = 0;

    for my $from (@saved) {
        my $state = $from->copy;

        forget();
        $state->take($_) for $watcher->resume($room, $from->revision);

        is_deeply($state->known, $live->known,
                  "$what, on from " . $from->revision) or $wrong++;
        last if $wrong > 2;
    }

    return;
}


make_room();
push @saved, $live->copy;

subtest 'a life of a conversation' => sub {
    for my $n (1 .. OPERATIONS) {
        act();
        watch_more() if $n % SAVED_EACH == 0;
    }

    cmp_ok($live->revision, '>', 0, 'there were events');
    cmp_ok(scalar keys %{ $live->{messages} }, '>', 20, 'and messages');
    resumes_ok('the same state');
};

subtest 'it is deleted, and made again' => sub {
    $admin->request('conversation.delete', { conversationId => $room });
    forget();

    my $gone = $watcher->refused('conversation.join', {
        conversationId => $room, afterRevision => $live->revision,
    });
    is($gone->{code}, 'not_found', 'nobody sees it');

    make_room();
    act() for 1 .. 30;
    watch_more();
    resumes_ok('the new life alone');
};

subtest 'history tells the same' => sub {
    my (%reactions, @messages);

    forget();

    my $page = { complete => 0, messages => [] };
    while (!$page->{complete}) {
        $page = $watcher->history($room, limit => 7, @messages
            ? (beforeSequence => $messages[0]{sequenceNumber}) : ());
        unshift @messages, @{ $page->{messages} };
    }

    for my $message (@messages) {
        for my $r (@{ delete $message->{reactions} // [] }) {
            $reactions{ $message->{id} }{"$_ $r->{emoji}"} = 1
                for @{ $r->{userIds} };
        }
    }

    is_deeply(\%reactions, $live->known->{reactions}, 'reactions');
    is_deeply([map { $_->{id} } @messages],
              [map { $_->{id} } sort {
                  $a->{sequenceNumber} <=> $b->{sequenceNumber}
              } map { { id => $_, %{ $live->{messages}{$_} } } }
                  keys %{ $live->{messages} }], 'messages in their order');
    is_deeply([grep { !exists $_->{deletedAt} } @messages],
              [grep { !exists $_->{deleted} }
                  map { $live->{messages}{ $_->{id} } } @messages],
              'with all that they say');
};

done_testing;
