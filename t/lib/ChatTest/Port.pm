# Free ports, so that tests that run at the same time never meet: each port
# has a lock file, and who holds its lock has the port.

package ChatTest::Port;

use v5.36;

use Carp qw(croak);
use Exporter qw(import);
use Fcntl qw(LOCK_EX LOCK_NB);
use File::Spec;
use IO::Socket::INET;

our @EXPORT_OK = qw(take_port);

# below the range from which the kernel takes ports for outgoing connections
use constant {
    FIRST => 20000,
    COUNT => 10000,
    TRIES => 200,
};


# a port, and its lock, which is given back when it goes out of scope

sub take_port () {
    my $directory = File::Spec->catdir(File::Spec->tmpdir,
                                       "chat-test-ports-$<");
    mkdir $directory, 0700;

    for (1 .. TRIES) {
        my $port = FIRST + int rand COUNT;

        open my $lock, '>>', "$directory/$port"
            or croak "cannot open $directory/$port: $!";

        if (flock($lock, LOCK_EX | LOCK_NB) && is_free($port)) {
            return ($port, $lock);
        }
    }

    croak 'no free port found';
}


sub is_free ($port) {
    return defined IO::Socket::INET->new(
        LocalAddr => '127.0.0.1',
        LocalPort => $port,
        Listen    => 1,
        ReuseAddr => 1,
    );
}

1;
