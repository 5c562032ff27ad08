# Somebody who shares nothing with a user tries to learn whether that one is
# there, in every way the protocol offers.  Four strangers differ in nothing
# else: one is there, one has left, one is there and invisible, one was never
# there.  Whatever is asked about them must be answered alike, byte for byte.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Ghost;

my @strangers = qw(here left hide none);

my $chat = ChatTest->new(workers => 2, presence => { grace => 0 },
                         with => [qw(redis postgres persist presence)]);
$chat->start;

my $ghost = ChatTest::Ghost->new($chat);
my $root = $chat->connect(user => 'root', claims => { roles => ['admin'] });
my $eve = $chat->connect(user => 'eve');
my $pal = $chat->connect(user => 'pal');


sub create ($id, $type, @members) {
    return $root->insist('conversation.create', {
        $type eq 'dm' ? () : (conversationId => $id), type => $type,
        members => \@members,
    })->{conversationId};
}


sub seen ($user, $state) {
    wait_until { $ghost->seen($user) =~ /^$state/ };

    return;
}


# what is told about a user, but for the name, and for what is of the moment

sub bare ($text, $user) {
    return $text =~ s/\b\Q$user\E\b/USER/gr
        =~ s/"id":\d+/"id":N/gr
        =~ s/"revision":\d+/"revision":N/gr
        =~ s/\d{4}-\d\d-\d\dT[\d:.]+Z/TIME/gr
        =~ s/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/UUID/gr
        =~ s/dm:[0-9a-f]{32}/DM/gr;
}


# the same is asked about each of them; the answers differ in nothing

sub alike ($who, $type, $data_of, $what) {
    my %answers;

    for my $user (@strangers) {
        my $data = $data_of->($user);
        my $reply;

        wait_until {
            $reply = $who->reply($who->post($type, $data));
            $reply->{ok} || $reply->{error}{code} ne 'unavailable';
        };
        push @{ $answers{ bare($who->raw, $user) } }, $user;
    }

    is(keys %answers, 1, "$type: $what") or diag explain \%answers;

    return (keys %answers)[0];
}


my $pair = create('', 'dm', 'pal');
my %dm = map { $_ => create('', 'dm', $_) } @strangers;

create('lobby', 'channel', @strangers, 'eve');
create("only-$_", 'channel', $_) for @strangers;
create("closed-$_", 'group', $_, 'pal') for @strangers;
create('friends', 'group', qw(eve pal));

my $gone = $chat->connect(user => 'left');
seen(left => 'o');
$gone->send_close(1000);

my $here = $chat->connect(user => 'here');
my $hide = $chat->connect(user => 'hide');
seen(hide => 'o');
$hide->insist('presence.set', { status => 'invisible', text => 'a secret' });
$here->insist('presence.set', { status => 'busy', text => 'a word' });

seen(here => 'b');
seen(left => 'f');
seen(hide => 'f');

subtest 'one who shares a conversation sees them' => sub {
    my $states = $pal->insist('presence.subscribe', {
        userIds => \@strangers })->{states};

    is(join(' ', map { $_->{status} } @$states),
       'busy offline offline offline', 'one is there');
    is(join(' ', map { defined $_->{lastSeen} ? 'seen' : '-' } @$states),
       '- seen seen -', 'two were');
    unlike(encode($states), qr/secret/, 'invisible has no text');
};

subtest 'asking about them' => sub {
    for my $who ($eve, $chat->connect(user => 'nobody')) {
        my $answer = alike($who, 'presence.subscribe',
                           sub ($user) { { userIds => [$user] } }, 'alone');
        like($answer, qr/\[\{"userId":"USER","status":"offline",
             "lastSeen":null\}\]/x, 'as if never there');
        alike($who, 'presence.subscribe',
              sub ($user) { { userIds => ['nobody', $user, $user] } }, 'twice');
        alike($who, 'presence.unsubscribe',
              sub ($user) { { userIds => [$user] } }, 'no longer');
    }

    my $mixed = alike($eve, 'presence.subscribe',
                      sub ($user) { { userIds => ['pal', $user, 'eve'] } },
                      'among others');
    like($mixed, qr/"pal","status":"online".*"eve","status":"online"/,
         'who are told of');

    # so the time that it takes cannot tell either
    $eve->insist('presence.subscribe', { userIds => ['void'] });
    ok(!$ghost->is_known('void'), 'Redis is not asked about strangers');
    ok($ghost->is_known('pal'), 'it is about others');
};

subtest 'channels' => sub {
    for my $subscribe (0, 1) {
        my $answer = alike($eve, 'presence.get', sub ($user) {
            $eve->insist('conversation.join',
                         { conversationId => "only-$user" }) if $subscribe;

            return { conversationId => "only-$user",
                     $subscribe ? (subscribe => \1) : () };
        }, 'of one member');
        like($answer, qr/"online":null,"members":null/, 'no number');
    }

    my $lobby = $eve->insist('presence.get', { conversationId => 'lobby' });
    is_deeply([@$lobby{qw(online members)}], [undef, undef], 'of several');

    alike($eve, $_, sub ($user) { { conversationId => "only-$user" } },
          'in a channel')
        for qw(conversation.join history.get member.list typing.start
               typing.stop);
    alike($eve, 'message.send', sub ($user) { {
        conversationId => "only-$user", content => "\@$user",
        mentions => [$user] } }, 'that mentions them');
    alike($eve, 'read.mark', sub ($user) { {
        conversationId => "only-$user", sequenceNumber => 1 } }, 'of their own');
    alike($eve, 'member.list', sub ($user) { {
        conversationId => "only-$user" } }, 'once more');
};

subtest 'conversations of others' => sub {
    my @requests = qw(presence.get conversation.join history.get member.list
                      typing.start typing.stop);

    for my $type (@requests) {
        alike($eve, $type, sub ($user) {
            { conversationId => "closed-$user" } }, 'of a group');
        alike($eve, $type, sub ($user) {
            { conversationId => $dm{$user} } }, 'of a dm');
    }

    alike($eve, 'presence.get', sub ($user) {
        { conversationId => "closed-$user", subscribe => \1 } }, 'to listen');
    alike($eve, 'message.send', sub ($user) { {
        conversationId => "closed-$user", content => 'x' } }, 'to speak');
    alike($eve, 'member.add', sub ($user) { {
        conversationId => 'lobby', userId => $user } }, 'not allowed');
    alike($eve, 'member.remove', sub ($user) { {
        conversationId => "only-$user", userId => $user } }, 'nor this');
};

subtest 'another tenant' => sub {
    my $mallory = $chat->connect(user => 'mallory',
                                 claims => { tid => 'other' });
    my $other = ChatTest::Ghost->new($chat, 'other');

    # users of the same names there, who are nobody
    $mallory->insist('conversation.create', { type => 'group',
        clientId => uuid(), members => \@strangers });

    alike($mallory, 'presence.subscribe',
          sub ($user) { { userIds => [$user] } }, 'is another world');
    alike($mallory, 'presence.get',
          sub ($user) { { conversationId => "only-$user" } }, 'likewise');
};

subtest 'while they come and go' => sub {
    alike($eve, 'presence.subscribe', sub ($user) { { userIds => [$user] } },
          'before');

    # what eve could hear comes before this does: it is published later, in
    # the partitions of all of them
    $here->insist('presence.set', { status => 'online', text => 'another' });
    $hide->insist('presence.set', { status => 'away' });
    my $late = $chat->connect(user => 'none');
    seen(here => 'o');
    seen(hide => 'a');
    seen(none => 'o');
    $pal->expect('presence.changed', sub { $_->{userId} eq 'none' });

    $hide->insist('presence.set', { status => 'invisible' });
    seen(hide => 'f');

    $_->[0]->insist('typing.start', { conversationId => 'lobby' })
        for grep { $_->[0]->insist('conversation.join',
                                   { conversationId => 'lobby' }) }
            [$hide], [$eve];
    $root->insist('message.send', { conversationId => 'lobby',
                                    content => 'the end' });
    $eve->expect('message.created', sub { $_->{content} eq 'the end' });

    $late->send_close(1000);
    seen(none => 'f');

    is_deeply([grep { /presence|typing|receipt/ } $eve->unexpected], [],
              'eve has heard nothing');
};

subtest 'after they were friends' => sub {
    create('team', 'group', 'eve', @strangers);

    my $states = $eve->insist('presence.subscribe', {
        userIds => \@strangers })->{states};
    is(join(' ', map { $_->{status} } @$states),
       'online offline offline offline', 'in a group they are seen');

    $root->insist('member.remove', { conversationId => 'team',
                                     userId => 'eve' });
    my @ends = map {
        my $user = $_;

        $eve->expect('presence.changed', sub {
            $_->{userId} eq $user && !defined $_->{lastSeen} });
        bare($eve->raw, $user);
    } @strangers;
    is(keys %{ { map { $_ => 1 } @ends } }, 1, 'the end is the same of all')
        or diag explain \@ends;

    $eve->unexpected;
    alike($eve, 'presence.subscribe', sub ($user) { { userIds => [$user] } },
          'after having left');
    alike($eve, 'presence.get', sub ($user) { { conversationId => 'team' } },
          'likewise');

    create('team2', 'group', 'eve', @strangers);
    $root->insist('member.update', { conversationId => 'team2',
        userId => 'eve', role => 'blocked' });
    alike($eve, 'presence.subscribe', sub ($user) { { userIds => [$user] } },
          'when blocked');
    alike($eve, 'presence.get', sub ($user) { { conversationId => 'team2' } },
          'likewise');

    $here->insist('presence.set', { status => 'busy', text => 'again' });
    seen(here => 'b');
    $pal->expect('presence.changed', sub {
        ($_->{text} // '') eq 'again' });
    is_deeply([grep { /presence/ } $eve->unexpected], [], 'nothing is told');
};

done_testing;
