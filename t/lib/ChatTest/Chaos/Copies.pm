# Copies of Redis' append-only file, taken while Redis writes it: each is what
# a disk had at that moment.  One of them can be brought back.

package ChatTest::Chaos::Copies;

use v5.36;

use File::Path qw(remove_tree);
use Time::HiRes qw(time);

use ChatTest::Command qw(must_run run);

use constant {
    EACH => 6,      # seconds
    KEPT => 5,
};


# files: the directory of the append-only file; directory: where copies go

sub new ($class, %o) {
    mkdir $o{directory};

    return bless { %o, copies => [], number => 0, next => 0 }, $class;
}


# takes one if it is time

sub take ($self) {
    return if time < $self->{next};

    my $copy = { path => "$self->{directory}/" . ++$self->{number},
                 time => time };
    my $manifest = $self->_manifest;
    my ($code) = run('cp', '-a', $self->{files}, $copy->{path});

    # the file was rewritten meanwhile: another time
    if ($code != 0 || $manifest ne $self->_manifest) {
        remove_tree($copy->{path});
        return;
    }

    $self->{next} = time + EACH;
    push @{ $self->{copies} }, $copy;
    remove_tree(shift(@{ $self->{copies} })->{path})
        if @{ $self->{copies} } > KEPT;

    return;
}


sub all ($self) { return @{ $self->{copies} } }


# Redis must not run; returns of when the copy is

sub bring_back ($self, $copy) {
    $self->empty;
    must_run('cp', '-a', $copy->{path}, $self->{files});

    return $copy->{time};
}


sub empty ($self) { return remove_tree($self->{files}) }


sub _manifest ($self) {
    my ($path) = glob "$self->{files}/*.manifest";
    open my $file, '<', $path // return '' or return '';
    local $/ = undef;

    return <$file> // '';
}

1;
