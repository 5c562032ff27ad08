# The table of docs/roles.md, and what its rows mean: what there must be before
# a request, and the request.
#
#     my %table = read_table($file);          # row => { column => cell }
#     my $row = row('message.edit, another\'s');
#
#     $row->{before}->($scene, $actor);       # see ChatTest::Model::Scene
#     my %data = $row->{data}->($scene, $actor);

package ChatTest::Model::Roles;

use v5.36;

use Exporter qw(import);

our @EXPORT_OK = qw(read_table rows row);

my %LOWER = (owner => 'admin', admin => 'moderator', other => 'member');
my %HIGHER = (reader => 'member', member => 'moderator', moderator => 'admin',
              admin => 'owner', other => 'owner');


sub read_table ($path) {
    open my $file, '<', $path or die "cannot read $path: $!";

    my @lines = map { s/^\|\s*|\s*\|\s*$//gr } grep { /^\| / } <$file>;
    my ($first) = grep { $lines[$_] =~ /^request \| owner/ } 0 .. $#lines;
    my ($what, @columns) = split /\s*\|\s*/, $lines[$first];

    return map {
        my ($row, @cells) = split /\s*\|\s*/;
        my %cells;

        @cells{@columns} = @cells;
        ($row =~ s/`//gr => \%cells);
    } @lines[$first + 1 .. $#lines];
}


# What there must be before.  Each who tries has a target and messages of its
# own.

sub _nothing ($scene, $actor) { return }


sub _own ($scene, $actor) {
    $scene->{message}{$actor} = $scene->say($actor);

    return;
}


sub _others ($scene, $actor) {
    $scene->{message}{$actor} = $scene->say('root');

    return;
}


sub _reacted ($scene, $actor) {
    _others($scene, $actor);
    $scene->{reacts}{$actor} = 1;

    return;
}


sub _twice ($scene, $actor) {
    $scene->{twice}{$actor} = 1;

    return;
}


sub _target ($role) {
    return sub ($scene, $actor) {
        $scene->set($scene->target($actor), $role);
        return;
    };
}


# The data of a request.

sub _message ($scene, $actor) {
    return (messageId => $scene->{message}{$actor});
}


sub _of_message (@more) {
    return sub ($scene, $actor) { return (_message($scene, $actor), @more) };
}


sub _always (@data) {
    return sub ($scene, $actor) { return @data };
}


sub _on_target (@more) {
    return sub ($scene, $actor) {
        return (userId => $scene->target($actor), @more);
    };
}


sub _on_self (%roles) {
    return sub ($scene, $actor) {
        my $role = $roles{$actor} // $roles{other};

        return (userId => $scene->name($actor),
                defined $role ? (role => $role) : ());
    };
}


my @content = (content => 'x');
my @somebody = (['a member', 'member'], ['a moderator', 'moderator'],
                ['an admin', 'admin'], ['an owner', 'owner']);

my %ROWS = (
    'conversation.join'                   => [\&_nothing, \&_nothing],
    'conversation.leave (to stop listening)' => [\&_nothing, \&_nothing],
    'conversation.update'                 => [\&_nothing, _always(name => 'x')],
    'conversation.delete'                 => [\&_nothing, \&_nothing],
    'history.get'                         => [\&_nothing, \&_nothing],
    'member.list'                         => [\&_nothing, \&_nothing],
    'message.send'                        => [\&_nothing, _always(@content)],
    'message.send, read-only'             => [\&_nothing, _always(@content)],
    'message.send soon again, slow mode'  => [\&_twice, _always(@content)],
    'message.edit, one\'s own'            => [\&_own, _of_message(@content)],
    'message.edit, one\'s own, read-only' => [\&_own, _of_message(@content)],
    'message.edit, another\'s'            => [\&_others, _of_message(@content)],
    'message.delete, one\'s own'          => [\&_own, \&_message],
    'message.delete, another\'s'          => [\&_others, \&_message],
    'reaction.add'                        => [\&_others,
                                              _of_message(emoji => '+')],
    'reaction.remove, one\'s own'         => [\&_reacted,
                                              _of_message(emoji => '+')],
    'read.mark'                           => [\&_nothing,
                                              _always(sequenceNumber => 0)],
    'delivered.mark'                      => [\&_nothing,
                                              _always(sequenceNumber => 0)],
    'member.add of oneself, to a channel' => [\&_nothing,
                                              _on_self(other => 'member')],
    'member.remove of oneself'            => [\&_nothing, _on_self()],
    'member.remove of the blocked'        => [_target('blocked'),
                                              _on_target()],
    'member.update of a reader to blocked' => [
        \&_nothing, _on_target(role => 'blocked')],
    'member.update of the blocked to member' => [
        _target('blocked'), _on_target(role => 'member')],
    'member.update of oneself to a lower role'  => [\&_nothing,
                                                    _on_self(%LOWER)],
    'member.update of oneself to a higher role' => [\&_nothing,
                                                    _on_self(%HIGHER)],
    'member.update of oneself to blocked'       => [
        \&_nothing, _on_self(other => 'blocked')],
);

for my $role (qw(owner admin moderator member)) {
    $ROWS{"member.add as $role"} = [\&_nothing, _on_target(role => $role)];
}

for my $role (qw(moderator admin owner)) {
    $ROWS{"member.update of a member to $role"} =
        [_target('member'), _on_target(role => $role)];
}

for (@somebody) {
    my ($whom, $role) = @$_;

    $ROWS{"member.remove of $whom"} = [_target($role), _on_target()];
    $ROWS{"member.update of $whom to blocked"} =
        [_target($role), _on_target(role => 'blocked')];

    next if $role eq 'member';
    $ROWS{"member.update of $whom to member"} =
        [_target($role), _on_target(role => 'member')];
}


sub rows () { return keys %ROWS }


sub row ($row) {
    my ($before, $data) = @{ $ROWS{$row} };
    my ($type) = $row =~ /^([a-z.]+)/;

    return { before => $before, data => $data, type => $type };
}

1;
