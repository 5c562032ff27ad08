# Revocations in PostgreSQL and their copy in Redis: chatctl makes both, and
# chat-persist brings what Redis lacks, whatever happens to it.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);

use ChatTest;

my $chat = ChatTest->new;
$chat->start;


# what Redis holds: "kind tenant value" => "before"

sub copy () {
    my %copy;

    for my $line (split /\n/, $chat->redis_cli('EVAL', <<~'END', 0)) {
        local all = {}
        for _, e in ipairs(redis.call('XRANGE', 'chat:revoked', '-', '+')) do
            local f = e[2]
            all[#all + 1] = f[2] .. ' ' .. f[4] .. ' ' .. f[6] .. '=' .. f[8]
        end
        return all
        END
        my ($name, $before) = split /=/, $line;
        $copy{$name} = $before;
    }

    return \%copy;
}


sub state_of ($field) {
    return $chat->redis_cli('HGET', '{chat:revoked}:state', $field);
}


# how many have ever been written to it

sub added () {
    my %stream = split /\n/, $chat->redis_cli(qw(XINFO STREAM chat:revoked));

    return $stream{'entries-added'};
}


sub copied () {
    my $number = $chat->psql('SELECT number FROM chat.revocation_count');

    return state_of('mark') eq $number && state_of('identity') ne '';
}


sub copied_ok ($name) {
    ok(wait_until { copied() }, $name);

    return;
}


subtest 'what is revoked stands in PostgreSQL and in Redis' => sub {
    copied_ok('an empty list is complete, too');

    my $text = $chat->chatctl_must('revoke', 'user', 'alice');
    like($text, qr/^user "alice" of tenant "default" is revoked: tokens issued /,
         'said');
    like($text, qr/ up to \S+Z, until \S+Z; 1 nodes were told$/, 'to nodes');

    $chat->chatctl_must('revoke', 'sid', 's/1', '--tenant', 'acme');
    $chat->chatctl_must('revoke', 'jti', 'j=1', '--reason', 'stolen');

    my $copy = copy();
    is(join(', ', sort keys %$copy),
       'jti default j, sid acme s/1, user default alice', 'in Redis');
    cmp_ok($copy->{'user default alice'}, '<=', time, 'issued up to now');
    cmp_ok($copy->{'user default alice'}, '>=', time - 20, 'not before');
    is($copy->{'sid acme s/1'}, '*', 'every token of a sign-in');
    copied_ok('chat-persist notes that');
};

subtest 'to revoke again takes nothing back' => sub {
    my $text = $chat->chatctl_must('revoke', 'user', 'alice', '--ban');
    like($text, qr/every token, until it is undone/, 'a ban');
    is(copy()->{'user default alice'}, '*', 'in Redis');

    $text = $chat->chatctl_must('revoke', 'user', 'alice', '--for', '1h');
    like($text, qr/every token, until it is undone/, 'stays one');
    is(copy()->{'user default alice'}, '*', 'in Redis');
    is(scalar keys %{ copy() }, 3, 'one entry each');
};

subtest 'the list' => sub {
    my @lines = split /\n/, $chat->chatctl_must('revoke', 'list');

    is(scalar @lines, 3, 'three');
    like($lines[0], qr{ user  default/alice, every token, until it is undone$},
         'a ban');
    like($lines[1], qr{ jti   default/j=1, until \S+Z: stolen$}, 'a token');
    like($lines[2], qr{ sid   acme/s/1, until \S+Z$}, 'a sign-in');

    my @objects = map { decode($_) }
        split /\n/, $chat->chatctl_must(qw(revoke list --json --tenant acme));
    is($objects[0]{value}, 's/1', 'as JSON');
    is(scalar @objects, 1, 'of one tenant');
};

subtest 'undone' => sub {
    like($chat->chatctl_must(qw(revoke undo user alice)),
         qr/^user "alice" of tenant "default" is not revoked any more/, 'said');
    is(copy()->{'user default alice'}, '-', 'in Redis, as a change');

    my ($code, $text) = $chat->chatctl(qw(revoke undo user alice));
    is($code, 3, 'only once');
    like($text, qr/user "alice" of tenant "default" is not revoked/, 'said');
    unlike($chat->chatctl_must(qw(revoke list)), qr/alice/, 'not in the list');
};

subtest 'what cannot be revoked' => sub {
    my %wrong = (
        'user is not an id'   => [['user', 'a b'], qr/user "a b" is not 1 to/],
        'sid with blanks'     => [['sid', 'a b'], qr/sid "a b" is not 1 to 64/],
        'no such tenant'      => [['jti', 'x', '--tenant', '~'], qr/tenant "~"/],
        'a ban of a sid'      => [['sid', 'x', '--ban'], qr/unknown option/],
        'for a second'        => [['sid', 'x', '--for', '1s'], qr/for/],
        'a reason of 201'     => [['sid', 'x', '--reason', 'r' x 201],
                                  qr/reason is not up to 200/],
        'undo of another'     => [['undo', 'tid', 'x'], qr/"tid" is none of/],
    );

    for my $name (sort keys %wrong) {
        my ($arguments, $message) = @{ $wrong{$name} };
        my ($code, $text) = $chat->chatctl('revoke', @$arguments);

        is($code, 2, $name);
        like($text, $message, 'said');
    }
};

subtest 'Redis is away' => sub {
    $chat->part('redis')->stop;

    my ($code, $text) = $chat->chatctl(qw(revoke jti j2 --wait 0));
    is($code, 4, 'that is told');
    like($text, qr/kept in PostgreSQL, but takes effect only when chat-persist/,
         'and what becomes of it');

    $chat->start_part('redis');
    ok(wait_until { copy()->{'jti default j2'} }, 'chat-persist brings it');
    copied_ok('all of it');
};

subtest 'PostgreSQL is away' => sub {
    $chat->part('postgres')->stop;

    my ($code, $text) = $chat->chatctl(qw(revoke jti j3));
    is($code, 4, 'that is told');
    like($text, qr/PostgreSQL: /, 'as such');
    is(copy()->{'jti default j3'}, undef, 'nothing is revoked');

    $chat->start_part('postgres');
    $chat->chatctl_must(qw(revoke jti j3));
    is(copy()->{'jti default j3'}, '*', 'later it is');
};

subtest 'Redis is emptied' => sub {
    my $before = copy();

    $chat->redis_cli('FLUSHALL');
    ok(wait_until { keys %{ copy() } == keys %$before }, 'it gets all again');
    is_deeply(copy(), $before, 'as it was');
    copied_ok('and is told that this is all');
};

subtest 'Redis comes back with an older copy' => sub {
    my $files = $chat->directory . '/appendonlydir';
    my $copy = $chat->directory . '/copy';

    $chat->kill('redis', 'TERM');
    system('cp', '-a', $files, $copy) == 0 or die 'cp failed';
    $chat->restart('redis');
    $chat->wait_ready;

    $chat->chatctl_must(qw(revoke jti j4));
    $chat->chatctl_must(qw(revoke undo jti j3));
    is(copy()->{'jti default j3'}, '-', 'not revoked any more');
    copied_ok('noted');

    $chat->kill('redis');
    remove_tree($files);
    rename $copy, $files or die "rename failed: $!";
    $chat->restart('redis');

    ok(wait_until { (copy()->{'jti default j4'} // '') eq '*' }, 'what is new');
    ok(wait_until { copy()->{'jti default j3'} eq '-' }, 'what is not');
    copied_ok('all of it');
};

subtest 'what has ended is forgotten' => sub {
    my $before = added();

    $chat->psql(q{SELECT chat.revocation_set('default', 'jti', 'brief',
                  'infinity', clock_timestamp() + interval '1 second', '')});
    ok(wait_until { added() > $before }, 'it was there');
    ok(wait_until { !copy()->{'jti default brief'} }, 'and is not any more');
    is($chat->redis_cli('HGET', '{chat:revoked}:state', 'jti default brief'),
       '', 'nor its name');

    # chat-persist may have been first

    $chat->psql('SELECT chat.revocation_expire(1000)');
    is($chat->psql("SELECT count(*) FROM chat.revocation
                    WHERE value = 'brief'"), 0, 'nor its row');
    is($chat->psql('SELECT rows = (SELECT count(*) FROM chat.revocation)
                    FROM chat.revocation_count'), 't', 'rows are counted');
};

subtest 'PostgreSQL went back' => sub {
    $chat->redis_cli('HSET', '{chat:revoked}:state', 'mark', 1000000);
    ok(wait_until { copied() }, 'Redis is told anew');
    ok(!exists copy()->{'jti default brief'}, 'what there is');
};

subtest 'there is a limit, and it is told' => sub {
    $chat->psql('UPDATE chat.revocation_count SET rows = rows + 100000');

    my ($code, $text) = $chat->chatctl(qw(revoke jti j5));
    is($code, 1, 'refused');
    like($text, qr/there are 100000 revocations already/, 'said');
    is(copy()->{'jti default j5'}, undef, 'not revoked');

    $chat->chatctl_must(qw(revoke jti j4));
    $chat->psql('UPDATE chat.revocation_count SET rows = rows - 100000');
    $chat->chatctl_must(qw(revoke jti j5));
    is(copy()->{'jti default j5'}, '*', 'when there is room');
};

subtest '10,000 at once, and two chat-persists' => sub {
    my $second = $chat->command('persist-2', 'chat-persist')->start;

    $chat->psql(q{SELECT count(chat.revocation_set('default', 'jti', 'many' || i,
                  'infinity', 'infinity', '')) FROM generate_series(1, 10000) i});
    copied_ok('all are copied');
    is($chat->redis_cli('XLEN', 'chat:revoked'),
       $chat->psql('SELECT count(*) FROM chat.revocation
                    WHERE until_at > clock_timestamp()'), 'each once');

    ok(!$second->stop, 'the second one ends');
};

done_testing;
