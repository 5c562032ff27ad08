# The judgement over a run: reads what clients have recorded, what PostgreSQL
# has in the end, and the faults that there were.
#
#     my $check = ChatTest::Chaos::Check->new(directory => $run);
#
#     $check->run;                  # the number of faults found
#     $check->faults;               # { what, place, revision, client, time }

package ChatTest::Chaos::Check;

use v5.36;

use List::Util qw(max);

use ChatTest::Chaos::Answers;
use ChatTest::Chaos::Deeds;
use ChatTest::Chaos::Finals;
use ChatTest::Chaos::Fire;
use ChatTest::Chaos::Heard;
use ChatTest::Chaos::Json qw(decode read_lines);
use ChatTest::Chaos::Lives;
use ChatTest::Chaos::Marks;
use ChatTest::Chaos::Records;
use ChatTest::Chaos::Sights;
use ChatTest::Chaos::Storage;
use ChatTest::Chaos::Stored;
use ChatTest::Chaos::Truth;


sub new ($class, %o) {
    my $self = bless { %o, found => [], counts => {} }, $class;

    open my $file, '<', "$self->{directory}/topology.json"
        or die "cannot read topology.json: $!\n";
    $self->{topology} = decode(scalar <$file>);

    return $self;
}


sub topology ($self) { return $self->{topology} }
sub faults ($self)   { return @{ $self->{found} } }
sub counts ($self)   { return $self->{counts} }
sub truth ($self)    { return $self->{truth} }
sub stored ($self)   { return $self->{stored} }
sub records ($self)  { return $self->{records} }


sub run ($self) {
    my ($directory, $topology) = @$self{qw(directory topology)};
    my %o = (
        report => sub ($what, %where) {
            push @{ $self->{found} }, { what => $what, %where };
        },
        urls   => [@{ $topology->{urls} }, @{ $topology->{final} }],
        losses => $self->_losses,
        stored => ChatTest::Chaos::Storage::read($directory,
                                                 $topology->{postgres}),
    );

    $self->{stored} = $o{stored};
    $self->{records} = ChatTest::Chaos::Records->new("$directory/records");
    $self->{truth} = $o{truth} = ChatTest::Chaos::Truth->new(%o);
    $o{deeds} = ChatTest::Chaos::Deeds->new(%o);
    $o{fire} = ChatTest::Chaos::Fire->new($self->faults_made);
    $o{lives} = $self->{lives} = ChatTest::Chaos::Lives->new(
        %o, away => 1000 * $topology->{away});

    $self->_learn(%o);
    $self->_judge(%o);

    return scalar $self->faults;
}


# what has happened

sub _learn ($self, %o) {
    $self->{records}->texts(sub ($tenant, $event) {
        $o{truth}->add($tenant, $event);
    });
    $self->{records}->clients(sub ($who) {
        my @readers = map { $_->reader($who) } @o{qw(deeds lives)};

        return sub ($line) { $_->($line) for @readers };
    });
    $o{lives}->settle;
    ChatTest::Chaos::Stored->new(%o)->teach;
    ChatTest::Chaos::Answers->new(%o)->teach;

    return;
}


sub _judge ($self, %o) {
    my $counts = $self->{counts};

    $o{truth}->check;

    my $answers = ChatTest::Chaos::Answers->new(%o);
    my $finals = ChatTest::Chaos::Finals->new(%o);
    my $marks = ChatTest::Chaos::Marks->new(%o);

    $answers->check;
    $self->_hear(%o);
    ChatTest::Chaos::Stored->new(%o)->check;
    $finals->check;
    $marks->check;

    %$counts = (
        %$counts,
        answers => $o{deeds}->counts, lost => $answers->lost,
        finals  => $finals->checked, marks => $marks->checked,
    );

    return;
}


sub _hear ($self, %o) {
    my (%sum, %agreed);

    $self->{records}->clients(sub ($who) {
        my $heard = ChatTest::Chaos::Heard->new(%o, who => $who);
        my $sights = ChatTest::Chaos::Sights->new(%o, who => $who);

        return sub ($line) {
            $heard->take($line);
            $sights->take($line);
            return if $line;

            my %counts = ($heard->counts, $sights->counts);

            $sum{$_} += $counts{$_} for keys %counts;
            $sum{late} = max $sum{late} // 0, $heard->late;

            my $times = $sights->agreed;

            $agreed{$_} = max $agreed{$_} // 0, $times->{$_} for keys %$times;
        };
    });
    %{ $self->{counts} } = (%sum, agreed => \%agreed);

    return;
}


# from the beginning to the end of each fault that loses something, in ms

sub _losses ($self) {
    my %losses;

    for my $fault ($self->faults_made) {
        next if !$fault->{loses};
        $losses{ $fault->{n} }{ $fault->{phase} } = 1000 * $fault->{t};
    }

    return [map { { begin => $_->{begin}, end => $_->{end} // 9e15 } }
            values %losses];
}


sub faults_made ($self) {
    my @faults;
    my $file = "$self->{directory}/faults.jsonl";

    read_lines($file, sub ($line) { push @faults, $line }) if -e $file;

    return @faults;
}

1;
