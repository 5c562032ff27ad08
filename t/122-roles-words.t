# Who may do what: what docs/roles.md says besides its table.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Model::Scene;

my $chat = ChatTest->new(workers => 2);
$chat->start;

my %actors = (
    root => $chat->connect(user => 'root', claims => { roles => ['admin'] }),
    map { $_ => $chat->connect(user => $_) } qw(owner moderator member reader),
);
my @send = ('message.send', content => 'x');


sub scene ($kind) { return ChatTest::Model::Scene->new(\%actors, $kind) }


subtest 'the last owner stays' => sub {
    my $scene = scene('group');
    my %me = (userId => 'root');

    is($scene->refused('root', 'member.remove', %me), 'conflict',
       'cannot leave');
    is($scene->refused('root', 'member.update', %me, role => 'admin'),
       'conflict', 'nor be lowered');

    for my $words ('remove', 'update --role blocked', 'update --role member') {
        my ($verb, @options) = split / /, $words;
        my ($code, $text) = $chat->chatctl('member', $verb, $scene->{id},
                                           'root', @options);

        isnt($code, 0, "nor can the operator do it: $words");
        like($text, qr/last owner/, 'and is told why');
    }

    $scene->set('owner', 'owner');
    ok($scene->as('root', 'member.remove', %me), 'one of two may go');
    is($scene->refused('owner', 'member.remove', userId => 'owner'),
       'conflict', 'the other may not');
};

subtest 'in a dm each may block the other' => sub {
    my $scene = ChatTest::Model::Scene->dm($chat);
    my @two = (userId => $scene->name('two'));

    $scene->set($scene->name('two'), 'blocked');
    is($scene->refused('two', @send), 'not_found', 'who is blocked sees none');
    ok($scene->as('one', @send), 'the other still does');
    is($scene->refused('two', 'member.update', @two, role => 'member'),
       'not_found', 'the blocked one cannot end it');

    $scene->set($scene->name('two'), 'member');
    ok($scene->as('two', @send), 'the other can');
};

subtest 'what is so already is no error' => sub {
    my $scene = scene('group');
    my @member = (userId => 'member');

    $scene->set('member', 'member');

    my $before = $scene->as('root', 'conversation.join')->{revision};

    is($scene->as('root', 'member.add', @member)->{revision}, $before,
       'to add a member');
    is($scene->as('root', 'member.update', @member, role => 'member')
           ->{revision}, $before, 'to give a role again');
    is($scene->refused('root', 'member.add', @member, role => 'admin'),
       'conflict', 'adding does not change a role');

    $scene->set('reader', 'blocked');
    is($scene->refused('root', 'member.add', userId => 'reader'), 'conflict',
       'nor does it lift a block');
    is($scene->refused('root', 'member.remove', userId => 'nobody'),
       'not_found', 'who is not there cannot be removed');
};

subtest 'lifting a block leaves a stranger' => sub {
    my $scene = scene('group');

    $scene->set('member', 'blocked');
    $scene->as('root', 'member.remove', userId => 'member');
    is($scene->refused('member', @send), 'not_found', 'not a member');
    ok($scene->as('root', 'member.add', userId => 'member'),
       'who may be added');
    ok($scene->as('member', @send), 'and then is one');
};

subtest 'a reader becomes a member by a message or a mark' => sub {
    for my $type (qw(message.send read.mark delivered.mark)) {
        my $scene = scene('channel');

        is($scene->as('reader', 'conversation.join')->{role}, undef,
           "$type: no member");
        $scene->as('reader', $type, $type eq 'message.send'
            ? (content => 'x') : (sequenceNumber => 0));
        is($scene->as('reader', 'conversation.join')->{role}, 'member',
           'a member');
    }
};

subtest 'by an edit, a deletion or a reaction one does not' => sub {
    my $scene = scene('channel');
    my %message = (messageId => $scene->say('reader'));

    $scene->as('root', 'member.remove', userId => 'reader');
    $scene->as('reader', 'message.edit', %message, content => 'y');
    $scene->as('reader', 'reaction.add', %message, emoji => '+');
    $scene->as('reader', 'message.delete', %message);
    is($scene->as('reader', 'conversation.join')->{role}, undef, 'no member');
};

subtest 'slow mode ends with its time, and with itself' => sub {
    my $scene = scene('channel');

    $scene->set('member', 'member');
    $scene->as('root', 'conversation.update', slowMode => 3600);
    $scene->as('member', @send);

    my $error = $scene->try('member', @send)->{error};
    is($error->{code}, 'rate_limited', 'too soon');
    cmp_ok($error->{retryAfter}, '>', 3500, 'told for how long');
    cmp_ok($error->{retryAfter}, '<=', 3600, 'an hour since the last message');

    $scene->as('root', 'conversation.update', slowMode => 1);
    wait_until { $scene->try('member', @send)->{ok} };
    pass('then it may');
    $scene->as('root', 'conversation.update', slowMode => 0);
    ok($scene->as('member', @send), 'off');
};

subtest 'a retry gets its answer, whatever is so now' => sub {
    my $scene = scene('channel');
    my @same = (@send, clientMessageId => 'one');
    my $first = $scene->as('reader', @same);

    $scene->as('root', 'conversation.update', readOnly => \1,
               slowMode => 3600);
    is($scene->as('reader', @same)->{id}, $first->{id},
       'read-only, slow mode');

    $scene->as('root', 'member.remove', userId => 'reader');
    is($scene->as('reader', @same)->{id}, $first->{id}, 'a reader again');

    $scene->as('root', 'member.update', userId => 'reader', role => 'blocked');
    is($scene->refused('reader', @same), 'not_found', 'not if one is blocked');
};

subtest 'what is refused for two reasons' => sub {
    my $scene = scene('channel');
    my $none = uuid();

    is($scene->refused('member', 'message.edit', messageId => $none,
                       content => 'x'), 'not_found', 'no such message');
    $scene->as('root', 'conversation.update', readOnly => \1);
    is($scene->refused('member', 'message.edit', messageId => $none,
                       content => 'x'), 'forbidden', 'read-only comes first');
    is($scene->refused('member', 'member.remove', userId => 'nobody'),
       'forbidden', 'a role comes before the member');
    is($scene->refused('member', 'reaction.add', messageId => $none,
                       emoji => '+'), 'not_found', 'reactions are free');
};

done_testing;
