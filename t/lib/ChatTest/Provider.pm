# An identity provider that serves its keys over https, and misbehaves when it
# is told to.  A process of its own, which ends with the test.
#
#     my $provider = ChatTest::Provider->new(directory => $dir);
#
#     $provider->publish($key1, $key2);           # as jwk() gives them
#     $provider->answer(status => 500);
#     $provider->answer(%ok, body => '{', certificate => 'expired');
#
# Its certificate is signed by an authority of its own, the file ca.

package ChatTest::Provider;

use v5.36;

use Carp qw(croak);
use Crypt::PK::ECC;
use Crypt::PK::Ed25519;
use Crypt::PK::RSA;
use Cwd qw(realpath);
use Exporter qw(import);
use File::Basename qw(dirname);
use IO::Socket::SSL::Utils;

use ChatTest::Json qw(decode encode);
use ChatTest::Port qw(take_port);
use ChatTest::Process;
use ChatTest::Wait qw(wait_until);

our @EXPORT_OK = qw(make_key jwk);

use constant DAY => 86400;

my $library = realpath(dirname(__FILE__) . '/..');


# directory: where its files go

sub new ($class, %o) {
    my ($port, $lock) = take_port;
    my $self = bless { port => $port, lock => $lock,
                       directory => "$o{directory}/provider" }, $class;

    mkdir $self->{directory} or croak "mkdir($self->{directory}): $!";
    $self->_make_certificates;
    $self->answer(status => 404, body => 'nothing yet');

    $self->{process} = ChatTest::Process->new(
        name      => 'provider',
        directory => $self->{directory},
        log       => "$self->{directory}/log",
        command   => [$^X, "-I$library", '-MChatTest::Provider::Server', '-e',
                      'ChatTest::Provider::Server::run(@ARGV)', $port,
                      $self->{directory}],
    )->start;

    wait_until { -e "$self->{directory}/ready" || !$self->{process}->alive };
    croak 'the provider did not start' if !$self->{process}->alive;

    return $self;
}


sub port ($self) { return $self->{port} }
sub url ($self)  { return "https://localhost:$self->{port}/jwks.json" }
sub ca ($self)   { return "$self->{directory}/ca.pem" }


# What every request gets from now on.  status, headers => [...], body; length:
# what Content-Length says if not the body's; certificate: good, expired,
# elsewhere (another host's) or stranger (another authority's); and way: how
# it is sent, see ChatTest::Provider::Server

sub answer ($self, %o) {
    my $file = "$self->{directory}/answer";

    open my $out, '>', "$file.new" or croak "cannot write $file.new: $!";
    print $out encode({ status => 200, headers => [], body => '',
                        certificate => 'good', way => 'whole', %o });
    close $out;
    rename "$file.new", $file or croak "cannot rename $file.new: $!";

    return;
}


# these keys; returns the text

sub publish ($self, @keys) {
    my $text = encode({ keys => \@keys });

    $self->answer(body => $text);

    return $text;
}


# how many connections have come

sub asked ($self) {
    open my $in, '<', "$self->{directory}/asked" or return 0;

    return scalar(() = <$in>);
}


# what the last request was, its head whole

sub last_request ($self) {
    open my $in, '<', "$self->{directory}/request" or return '';
    local $/ = undef;

    return <$in>;
}


# Keys -----------------------------------------------------------------------

sub make_key ($alg) {
    if ($alg eq 'ES256') {
        my $key = Crypt::PK::ECC->new;
        $key->generate_key('secp256r1');
        return $key;
    }

    if ($alg eq 'EdDSA') {
        return Crypt::PK::Ed25519->new->generate_key;
    }

    my $key = Crypt::PK::RSA->new;
    $key->generate_key(256, 65537);
    return $key;
}


# the public half, as it stands in a set

sub jwk ($key, %more) {
    return { %{ $key->export_key_jwk('public', 1) }, use => 'sig', %more };
}


# Certificates ---------------------------------------------------------------

sub _make_certificates ($self) {
    my @ca = _certificate(CA => 1, subject => { CN => 'a test' });
    my @stranger = _certificate(CA => 1, subject => { CN => 'a stranger' });
    my $now = time;

    my %certificates = (
        good      => [_certificate(issuer => \@ca)],
        stranger  => [_certificate(issuer => \@stranger)],
        expired   => [_certificate(issuer => \@ca,
                                   not_before => $now - 2 * DAY,
                                   not_after => $now - DAY)],
        elsewhere => [_certificate(issuer => \@ca,
                                   subject => { CN => 'example.com' },
                                   subjectAltNames =>
                                       [[DNS => 'example.com']])],
    );

    PEM_cert2file($ca[0], $self->ca);

    for my $name (keys %certificates) {
        my ($certificate, $key) = @{ $certificates{$name} };

        PEM_cert2file($certificate, "$self->{directory}/$name.crt");
        PEM_key2file($key, "$self->{directory}/$name.key");
    }

    return;
}


sub _certificate (%o) {
    return CERT_create(
        subject         => { CN => 'localhost' },
        subjectAltNames => [[DNS => 'localhost'], [IP => '127.0.0.1']],
        not_before      => time - DAY,
        not_after       => time + DAY,
        key             => KEY_create_ec('prime256v1'),
        digest          => 'sha256',
        %o,
    );
}

1;
