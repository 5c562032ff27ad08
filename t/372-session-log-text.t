# chat_session_log: each line is JSON, whatever locations are called, and who
# starts ends, in the log and in what is counted.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;

my $accent = "\xc3\xa9";            # two bytes of UTF-8
my @locations = ('"/quo\\"te\\\\"', '/cut/' . $accent x 80,
                 '/whole/' . $accent x 20, "/no\xff");

my $chat = ChatTest->new(
    workers  => 2,
    http     => "chat_drain_time 0s;\nchat_session_log sessions.log;",
    server   => join('', map { "location $_ { chat_websocket on; }\n" }
                             @locations),
);
$chat->start;
$chat->create('lobby');

my $file = $chat->directory . '/sessions.log';


sub lines () {
    open my $handle, '<', $file or return;

    return <$handle>;
}


# what was counted of sessions: those that have started, ended, are there

sub counted () {
    my $metrics = $chat->metrics;
    my $ended = 0;

    $ended += $metrics->{$_} for grep { /^chat_closes_total/ } keys %$metrics;

    return ($metrics->{'chat_handshakes_total{outcome="accepted"}'}, $ended,
            $metrics->{chat_sessions});
}


sub path ($name) { return $name =~ s/([^\w\/])/sprintf '%%%02x', ord $1/ger }


subtest 'names of locations' => sub {
    my @names = ('/quo"te\\', '/cut/' . $accent x 80, '/whole/' . $accent x 20,
                 "/no\xff");

    $chat->handshake(path => path($_))->disconnect for @names;
    ok(eval { wait_until { (grep { /"end"/ } lines()) > @names } },
       'all have ended, and who has created the conversation');

    my @told = map { eval { decode($_) } // { event => "no JSON: $_" } }
               lines();

    is(join(' ', grep { !/^(?:start|user|end)$/ } map { $_->{event} } @told),
       '', 'all lines are JSON');

    my %seen = map { $_->{location} // 'null' => 1 }
               grep { $_->{event} eq 'start' } @told;
    my $e = "\x{e9}";

    delete $seen{'/chat'};
    is_deeply([sort keys %seen],
              [sort '/quo"te\\', '/cut/' . $e x 61, '/whole/' . $e x 20,
               'null'], 'and name them, by whole characters');
};

subtest 'who starts ends' => sub {
    my @sessions = map { $chat->connect(user => "u$_") } 1 .. 12;

    $_->join('lobby') for @sessions;
    $_->post('history.get', { conversationId => 'lobby' }) for @sessions;
    $_->disconnect for @sessions[0 .. 3];
    $_->send_close(1000) for @sessions[4 .. 7];
    $chat->reload;

    my @counted;

    ok(eval { wait_until { @counted = counted(); $counted[2] == 0 } },
       'nobody is there');
    is($counted[0], $counted[1], 'as many have ended as have started');

    my $of = sub ($event) { scalar grep { /"event":"$event"/ } lines() };

    is($of->('start'), $counted[0], 'the log has all starts');
    is($of->('end'), $counted[0], 'and all ends');

    my $metrics = $chat->metrics;

    is($metrics->{$_}, 0, $_) for qw(chat_joins chat_requests_outstanding);
};

done_testing;
