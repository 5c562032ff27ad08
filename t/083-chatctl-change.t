# chatctl changes conversations through the same door as everybody: with the
# operator's rights or a user's, and live sessions hear of it.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant {
    DONE => 0, FAILED => 1, USAGE => 2, NOT_FOUND => 3, UNAVAILABLE => 4
};

my $chat = ChatTest->new(workers => 2);
$chat->start;


# the exit code and what it printed

sub chatctl (@words) { return $chat->chatctl(map { split ' ' } @words) }


# a change that must succeed: what it answers

sub change (@words) {
    return decode($chat->chatctl_must((map { split ' ' } @words), '--json'));
}


sub message (@words) {
    return change('message send', @words)->{id};
}


# a group of ada, its owner, and bob, both listening on nodes of their own

sub group ($id) {
    chatctl("conversation create --type group --id $id --owner ada"
            . ' --member bob');

    my $ada = $chat->connect(user => 'ada');
    my $bob = $chat->connect(user => 'bob', node_other_than => $ada);

    $_->join($id) for $ada, $bob;

    return ($ada, $bob);
}


subtest 'settings change, and everybody is told' => sub {
    my ($ada, $bob) = group('settings');
    my $done = change('conversation update settings --name Plans '
                      . '--read-only yes --slow-mode 2m');

    for my $client ($ada, $bob) {
        my $told = $client->expect('conversation.updated');

        is($told->{name}, 'Plans', 'the name');
        is($told->{slowMode}, 120, 'slow mode');
        ok($told->{readOnly}, 'read-only');
        is($told->{revision}, $done->{revision}, 'at the revision printed');
    }

    is($bob->refused('message.send', { conversationId => 'settings',
           content => 'But' })->{code}, 'forbidden', 'and it holds');

    my $again = change('conversation update settings --slow-mode 120');
    is($again->{revision}, $done->{revision}, 'what is so already stays so');
};

subtest 'members come, change and go' => sub {
    my ($ada, $bob) = group('team');

    change('member add team carol');
    is_deeply([@{ $bob->expect('member.joined') }{qw(userId role)}],
              ['carol', 'member'], 'carol joined');
    ok($chat->connect(user => 'carol')->join('team'), 'and may join');

    change('member update team carol --role moderator');
    is($bob->expect('member.updated')->{role}, 'moderator', 'is moderator');

    change('member remove team bob');
    is($_->expect('member.left')->{userId}, 'bob', 'bob left')
        for $ada, $bob;

    $ada->say('team', 'He is gone');
    is_deeply([$bob->unexpected], [], 'and bob hears nothing after it');
    is($bob->refused('conversation.join',
                     { conversationId => 'team' })->{code},
       'not_found', 'nor may he join');

    my $members = change('member list team')->{items};
    is_deeply([map { "$_->{userId} $_->{role}" } @$members],
              ['ada owner', 'carol moderator'], 'member list');
    like((chatctl('member list team'))[1], qr/^owner\s+ada\s/m, 'for people');
};

subtest 'who is blocked is out, and may be let in again' => sub {
    my ($ada, $bob) = group('block');

    change('member update block bob --role blocked');
    is($bob->expect('member.left')->{role}, 'blocked', 'bob is told');
    is((chatctl('member add block bob'))[0], FAILED, 'not to be added');

    change('member update block bob --role member');
    is($ada->expect('member.joined')->{userId}, 'bob', 'a member again');
};

subtest 'messages are sent, edited and deleted' => sub {
    my ($ada, $bob) = group('talk');
    my ($code, $id) = $chat->chatctl(qw(message send talk --as bob --text),
                                     '-Hello "all"');

    is($code, DONE, 'exit code');
    like($id, qr/^[-0-9a-f]{36}\n$/, 'prints the id');
    chomp $id;

    my $heard = $ada->hear('talk');
    is($heard->{id}, $id, 'that ada hears');
    is($heard->{senderId}, 'bob', 'from bob');
    is($heard->{content}, '-Hello "all"', 'what he said');
    ok(!exists $heard->{clientMessageId}, 'without a client id');

    my $reply = message('talk --as ada --reply-to', $id, '--mention bob',
                        '--content {"type":"image","ratio":1.50}',
                        '--attachment {"url":"/1.png"}');
    $heard = $bob->expect('message.created', sub { $_->{id} eq $reply });
    like($bob->raw, qr/"content":\{"type":"image","ratio":1\.50\}/,
         'content as it was given');
    is($heard->{replyTo}, $id, 'replyTo');
    is_deeply($heard->{mentions}, ['bob'], 'mentions');
    is_deeply($heard->{attachments}, [{ url => '/1.png' }], 'attachments');

    change("message edit talk $id --text Good");
    $heard = $ada->expect('message.updated');
    is($heard->{content}, 'Good', 'the operator may edit');
    is($heard->{senderId}, 'bob', 'bob stays the sender');

    change("message delete talk $id");
    $heard = $_->expect('message.deleted') for $ada, $bob;
    is($heard->{deletedBy}, undef, 'deleted by no user');
    is($heard->{id}, $id, 'and all are told');
    is((chatctl("message delete talk $id"))[0], DONE, 'again: no error');
    is((chatctl("message edit talk $id --text Back"))[0], NOT_FOUND,
       'but nothing to edit');
};

subtest 'a client id makes it safe to run a line again' => sub {
    group('again');

    my @sent = map {
        change('message send again --as bob --text Once --client-id c-1')
    } 1 .. 2;

    is($sent[1]{id}, $sent[0]{id}, 'the same message');
    ok(!$sent[0]{duplicate} && $sent[1]{duplicate}, 'and told so');
    is($sent[1]{timestamp}, $sent[0]{timestamp}, 'the time of the first');
};

subtest 'reactions come and go' => sub {
    my ($ada, $bob) = group('react');
    my $id = message('react --as ada --text Well');

    change("reaction add react $id \xf0\x9f\x91\x8d --as bob");
    my $told = $ada->expect('reaction.added');
    is($told->{userId}, 'bob', 'bob');
    is($told->{emoji}, "\x{1f44d}", 'likes it');

    change("reaction remove react $id \xf0\x9f\x91\x8d --as bob");
    is($ada->expect('reaction.removed')->{userId}, 'bob', 'no more');
    is((chatctl("reaction add react $id +1"))[0], USAGE,
       'the operator has no opinion');
};

subtest 'a dm is the one that its users would make' => sub {
    my $id = change('conversation create --type dm --member ada '
                    . '--member bob')->{conversationId};
    my $made = $chat->connect(user => 'bob')->request('conversation.create',
                   { type => 'dm', members => ['ada'] });

    is($made->{conversationId}, $id, 'the id');
    ok($made->{duplicate}, 'bob finds it');
};

subtest 'a conversation that is deleted is no more' => sub {
    my ($ada, $bob) = group('gone');

    change('conversation delete gone');
    $_->expect('conversation.deleted') for $ada, $bob;
    is($ada->refused('message.send', { conversationId => 'gone',
           content => 'Still?' })->{code}, 'not_found', 'for nobody');
    is((chatctl('conversation delete gone'))[0], NOT_FOUND, 'nor again');
    is((chatctl('member list gone'))[0], NOT_FOUND, 'nor its members');
    is((chatctl('conversation create --id gone --type channel'))[0], DONE,
       'its id may be used again');
};

done_testing;
