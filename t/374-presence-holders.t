# Who looks after which partition, where several chat-presences share them, and
# what happens when one of them is killed, stopped, or told to end.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Redis;

my $chat = ChatTest->new(with => [qw(redis postgres presence)],
                         presence => { grace => 1, settle => 1 });
$chat->start;

my $redis = ChatTest::Redis->new($chat->{redis_socket});


sub call ($p, $function, @arguments) {
    return $redis->call('FCALL', "chat_presence_v1_$function", 1,
                        sprintf('chat:{p%02d}:presence:', $p), 16, @arguments);
}


sub part ($p, $field) {
    return $redis->call('HGET', sprintf('chat:{p%02d}:presence:part', $p),
                        $field);
}


# how many partitions each holds whose lease has not ended

sub held () {
    my ($s) = @{ $redis->call('TIME') };
    my %held;

    for my $p (0 .. 15) {
        my ($holder, $until) = map { part($p, $_) } qw(holder until);

        $held{$holder}++ if $holder && $until > $s * 1000;
    }

    return \%held;
}


sub shared_among ($n) {
    my $held = held();

    return keys %$held == $n && !grep { $_ < int 16 / $n } values %$held;
}


# a user of each partition comes and is seen, then goes and is not

sub all_partitions_live ($user) {
    for my $p (0 .. 15) {
        call($p, 'renew', 'n.1', 600_000, 1);
        call($p, 'report', 'n.1', 600_000, "t/$user", 1, 1);
    }

    for my $state (qw(o f)) {
        wait_until {
            !grep { (call($_, 'read', part($_, 'identity'), "t/$user")->[3]
                     // '') !~ /^$state/ } 0 .. 15;
        };
        call($_, 'report', 'n.1', 600_000, "t/$user", 0, 0) for 0 .. 15;
    }

    return pass("users come and go in all of them");
}


my $second = $chat->command('second', 'chat-presence');

subtest 'two share' => sub {
    ok(wait_until { shared_among(1) }, 'one holds all');
    $second->start;
    ok(wait_until { shared_among(2) }, 'eight each');
    all_partitions_live('amy');
};

subtest 'one ends, and gives its partitions away' => sub {
    my $settles = part(0, 'settles');

    is($second->stop, 0, 'it ends');
    my $one = keys %{ held() };
    is($one, 1, 'at once it holds none');
    ok(wait_until { shared_among(1) }, 'the other one takes them');
    is(part(0, 'settles'), $settles, 'that is no standstill');
    is($redis->call('ZCARD', 'chat:presence:holders'), 1, 'it is not counted');
};

subtest 'one is killed' => sub {
    $second->start;
    wait_until { shared_among(2) };
    $second->signal('KILL');
    $second->wait_end;
    ok(wait_until { shared_among(1) }, 'the other one takes all');
    all_partitions_live('bob');
};

subtest 'one stands still, and comes back' => sub {
    $second->start;
    wait_until { shared_among(2) };
    $second->signal('STOP');
    ok(wait_until { shared_among(1) }, 'the other one takes all');

    call($_, 'set', 't/cat', 'i', '') for 0 .. 15;
    call($_, 'report', 'n.1', 600_000, 't/cat', 1, 1) for 0 .. 15;
    $second->signal('CONT');
    ok(wait_until { shared_among(2) }, 'they share again');
    all_partitions_live('dan');
    my @seen = grep { call($_, 'read', part($_, 'identity'), 't/cat')->[3]
                      =~ /^[oab]/ } 0 .. 15;
    is(@seen, 0, 'the invisible one has not been seen');
};

subtest 'all are killed: nobody goes offline at once' => sub {
    call($_, 'report', 'n.1', 600_000, 't/eve', 1, 1) for 0 .. 15;
    wait_until { call(3, 'read', part(3, 'identity'), 't/eve')->[3] =~ /^o/ };

    for my $process ($second, $chat->part('presence')) {
        $process->signal('KILL');
        $process->wait_end;
    }

    my ($opens, $taken, $settles) = map { part(3, $_) }
        qw(opens taken settles);
    wait_until { $redis->call('TIME')->[0] > $taken / 1000 + 4 };
    $chat->start_part('presence');
    wait_until { part(3, 'settles') > $settles };
    cmp_ok(part(3, 'settles'), '>', $taken + 3000, 'it settles');
    is(part(3, 'opens'), $opens, 'but goes on telling');
    is(call(3, 'read', part(3, 'identity'), 't/eve')->[3], 'o 0 ',
       'who was there still is');
    all_partitions_live('fay');
};

done_testing;
