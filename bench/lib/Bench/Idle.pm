# What an idle connection costs nginx, in bytes: a process that is new, and so
# many sessions with a token each that have joined a conversation.

package Bench::Idle;

use v5.36;

use Exporter qw(import);
use List::Util qw(sum);

use Bench::Crowd;
use Bench::Instance;
use ChatTest::Wait qw(wait_until);

our @EXPORT_OK = qw(idle_bytes idle_prepare);

use constant {
    CONVERSATIONS => 100,
    OPEN          => 180,       # seconds that opening all may take
    SETTLE        => 60,
};


# makes the conversations, once

sub idle_prepare ($chat) {
    my $admin = $chat->connect(user => 'admin', roles => ['admin']);

    for my $number (0 .. CONVERSATIONS - 1) {
        $admin->request('conversation.create', {
            conversationId => _name($number), type => 'channel',
        });
    }

    $admin->disconnect;

    return;
}


# chat, placement, sessions; tls => 1: over TLS

sub idle_bytes (%o) {
    my ($chat, $placement) = @o{qw(chat placement)};

    $chat->renew_workers(SETTLE);
    $placement->move_to_server($chat->worker_pids);

    my $empty = _memory($chat);
    my $crowd = Bench::Crowd->new(
        chat         => $chat,
        tls          => $o{tls} // 0,
        port         => $o{tls} ? $chat->tls_port : $chat->port,
        sessions     => $o{sessions},
        conversation => \&_name,
    );

    $crowd->open(OPEN);

    my $bytes = (_memory($chat) - $empty) / $o{sessions};

    $crowd->close;

    return $bytes;
}


sub _name ($number) { return 'idle-' . $number % CONVERSATIONS }


# of the workers, without what they share

sub _memory ($chat) {
    return 1024 * sum map {
        my $text = Bench::Instance::slurp("/proc/$_/smaps_rollup");
        my ($all) = $text =~ /^Pss:\s+(\d+) kB/m or die "a worker has ended\n";
        my ($shared) = $text =~ /^Pss_Shmem:\s+(\d+) kB/m;

        $all - $shared;
    } $chat->worker_pids;
}

1;
