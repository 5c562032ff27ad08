# chatctl: what an operator does by hand, and scripts by exit code.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::Local qw(timegm);

use ChatTest;

use constant { DONE => 0, USAGE => 2, NOT_FOUND => 3, UNAVAILABLE => 4 };

my $chat = ChatTest->new;
$chat->start;

my @verbs = ('migrate', 'token', 'jwk', 'history', 'status', 'verify', 'doctor',
             (map { "deadletter $_" } qw(list show retry drop)),
             (map { "conversation $_" } qw(create update delete show list)),
             (map { "member $_" } qw(add update remove list)),
             (map { "message $_" } qw(send edit delete show)),
             (map { "reaction $_" } qw(add remove list)),
             (map { "setting $_" } qw(list set)));


# no message has this id
my $message = '01a2019a-571f-7203-a7e5-9201f63a5856';


# the exit code of a command line, and what it printed

sub chatctl ($line) {
    return $chat->chatctl(split ' ', $line);
}


subtest '--help tells what there is' => sub {
    my ($code, $text) = chatctl('--help');

    is($code, DONE, 'exit code');
    like($text, qr/^\s+\Q$_\E /m, $_) for @verbs;

    for my $verb (@verbs) {
        ($code, $text) = chatctl("$verb --help");
        is($code, DONE, "$verb --help");
        like($text, qr/^usage: chatctl \Q$verb\E/, 'usage');
    }
};

subtest 'wrong usage is exit code 2' => sub {
    is((chatctl($_))[0], USAGE, "chatctl $_") for
        '', 'fly', 'conversation', 'conversation fly', 'history', 'token',
        'token --user alice --fly', 'token --user', 'token --user a/b',
        'token --user alice --ttl soon', 'history lobby --limit x',
        'conversation create', 'conversation create --type party',
        'conversation create --type group',
        'conversation create --type channel --id a/b',
        'conversation create --type dm --member alice',
        'conversation create --type group --member bob --member bob',
        'conversation show', 'status extra',
        'conversation update lobby', 'conversation update lobby --slow-mode 7h',
        'conversation update lobby --read-only perhaps',
        'conversation list --cursor 1', 'member add lobby',
        'member add lobby bob --role king',
        'member add lobby bob --role blocked', 'member update lobby bob',
        'message send lobby --text Hello', 'message send lobby --as bob',
        'message send lobby --as bob --text Hello --content {"type":"x"}',
        'message send lobby --as bob --content {"type":"x"',
        'message send lobby --as bob --content "x","messageId":"y"',
        'message send lobby --as b/b --text Hello',
        'message delete lobby 12', 'reaction list lobby 12',
        "reaction add lobby $message", "reaction add lobby $message +1",
        "reaction add lobby $message \\ --as bob", 'setting set',
        'setting set message_version_days soon';
    like((chatctl($_))[1], qr/^chatctl: /, "chatctl $_ tells who says it") for
        'fly', 'status extra', 'status --fly', 'doctor --sample x';
};

subtest 'token prints a token that lets its user in' => sub {
    my ($code, $token) = chatctl('token --user alice --tenant acme');

    is($code, DONE, 'exit code');
    like($token, qr/^[\w-]+\.[\w-]+\.[\w-]+\n$/, 'nothing but the token');

    my $welcome = $chat->connect(token => $token =~ s/\n//r)->welcome;
    is($welcome->{userId}, 'alice', 'the user');
    is($welcome->{tenantId}, 'acme', 'the tenant');
};

subtest 'a token has the roles and the time it is given' => sub {
    my ($code, $token) = chatctl('token --user alice --role admin --ttl 90s');
    my $alice = $chat->connect(token => $token =~ s/\n//r);

    ok($alice->request('conversation.create',
                       { conversationId => 'by-role', type => 'channel' }),
       'admin: it may choose an id');

    my $left = $alice->welcome->{expiresAt};
    my $now = $alice->welcome->{serverTime};
    cmp_ok(seconds($left) - seconds($now), '>', 80, '90 s');
    cmp_ok(seconds($left) - seconds($now), '<=', 91, 'and no more');
};

subtest 'a conversation that it creates can be joined' => sub {
    my ($code, $id) = chatctl('conversation create --id lobby --type channel');

    is($code, DONE, 'exit code');
    is($id, "lobby\n", 'the id');
    ok($chat->connect(user => 'bob')->join('lobby'), 'bob joins it');

    isnt((chatctl('conversation create --id lobby --type channel'))[0], DONE,
         'another of that id is an error');
    is((chatctl('conversation create --id lobby --type channel '
                . '--if-not-exists'))[0], DONE, 'unless asked not to be');
};

subtest 'a group has the members that it is given' => sub {
    my ($code, $id) = chatctl('conversation create --type group --name Plans '
                              . '--owner alice --member bob --member carol');

    is($code, DONE, 'exit code');
    chomp $id;

    is($chat->connect(user => 'alice')->join($id)->{role}, 'owner', 'alice');
    is($chat->connect(user => $_)->join($id)->{role}, 'member', $_)
        for qw(bob carol);
    is($chat->connect(user => 'eve')->refused('conversation.join',
           { conversationId => $id })->{code}, 'not_found', 'not eve');
};

subtest 'show tells what is stored' => sub {
    $chat->wait_stored;

    my ($code, $text) = chatctl('conversation show lobby --json');
    is($code, DONE, 'exit code');
    is(decode($text)->{type}, 'channel', 'type');
    like((chatctl('conversation show lobby'))[1], qr/channel/, 'for people');
    is((chatctl('conversation show nowhere'))[0], NOT_FOUND, 'not found');
    is((chatctl('conversation show lobby --tenant other'))[0], NOT_FOUND,
       'nor in another tenant');
};

subtest 'history prints messages, the oldest first' => sub {
    my $bob = $chat->connect(user => 'bob');

    $bob->say('lobby', "number $_") for 1 .. 5;
    $chat->wait_stored;

    my ($code, $text) = chatctl('history lobby');
    is($code, DONE, 'exit code');
    like($text, qr/number 1.*number 5/s, 'for people');

    my @lines = split /\n/, (chatctl('history lobby --json --limit 2'))[1];
    is_deeply([map { decode($_)->{content} } @lines],
              ['number 4', 'number 5'], '--json --limit 2');

    @lines = split /\n/, (chatctl('history lobby --json --before 3'))[1];
    is_deeply([map { decode($_)->{sequenceNumber} } @lines], [1, 2],
              '--before 3');

    is((chatctl('history nowhere'))[0], NOT_FOUND, 'not found');
};

subtest 'status is 0 when all is well' => sub {
    my ($code, $text) = chatctl('status');
    is($code, DONE, 'exit code') or diag($text);

    ($code, $text) = chatctl('status --json');
    is($code, DONE, '--json');
    ok(decode($text), 'is JSON');
};

subtest 'what cannot be reached is exit code 4' => sub {
    $chat->kill('redis', 'TERM');
    my ($code, $text) = chatctl('status');
    is($code, UNAVAILABLE, 'status without Redis');
    like($text, qr/^Redis +does not answer: /m, 'says so');
    is((chatctl("$_ --wait 0"))[0], UNAVAILABLE, "$_ without Redis") for
        'conversation create --type channel', 'conversation delete lobby',
        'member add lobby bob', 'message send lobby --as bob --text Hello',
        'member list lobby';
    is((chatctl('history lobby'))[0], DONE, 'history needs none');

    $chat->restart('redis');
    $chat->wait_ready;
    chatctl('message send lobby --as bob --text Here');
    $chat->kill('postgres', 'INT');
    is((chatctl('message send lobby --as bob --text There'))[0], DONE,
       'send without PostgreSQL');
    is((chatctl('history lobby'))[0], UNAVAILABLE,
       'history without PostgreSQL');
    ($code, $text) = chatctl('status');
    is($code, UNAVAILABLE, 'status without PostgreSQL');
    like($text, qr/^PostgreSQL +does not answer: /m, 'says so');
    unlike($text, qr/schema version/, 'and not what it cannot know');
    $chat->restart('postgres');
};


# since 1970, of a time that the server tells

sub seconds ($time) {
    my ($y, $mon, @rest) = $time =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)/;

    return timegm(reverse(@rest), $mon - 1, $y);
}

done_testing;
