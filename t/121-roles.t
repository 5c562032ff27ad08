# Who may do what: the table in docs/roles.md, cell by cell, against the real
# server.  The table is read from there, so that it says what is so.
#
# Each row is tried in a channel: as it is, read-only, and in slow mode; in a
# group; in a dm; and by the operator.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;
use ChatTest::Model::Roles qw(read_table rows row);
use ChatTest::Model::Scene;

use constant ROLES => qw(owner admin moderator member reader);

my %CODE = (yes => 'ok', no => 'forbidden', hidden => 'not_found',
            waits => 'rate_limited');
my %MODES = (
    'as it is'  => {},
    'read-only' => { readOnly => \1 },
    'slow mode' => { slowMode => 3600 },
);

my $chat = ChatTest->new(workers => 2);
$chat->start;

my %actors = (
    root => $chat->connect(user => 'root', claims => { roles => ['admin'] }),
    map { $_ => $chat->connect(user => $_) } ROLES, qw(blocked stranger),
);
my %table = read_table("$FindBin::Bin/../docs/roles.md");

is_deeply([sort(rows())], [sort keys %table],
          'the rows of docs/roles.md are those that are tried');


sub code ($reply) {
    return $reply->{ok} ? 'ok' : $reply->{error}{code};
}


# what somebody gets for a row's request

sub attempt ($scene, $who, $row) {
    my %data = $row->{data}->($scene, $who);

    $scene->try($who, $row->{type}, %data) if $scene->{twice}{$who};

    my $reply = $scene->try($who, $row->{type}, %data);

    return code($reply) ne 'rate_limited' || $reply->{error}{retryAfter}
        ? code($reply) : 'rate_limited without retryAfter';
}


# a row, in a conversation of its own: who => what the table says

sub try_row ($title, $scene, $mode, %cells) {
    my $row = row($title);
    my %got;

    for my $who (sort keys %cells) {
        $row->{before}->($scene, $who);
        $scene->assign($who);
    }

    $scene->as('root', 'conversation.update', %$mode) if %$mode;

    # an owner, who may delete it, is the last one to try
    for my $who (sort { ($a eq 'owner') <=> ($b eq 'owner') } keys %cells) {
        $got{$who} = attempt($scene, $who, $row);
    }

    is_deeply(\%got, { map { $_ => $CODE{ $cells{$_} } } keys %cells }, $title);

    return;
}


# what the table says of each actor, those left out that cannot be

sub cells ($title, $others) {
    my $of = $table{$title};
    my $hidden = $of->{'blocked, stranger'};
    my %cells = ((map { $_ => $of->{$_} } ROLES), blocked => $hidden);

    if ($others eq 'stranger') {
        delete $cells{reader};
        $cells{stranger} = $hidden;
    }

    return map { $_ => $cells{$_} } grep { $cells{$_} ne '-' } keys %cells;
}


for my $mode (sort keys %MODES) {
    subtest "in a channel, $mode" => sub {
        for my $title (sort keys %table) {
            my ($named) = $title =~ /, (read-only|slow mode)$/;

            next if $named ? $named ne $mode : $table{"$title, $mode"};

            try_row($title, ChatTest::Model::Scene->new(\%actors, 'channel'),
                    $MODES{$mode}, cells($title, 'reader'));
        }
    };
}

subtest 'in a group' => sub {
    for my $title (sort keys %table) {
        next if $title =~ /, (?:read-only|slow mode)$|a reader|channel/;

        try_row($title, ChatTest::Model::Scene->new(\%actors, 'group'), {},
                cells($title, 'stranger'));
    }
};

my @of_dm = sort grep { $table{$_}{'in a dm'} ne '-' } keys %table;

subtest 'in a dm' => sub {
    for my $title (@of_dm) {
        try_row($title, ChatTest::Model::Scene->dm($chat), {},
                one => $table{$title}{'in a dm'});
    }
};

subtest 'who is blocked in a dm sees none' => sub {
    for my $title (@of_dm) {
        my $scene = ChatTest::Model::Scene->dm($chat);

        $scene->{message}{one} = $scene->say('one');
        $scene->as('two', 'member.update', role => 'blocked',
                   userId => $scene->name('one'));

        is(attempt($scene, 'one', row($title)),
           $CODE{ $table{$title}{'blocked, stranger'} }, $title);
    }
};

my %OPTION = (content => '--text', name => '--name', role => '--role');

subtest 'by the operator' => sub {
    for my $title (sort keys %table) {
        next if $table{$title}{operator} eq '-';

        my $scene = ChatTest::Model::Scene->new(\%actors, 'channel');
        my $row = row($title);

        $row->{before}->($scene, 'operator');

        my %data = $row->{data}->($scene, 'operator');
        my @words = grep { defined } delete @data{qw(messageId userId)};
        my ($code, $text) = $chat->chatctl(
            (split /\./, $row->{type}), $scene->{id}, @words,
            map { $OPTION{$_} => $data{$_} } sort keys %data);

        is($code, 0, $title) or diag($text);
    }
};

done_testing;
