# chatctl tells what is stored, and brings back what Redis has forgotten when
# something is to be changed.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

use constant { DONE => 0, FAILED => 1, NOT_FOUND => 3 };

my $chat = ChatTest->new;
$chat->start;

my $unknown = '01a2019a-571f-7203-a7e5-9201f63a5856';


# the exit code and what it printed

sub chatctl ($line) { return $chat->chatctl(split ' ', $line) }

sub code_of ($line) { return (chatctl($line))[0] }


# a command that must succeed: what it answers

sub answer ($line) {
    return decode($chat->chatctl_must(split(' ', $line), '--json'));
}


sub message ($rest) { return answer("message send $rest")->{id} }


chatctl("conversation create --type group --id $_ --owner ada --member bob")
    for qw(plans lobby attic);

subtest 'a message with its versions and reactions' => sub {
    my $id = message('plans --as bob --text one --mention ada');

    answer("message edit plans $id --text $_ --as bob") for qw(two three);
    answer("reaction add plans $id $_") for '+1 --as bob', 'ok --as ada',
                                            '+1 --as ada';
    answer("reaction remove plans $id ok --as ada");
    $chat->wait_stored;

    my $shown = answer("message show plans $id");
    is($shown->{message}{content}, 'three', 'its content');
    is_deeply($shown->{message}{mentions}, ['ada'], 'its mentions');
    ok($shown->{message}{editedAt}, 'when it was edited');
    is_deeply([map { $_->{content} } @{ $shown->{versions} }],
              ['one', 'two'], 'former contents');
    is_deeply($shown->{message}{reactions},
              [{ emoji => '+1', userIds => ['bob', 'ada'] }], 'reactions');

    my $bob = $chat->connect(user => 'bob');
    is_deeply($shown->{message}, $bob->history('plans')->{messages}[0],
              'the message is as in history');
    like((chatctl("message show plans $id"))[1], qr/^content +"three"\n/m,
         'for people');

    is_deeply([map { "$_->{userId} $_->{emoji}" }
                   @{ answer("reaction list plans $id")->{items} }],
              ['bob +1', 'ada +1'], 'reaction list');
    like((chatctl("reaction list plans $id"))[1], qr/^\+1  bob\n\+1  ada\n/,
         'for people');

    my $turns = "\xe2\x80\xae";         # U+202E: from right to left

    answer("reaction add plans $id ${turns}1 --as bob");
    $chat->wait_stored;
    unlike((chatctl("$_ plans $id"))[1], qr/$turns/, "$_ turns no line")
        for 'message show', 'reaction list';
};

subtest 'nothing is left of what is deleted' => sub {
    my $id = message('plans --as bob --text secret');

    answer("message edit plans $id --text hidden");
    answer("message delete plans $id --as ada");
    $chat->wait_stored;

    my $shown = answer("message show plans $id");
    is($shown->{message}{deletedBy}, 'ada', 'who did it');
    is_deeply($shown->{versions}, [], 'no versions');

    for my $line ("message show plans $id", 'history plans',
                  'history plans --json')
    {
        my ($code, $text) = chatctl($line);
        is($code, DONE, $line);
        unlike($text, qr/secret|hidden/, 'no content');
    }
};

subtest 'conversation show has settings, and members as they are' => sub {
    answer('conversation update plans --description Next --slow-mode 30');
    answer('member add plans carol');
    answer('member remove plans bob');
    $chat->wait_stored;

    my $shown = answer('conversation show plans');
    is($shown->{description}, 'Next', 'the description');
    is($shown->{slowMode}, 30, 'slow mode');
    is_deeply([map { "$_->{userId} $_->{role}" } @{ $shown->{members} }],
              ['ada owner', 'carol member'], 'not who has left');
};

subtest 'conversation list pages through those of a tenant or user' => sub {
    my $page = answer('conversation list --limit 2');
    is_deeply([map { $_->{conversationId} } @{ $page->{items} }],
              ['attic', 'lobby'], 'the newest first');

    $page = answer("conversation list --limit 2 --cursor $page->{nextCursor}");
    is_deeply([map { $_->{conversationId} } @{ $page->{items} }],
              ['plans'], 'the rest');
    is($page->{nextCursor}, undef, 'the end');

    $page = answer('conversation list --user bob');
    is_deeply([map { $_->{conversationId} } @{ $page->{items} }],
              ['attic', 'lobby'], 'bob has left one');
    is($page->{items}[0]{role}, 'member', 'his role');
    is_deeply(answer('conversation list --tenant other')->{items}, [],
              'another tenant has none');
    like((chatctl('conversation list --limit 1'))[1],
         qr/^attic .*\n\nmore: --cursor \S+\n\z/s, 'for people');
};

subtest 'with --as the rights are those of the user' => sub {
    my $id = message('attic --as ada --text Mine');

    is(code_of("$_ --as bob"), FAILED, "$_ --as bob") for
        'conversation update attic --name Loft', 'conversation delete attic',
        'member add attic carol', 'member remove attic ada',
        'member update attic ada --role member',
        "message edit attic $id --text His", "message delete attic $id";
    is(code_of("$_ --as eve"), NOT_FOUND, "$_ --as eve") for
        'conversation update attic --name Loft', 'member list attic',
        'message send attic --text Hello', "reaction add attic $id +1";
    like((chatctl("message edit attic $id --text His --as bob"))[1],
         qr/^chatctl: forbidden: /, 'and it is told why');

    is(code_of('member remove attic ada'), FAILED,
       'the last owner stays, whoever asks');
    is(code_of('member remove attic bob --as bob'), DONE, 'bob may leave');
};

subtest 'what does not exist is not found' => sub {
    is(code_of($_), NOT_FOUND, $_) for
        'conversation update nowhere --name There',
        'conversation delete nowhere', 'conversation show nowhere',
        'member add nowhere bob', 'member list nowhere',
        'message send nowhere --as bob --text Hello',
        "message delete attic $unknown", "message edit attic $unknown --text x",
        "message show attic $unknown", "message show nowhere $unknown",
        "reaction add attic $unknown +1 --as ada",
        "message send attic --as ada --text x --reply-to $unknown",
        'member update attic bob --role admin', 'member remove attic bob',
        'member add attic bob --tenant other', 'setting set colour red';
};

subtest 'what Redis has forgotten is brought back' => sub {
    my $id = message('lobby --as bob --text Old');

    $chat->wait_stored;
    $chat->redis_cli('FLUSHALL');
    $chat->wait_ready;

    answer("message edit lobby $id --text New");
    answer("reaction add lobby $id +1 --as ada");
    $chat->wait_stored;
    is(answer("message show lobby $id")->{message}{content}, 'New',
       'an old message is edited');

    my $sent = answer('message send lobby --as bob --text x --client-id old');
    $chat->wait_stored;
    $chat->redis_cli('FLUSHALL');
    $chat->wait_ready;
    is(message('lobby --as bob --text x --client-id old'), $sent->{id},
       'an old client id is known');
    is(@{ answer('member list lobby')->{items} }, 2, 'and the members');
};

subtest 'settings' => sub {
    is(code_of('setting set message_version_days 0'), DONE, 'set');
    is(answer('setting list')->{message_version_days}, 0, 'and listed');

    my $id = message('lobby --as bob --text first');
    answer("message edit lobby $id --text second");
    $chat->wait_stored;
    is_deeply(answer("message show lobby $id")->{versions}, [],
              'no former content is kept');

    is(($chat->chatctl(qw(setting set message_version_days), ''))[0], DONE,
       'for ever');
    is(answer('setting list')->{message_version_days}, '', 'and listed');
    is(code_of('setting set partitions 4'), FAILED, 'but not the partitions');
    is(answer('setting list')->{partitions}, 16, 'which stay');
};

done_testing;
