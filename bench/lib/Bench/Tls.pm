# A second server of an instance's nginx, which speaks TLS: with a certificate
# made for it, on a port of its own.

package Bench::Tls;

use v5.36;

use ChatTest::Command qw(must_run);
use ChatTest::Port qw(take_port);

my %key_options = (
    ecdsa => ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
    rsa   => ['rsa:2048'],
);


# directory: where the certificate is made; which must be there before nginx is

sub new ($class, $directory, $key = 'ecdsa') {
    my ($port, $lock) = take_port;
    my $self = bless {
        directory => $directory, key => $key, port => $port, lock => $lock,
    }, $class;

    must_run('openssl', 'req', '-x509', '-newkey', @{ $key_options{$key} },
             '-nodes', '-subj', '/CN=localhost', '-keyout', $self->_file('key'),
             '-out', $self->_file('crt'));
    chmod 0644, $self->_file('key');    # nginx may run as another user

    return $self;
}


sub port ($self) { return $self->{port} }


# its server block in one line, with these directives and locations

sub server ($self, $more) {
    return "server { listen 127.0.0.1:$self->{port} ssl reuseport;"
        . " ssl_certificate " . $self->_file('crt') . ';'
        . " ssl_certificate_key " . $self->_file('key') . "; $more }";
}


sub _file ($self, $extension) {
    return "$self->{directory}/$self->{key}.$extension";
}

1;
