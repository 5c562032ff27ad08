# A PostgreSQL of a test's own, on a unix socket.
#
# initdb takes longer than most tests, so that its result is kept in build/
# and unpacked by each test.  Root may not run PostgreSQL: its processes and
# files are those of the user postgres then.

package ChatTest::Postgres;

use v5.36;

use Carp qw(croak);
use Fcntl qw(LOCK_EX);
use File::Path qw(make_path);

use ChatTest::Command qw(must_run);
use ChatTest::Process;

my $user = $> == 0 ? 'postgres' : undef;
my ($bin) = reverse sort glob '/usr/lib/postgresql/*/bin';


# directory: its own, under a path that every user may enter; cache: where
# the new cluster is kept; log: a file

sub new ($class, %o) {
    my $self = bless { %o, data => "$o{directory}/data" }, $class;

    $self->{process} = ChatTest::Process->new(
        name    => 'postgres',
        log     => $self->{log},
        user    => $user,
        stop    => 'INT',
        command => ["$bin/postgres", '-D', $self->{data},
            '-k', $self->{directory},
            _settings(
                listen_addresses       => '',
                shared_buffers         => '16MB',
                max_connections        => 40,
                min_wal_size           => '2MB',
                log_line_prefix        => '%m [%p] ',
                # what is written survives a kill -9 all the same
                fsync                  => 'off',
            )],
    );

    return $self;
}


sub process ($self) { return $self->{process} }


# what libpq needs to know

sub url ($self) {
    return "host=$self->{directory} user=chat dbname=postgres";
}


sub prepare ($self) {
    return if -d $self->{data};

    make_path($self->{directory}, $self->{cache});
    must_run('chown', $user, $self->{directory}) if defined $user;

    my $archive = "$self->{cache}/postgres-" . ($bin =~ /(\d+)/)[0] . '.tar';

    open my $lock, '>>', "$archive.lock"
        or croak "cannot open $archive.lock: $!";
    flock $lock, LOCK_EX;

    if (!-e $archive) {
        $self->_create;
        must_run('tar', '-cf', "$archive.new", '-C', $self->{directory},
                 'data');
        rename "$archive.new", $archive
            or croak "cannot rename $archive.new: $!";
        return;
    }

    close $lock;
    must_run('tar', '-xpf', $archive, '-C', $self->{directory});

    return;
}


sub ready ($self) {
    my $answer = eval { $self->psql('SELECT 1') };

    return defined $answer && $answer eq '1';
}


# rows as lines, columns divided by |

sub psql ($self, $statement) {
    return must_run("$bin/psql", '-XAtq', '-v', 'ON_ERROR_STOP=1',
                    '-d', $self->url, '-c', $statement);
}


sub _create ($self) {
    must_run(defined $user ? ('setpriv', "--reuid=$user", "--regid=$user",
                              '--clear-groups', 'env', '-C', '/') : (),
             "$bin/initdb", '-D', $self->{data}, '-U', 'chat', '-A', 'trust',
             '--no-sync', '--wal-segsize=1', '--encoding=UTF8', '--locale=C');

    return;
}


sub _settings (%settings) {
    return map { ('-c', "$_=$settings{$_}") } sort keys %settings;
}

1;
