# An nginx of a test that speaks TLS, beside plain HTTP: its own authority and
# certificate, a port of its own.
#
#     my $tls = ChatTest::Tls->new;
#     my $chat = ChatTest->new(http => $tls->server('location ...'));
#     $tls->certify($chat);
#     $chat->start;
#     my $alice = $chat->connect(user => 'alice', $tls->client);

package ChatTest::Tls;

use v5.36;


use ChatTest::Command qw(must_run);
use ChatTest::Port qw(take_port);


sub new ($class) {
    my ($port, $lock) = take_port;

    return bless { port => $port, lock => $lock }, $class;
}


sub port ($self) { return $self->{port} }


# listen => words more on the listen line; directives for the server, which has
# the locations of the one without TLS

sub server ($self, $more = '', $listen = '') {
    return <<~"END";
        server {
            listen 127.0.0.1:$self->{port} ssl $listen;
            ssl_certificate tls.crt;
            ssl_certificate_key tls.key;
            ssl_protocols TLSv1.2 TLSv1.3;
            $more

            location = /chat {
                chat_websocket on;
            }

            location = /echo {
                chat_echo on;
            }

            location = /healthz {
                chat_health live;
            }
        }
        END
}


# makes the certificate, before nginx is started

sub certify ($self, $chat) {
    my $directory = $chat->directory;

    must_run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
             'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=localhost',
             '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1',
             '-keyout', "$directory/tls.key", '-out', "$directory/tls.crt");
    $self->{certificate} = "$directory/tls.crt";

    return;
}


sub certificate ($self) { return $self->{certificate} }


# What a client needs to come in this way; options of IO::Socket::SSL.  It
# believes nobody but the one that was certified.

sub client ($self, %options) {
    return (
        port => $self->{port},
        tls  => {
            SSL_verify_mode     => 1,
            SSL_ca_file         => $self->{certificate},
            SSL_hostname        => 'localhost',
            SSL_verifycn_name   => 'localhost',
            SSL_verifycn_scheme => 'http',
            %options,
        },
    );
}

1;
