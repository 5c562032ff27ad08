# Who is there, as the page shows it: dots, words and counts; a status that one
# sets; and what nobody sees of who is invisible.

use v5.36;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/browser";

use Test::More;

use Browser;
use ChatTest::Wait qw(wait_until);
use Instance;
use Page;

my $chat = Instance->new(
    http => 'chat_away_time 5m;',
    environment => { CHAT_PRESENCE_GRACE_TIME => '1s' },
)->start;
my $browser = Browser->start($chat->{base});
my $ada = Page->new($browser, $chat, 'Ada Lovelace');
my $grace = Page->new($browser, $chat, 'Grace Hopper');


# waits until the line below the name of the conversation is like that

sub says ($page, $pattern, $name) {
    ok(eval { $page->tab->wait_for("/^$pattern\$/.test("
                  . "document.querySelector('#room-sub').textContent)") },
       $name) or diag $@;

    return;
}


# lately: how long ago depends on how fast all of this is
my $seen = 'Last seen (?:just now|\\d+ minutes? ago)';


# the sign at the last message: sent, delivered or read

sub receipt ($page) {
    return ($page->tab->texts('.own .state-text'))[-1];
}


subtest 'the other one of a direct conversation' => sub {
    $ada->create('dm', undef, 'Grace');
    $ada->say('Good morning');
    $ada->sees('Grace Hopper', 'online');
    says($ada, 'Online', 'is there');
    $grace->sees('Ada Lovelace', 'online');
    pass('and sees that the first one is');
};

subtest 'a status of one\'s own' => sub {
    $grace->status('busy', 'In a meeting');
    $grace->tab->shows('#status', 'Busy · In a meeting');
    $ada->sees('Grace Hopper', 'busy');
    says($ada, 'Busy · In a meeting', 'is seen by the other');

    my $phone = Page->new($browser, $chat, 'Grace Hopper');

    $phone->tab->shows('#status', 'Busy · In a meeting');
    $phone->status('away');
    $grace->tab->shows('#status', 'Away');
    says($ada, 'Away', 'the one who is away, whatever the device');
    $phone->tab->close;
    $grace->status('online');
    says($ada, 'Online', 'and back');
};

subtest 'the members of a group' => sub {
    my $linus = Page->new($browser, $chat, 'Linus');

    $ada->create('group', 'Sailing', 'Grace', 'Linus');
    says($ada, '3 members, 3 online', 'how many are there');
    $ada->panel;
    $ada->sees('Linus', 'online');
    $linus->tab->close;
    $ada->sees('Linus', 'offline');
    says($ada, '3 members, 2 online', 'one less');
    $ada->tab->wait_for("[...document.querySelectorAll('#members .person-note')]"
                        . ".some((note) => /^$seen\$/.test(note.textContent))");
    $ada->tab->click('#panel-close');
    pass('when he was there last');
};

# what is delivered to Ada is not told before the choice is known again

subtest 'who is invisible is not seen in any way' => sub {
    $ada->open('Grace Hopper');
    $grace->open('Ada Lovelace');
    $grace->hears('Good morning');
    $grace->open('Lobby');
    $grace->status('invisible');
    $grace->tab->shows('#status', 'Invisible');
    $ada->sees('Grace Hopper', 'offline');
    says($ada, $seen, 'last seen when she hid');

    $ada->say('Are you there?');
    $ada->hears('Are you there?');
    $grace->badge('Ada Lovelace', 1);
    $grace->reload;
    $grace->tab->shows('#status', 'Invisible');
    $grace->badge('Ada Lovelace', 1);
    $grace->tab->eval(q(document.querySelector('#text').blur()));
    $grace->status('invisible', 'hidden words');
    is(receipt($ada), 'Sent', 'what she gets is not told');
    says($ada, $seen, 'nor what she says of herself');

    $grace->status('online');
    $ada->tab->shows('.own .state-text', 'Delivered');
    says($ada, 'Online', 'until she wants to be seen');
};

subtest 'connections that are lost' => sub {
    kill 'KILL', $chat->workers;
    $_->online for $ada, $grace;
    $grace->status('busy');
    $ada->sees('Grace Hopper', 'busy');
    $grace->status('online');
    $ada->sees('Grace Hopper', 'online');
    pass('what changes is seen after them, too');
};

subtest 'who does nothing is away' => sub {
    my $conf = "$chat->{directory}/etc/nginx.conf";
    my $text = Instance::slurp($conf) =~ s/chat_away_time 5m/chat_away_time 5s/r;
    my %old = map { $_ => 1 } $chat->workers;

    open my $out, '>:encoding(UTF-8)', $conf or die "$conf: $!";
    print {$out} $text;
    close $out;
    kill 'HUP', int Instance::slurp("$chat->{directory}/nginx/nginx.pid");
    wait_until { !grep { $old{$_} } $chat->workers };
    $_->online for $ada, $grace;
    $grace->open('Sailing');
    $ada->sees('Grace Hopper', 'away');
    $grace->tab->shows('#status', 'Online');
    $grace->open('Ada Lovelace');
    $grace->types('Here I am');
    $ada->sees('Grace Hopper', 'online');
    $grace->rests;
    pass('until she does something');
};

subtest 'all is well' => sub {
    is_deeply([map { $_->errors } $ada, $grace], [], 'nothing in the console');
    is_deeply([$chat->alarms], [], 'no alerts in the logs');
    $browser->stop;
    is($chat->stop, 0, 'ends when it is told to');
};

done_testing;
