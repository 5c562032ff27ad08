# The records of a run, as ChatTest::Chaos::Record has written them.

package ChatTest::Chaos::Records;

use v5.36;

use ChatTest::Chaos::Event qw(read_event);
use ChatTest::Chaos::Json qw(read_lines);


sub new ($class, $directory) {
    my @files = glob "$directory/client-*.jsonl";

    die "there are no records in $directory\n" if !@files;

    return bless { directory => $directory, files => \@files, texts => {} },
        $class;
}


# Reads the texts; f: sub ($tenant, $event), once for each.

sub texts ($self, $f) {
    for my $file (glob "$self->{directory}/texts-*.jsonl") {
        my ($process) = $file =~ /texts-(\w+)\.jsonl\z/;
        my @places;

        read_lines($file, sub ($line) {
            my ($number, $tenant, $frame) = @$line;
            my $event = read_event($frame);

            $f->($tenant, $event);
            $places[$number] = ["$tenant/$event->{conversation}",
                                @$event{qw(revision reactions)}];
        });

        $self->{texts}{$process} = \@places;
    }

    return;
}


# Goes through the records of each client: calls f->($who), and what that
# returns for each line, and then without one.  Who is { name, tenant, user,
# text => sub ($number): place and revision of that text, reactions => likewise:
# those to a message as history tells them }.

sub clients ($self, $f) {
    for my $file (@{ $self->{files} }) {
        my ($who, $take);

        read_lines($file, sub ($line) {
            return $take->($line) if $who;

            my (undef, undef, $name, $tenant, $user, $process) = @$line;
            my $texts = $self->{texts}{$process};

            $who = {
                name => $name, tenant => $tenant, user => $user,
                text => sub ($number) { return @{ $texts->[$number] }[0, 1] },
                reactions => sub ($number) { return $texts->[$number][2] },
            };
            $take = $f->($who);
        });

        $take->(undef) if $take;
    }

    return;
}

1;
