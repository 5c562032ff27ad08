# Which processors are for whom: what is measured has one for itself, where
# there are two or more, and everything else shares the others.

package Bench::Placement;

use v5.36;

use ChatTest::Command qw(must_run);

use Bench::Instance;


sub new ($class) {
    my ($list) = Bench::Instance::slurp('/proc/self/status')
        =~ /^Cpus_allowed_list:\s*(\S+)/m;
    my @all = map { /(\d+)-(\d+)/ ? $1 .. $2 : $_ } split /,/, $list;
    my ($first, @others) = @all;

    return bless {
        count  => scalar @all,
        server => $first,
        others => @others ? join(',', @others) : $first,
    }, $class;
}


sub count ($self)  { return $self->{count} }
sub server ($self) { return $self->{server} }
sub others ($self) { return $self->{others} }


# processes that run already, and what they start from now on

sub move_to_server ($self, @pids) {
    must_run('taskset', '-a', '-pc', $self->{server}, $_) for @pids;

    return;
}


sub text ($self) {
    return 'one processor for everything' if $self->{count} == 1;

    return "what is measured alone on processor $self->{server}; clients,"
        . " Redis, chat-persist and PostgreSQL on $self->{others}";
}

1;
