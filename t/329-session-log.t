# chat_session_log: a line when a session starts, when it is known whose it is,
# and when it ends; without tokens or contents, whatever becomes of the file.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $chat = ChatTest->new(
    location => 'chat_session_log sessions.log;',
    server   => <<~'END',
        location = /unlogged {
            chat_websocket on;
        }

        location = /full {
            chat_websocket on;
            chat_session_log /dev/full;
        }

        location = /brief {
            chat_websocket on;
            chat_auth_timeout 100ms;
            chat_session_log sessions.log;
        }
        END
);

$chat->logs->allow(qr/\[crit\].*a line of "[^"]*" could not be written/);
$chat->start;

my $file = $chat->directory . '/sessions.log';


# what the file has of a session, or of all

sub lines ($id = undef, $name = $file) {
    open my $handle, '<', $name or return;

    my @lines = map { decode($_) } grep { /\n\z/ } <$handle>;

    return grep { !defined $id || $_->{session} eq $id } @lines;
}


sub ended ($id) {
    my @lines;

    eval { wait_until { @lines = lines($id);
                        @lines && $lines[-1]{event} eq 'end' } };

    return @lines;
}


my $time = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

subtest 'a session that starts and ends' => sub {
    $chat->create('lobby');

    my $alice = $chat->connect(user => 'alice');
    my $id = $alice->welcome->{sessionId};
    $alice->join('lobby');
    $alice->say('lobby', 'a secret of mine');
    $alice->expect('message.created');
    $alice->send_close(1001);
    $alice->read_close;
    $alice->disconnect;

    my ($start, $end) = ended($id);
    my $bytes = delete $end->{bytesReceived};
    my $sent = delete $end->{bytesSent};

    like(delete $_->{time}, $time, "time of $_->{event}") for $start, $end;
    cmp_ok(delete $end->{milliseconds}, '<', 60_000, 'how long');
    cmp_ok($bytes, '>', 100, 'bytes received');
    cmp_ok($sent, '>', 400, 'bytes sent');
    cmp_ok($sent, '<', 4000, 'of the session alone');

    is_deeply($start, { event => 'start', session => $id, tenant => 'default',
                        user => 'alice', address => '127.0.0.1',
                        location => '/chat', tls => undef,
                        deflate => JSON::PP::false }, 'start');
    is_deeply($end, { event => 'end', session => $id, tenant => 'default',
                      user => 'alice', address => '127.0.0.1', code => 1001,
                      by => 'client', reason => '', messagesReceived => 2,
                      framesSent => 5 }, 'end');
};

subtest 'who shows a token later has a line of that' => sub {
    my $session = $chat->handshake;
    my $id = $session->request('authenticate',
                               { token => $chat->token('bob') })->{sessionId};
    $session->disconnect;

    my ($start, $user, $end) = ended($id);

    is($start->{user}, undef, 'nobody at first');
    is("$user->{event} $user->{tenant}/$user->{user}", 'user default/bob',
       'then a user');
    is("$end->{by} $end->{code} $end->{user}", 'none 1006 bob',
       'and the connection was gone');
};

subtest 'who is closed by us' => sub {
    my $before = lines();

    $chat->handshake(path => '/brief')->read_close;
    $chat->handshake(token => 'not.a.token',
                     headers => { Origin => 'http://127.0.0.1' })->read_close;

    my %ended;

    ok(eval { wait_until {
        %ended = map { $_->{reason} => "$_->{by} $_->{code}" }
                 grep { $_->{event} eq 'end' } lines();
        keys %ended >= 3 } }, 'two more have ended');
    is($ended{'not authenticated in time'}, 'server 4401', 'a stranger');
    ok((grep { /token/ && $ended{$_} eq 'server 4401' } keys %ended),
       'a page with a bad token');
};

subtest 'a location without it has none' => sub {
    my $session = $chat->connect(user => 'carol', path => '/unlogged');
    $session->disconnect;

    my $marker = $chat->connect(user => 'dave');
    $marker->disconnect;
    ended($marker->welcome->{sessionId});

    is(scalar(lines($session->welcome->{sessionId})), 0, 'no line');
};

subtest 'the file is reopened' => sub {
    my $kept = "$file.1";
    my $session = $chat->connect(user => 'erin');
    my $id = $session->welcome->{sessionId};

    rename $file, $kept or die $!;
    $chat->part('nginx')->signal('USR1');
    ok(eval { wait_until { -e $file } }, 'there is another one');

    my $later;

    ok(eval { wait_until {
        $later = $chat->connect(user => 'erin')->welcome->{sessionId};
        lines($later) } }, 'which is written');
    is((lines($id, $kept))[0]{event}, 'start', 'the old one was kept');
    $session->disconnect;
    is((ended($id))[-1]{event}, 'end', 'a session ends in the new one');
};

subtest 'a reload ends sessions with the reason' => sub {
    my $session = $chat->connect(user => 'frank');

    $chat->reload;
    $session->read_close;
    $session->disconnect;

    my $end = (ended($session->welcome->{sessionId}))[-1];
    is("$end->{by} $end->{code} $end->{reason}", 'server 1012 restart', 'end');
};

subtest 'a full disk is no concern of sessions' => sub {
    $chat->wait_ready;

    my $count = sub {
        return $chat->metrics->{chat_session_log_failed_total};
    };
    my $before = $count->();

    for (1 .. 3) {
        my $session = $chat->connect(user => 'grace', path => '/full');
        $session->request('ping');
        $session->disconnect;
    }

    ok(eval { wait_until { $count->() == $before + 6 } }, 'each is counted')
        or diag($count->());

    my @complaints = $chat->logs->text('nginx')
        =~ /a line of "[^"]*full" could not be written/g;
    is(scalar(@complaints), 1, 'the log has it once');
};

subtest 'no token and no content is in it' => sub {
    open my $handle, '<', $file or die $!;
    open my $old, '<', "$file.1" or die $!;
    my $text = join '', <$handle>, <$old>;

    unlike($text, qr/eyJ|not\.a\.token/, 'no token');
    unlike($text, qr/secret of mine/, 'no content');
};

subtest 'what nginx -t refuses' => sub {
    my ($code, $text) = ChatTest->check_config(
        location => 'chat_session_log off; chat_session_log a.log;');

    like($text, qr/"chat_session_log" directive is duplicate/, 'twice');

    ($code, $text) = ChatTest->check_config(
        location => 'chat_session_log /nowhere/at/all.log;');
    like($text, qr{open\(\) "/nowhere/at/all.log" failed}, 'no such place');
};

done_testing;
