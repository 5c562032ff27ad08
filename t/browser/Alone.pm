# The files of the page without its server: a tab in which window.fake of
# fake-server.js answers the JavaScript client.

package Alone;

use v5.36;

use File::Temp;
use FindBin;

use Browser;
use ChatTest::Command qw(must_run);
use ChatTest::Nginx;
use ChatTest::Port qw(take_port);
use ChatTest::Wait qw(wait_until);


sub start ($class) {
    my $base = File::Temp->newdir('ngx_chat-XXXXXX', TMPDIR => 1);
    my ($port, $lock) = take_port();

    chmod 0755, $base;
    must_run('cp', '-R', "$FindBin::Bin/../web", "$base/web");

    my $nginx = ChatTest::Nginx->new(
        directory => "$base", build => "$FindBin::Bin/../build", loaded => 0,
        port => $port, log => "$base/error.log", plain => 1,
        instead => <<~"END");
        include /etc/nginx/mime.types;

        server {
            listen 127.0.0.1:$port;
            root $base/web;

            location = /blank {
                default_type text/html;
                return 200 '<!doctype html><link rel="icon" href="icon.svg">
                    <title>blank</title>';
            }
        }
        END

    $nginx->prepare;
    $nginx->process->start;

    my $browser = Browser->start("$base");
    my $self = bless { base => $base, lock => $lock, nginx => $nginx,
                       browser => $browser, tab => $browser->tab }, $class;

    wait_until {
        eval { $self->tab->open("http://127.0.0.1:$port/blank");
               $self->tab->eval('document.title') eq 'blank' };
    };

    return $self;
}


sub tab ($self) {
    return $self->{tab};
}


# A client as window.client in a new page, before it connects.  token: the body
# of a function of the reason for which it is asked.

sub client ($self, $token = q(return 'none')) {
    open my $in, '<', "$FindBin::Bin/browser/fake-server.js" or die $!;
    my $fake = do { local $/ = undef; <$in> };

    $self->tab->reload;
    $self->tab->eval($fake);
    $self->tab->eval(<<~"JS");
        (async () => {
            const { ChatClient } = await import('./chat.js');

            window.client = new ChatClient({ url: 'ws://fake/chat',
                token: async (reason) => { $token } });
        })()
        JS

    return;
}


# does that, and waits for the answer to a request that is sent after it

sub settled ($self, $code) {
    $self->tab->eval("(async () => { $code; await client.request('ping'); })()");

    return;
}


# what was asked of the server, by its type

sub asked ($self, $type) {
    return $self->tab->eval("fake.asked('$type')");
}


# says whether nginx had to be forced

sub stop ($self) {
    $self->{browser}->stop;

    return $self->{nginx}->process->stop;
}

1;
