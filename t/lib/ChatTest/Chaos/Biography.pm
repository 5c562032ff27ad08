# The story of a user, as far as it explains one thing that went wrong: the
# sessions of the user, what was chosen, what the client that noticed it was
# told, and the faults around.

package ChatTest::Chaos::Biography;

use v5.36;

use ChatTest::Chaos::Json qw(encode);

use constant AROUND => 45_000;      # ms before and after


# pairs of time and text

sub lines ($check, $fault) {
    my @lines;

    $check->records->clients(sub ($who) {
        my $own = "$who->{tenant}/$who->{user}" eq $fault->{user};
        my $noticed = $who->{name} eq $fault->{client};
        my %asked;

        return sub ($line) {
            my ($what, $at, @more) = @{ $line // return };

            return if abs($at - $fault->{time}) > AROUND;

            my $text = ($own || $noticed) && _session($what, @more)
                || ($own || $noticed)
                    && _request(\%asked, $own, $fault, $what, @more)
                || $noticed && _told($fault, $what, @more);

            push @lines, [$at, "$who->{name} ($who->{user}): $text"] if $text;
        };
    });

    return @lines;
}


sub _session ($what, @more) {
    return $what =~ /^(?:open|up|down|ready)\z/
        && join ' ', $what, map { $_ // '-' } @more;
}


# choices of the user; what was asked about the user

sub _request ($asked, $own, $fault, $what, @more) {
    my ($id, $try, $type, $data) = @more;
    my ($user) = $fault->{user} =~ m{/(.*)};

    if ($what eq 'ask') {
        return '' if $type ne 'presence.set'
            && index(encode($data), qq("$user")) < 0
            && !($type eq 'presence.get');
        return '' if !$own && $type eq 'presence.set';

        $asked->{$id} = $type;
        return "asks $id $type " . encode($data);
    }

    return '' if $what !~ /^(?:reply|refused|lost)\z/ || !$asked->{$id};
    return "$what $id $asked->{$id} " . _about($user, $try);
}


# the states of that user in an answer, or all of it

sub _about ($user, $data) {
    return encode($data) if ref $data ne 'HASH';

    my ($state) = grep { $_->{userId} eq $user }
        map { @{ $_ // [] } } @$data{qw(states members)};

    return encode($state // $data);
}


sub _told ($fault, $what, @more) {
    return $what eq 'presence' && "$more[0]" eq ($fault->{user} =~ s{.*/}{}r)
        && 'is told ' . join ' ', map { $_ // '-' } @more;
}

1;
