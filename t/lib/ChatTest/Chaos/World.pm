# The conversations that are there from the start, the slots: of each tenant
# channels, groups and dms.  They are made by the clients, before all others
# begin, and told to these in a file.

package ChatTest::Chaos::World;

use v5.36;

use ChatTest::Chaos::Actions;
use ChatTest::Chaos::Json qw(decode encode);
use ChatTest::Uuid qw(uuid);

my @TYPES = qw(channel group dm channel group dm dm dm);

# seconds that users are not there, or do nothing, and between
use constant { PAUSE => [4, 15], AWAY => [1, 35], RESTS => [8, 25] };


# The slots as they are to be made: { tenant, by => user, data }

sub planned ($topology) {
    my @slots;

    for my $tenant (@{ $topology->{tenants} }) {
        my @users = users($topology, $tenant);
        my $n = 0;

        for my $type (@TYPES) {
            my $by = $users[$n % @users];
            my @others = grep { $_ ne $by } @users;

            push @slots, {
                tenant => $tenant,
                by     => $by,
                data   => $type eq 'dm'
                    ? { type => 'dm', members => [$others[$n % @others]] }
                    : { type => $type, name => "Slot $n", clientId => uuid(),
                        members => $type eq 'group' ? \@others : [] },
            };
            $n++;
        }
    }

    return @slots;
}


# When users are not there, or rest, all their clients together: of some users
# { absent => [[from, to]...], resting => likewise }, as the seed has it.

sub times ($topology, $now) {
    my %times;

    srand $topology->{seed};

    for my $user (@{ $topology->{users} }) {
        my $end = $now + 60 * $topology->{minutes};
        my $name = "$user->{tenant}/$user->{user}";
        my $from = $now + _between(PAUSE);

        next if $user->{user} !~ /[345]\z/;

        while ($from < $end) {
            my $what = rand() < 0.6 ? 'absent' : 'resting';
            my $to = $from + _between($what eq 'absent' ? AWAY : RESTS);

            push @{ $times{$name}{$what} }, [$from, $to];
            $from = $to + _between(PAUSE);
        }
    }

    return %times;
}


sub _between ($range) {
    my ($least, $most) = @$range;

    return $least + rand($most - $least);
}


sub users ($topology, $tenant) {
    return map { $_->{user} }
        grep { $_->{tenant} eq $tenant } @{ $topology->{users} };
}


sub write ($directory, @slots) {
    open my $file, '>', "$directory/world.json"
        or die "cannot write world.json: $!\n";
    print $file encode(\@slots);

    return;
}


sub read ($directory) {
    open my $file, '<', "$directory/world.json"
        or die "cannot read world.json: $!\n";

    return @{ decode(scalar <$file>) };
}


# what a client knows when it begins

sub introduce ($client, @slots) {
    for my $slot (grep { $_->{tenant} eq $client->{tenant} } @slots) {
        my ($type, $members) = @{ $slot->{data} }{qw(type members)};
        my %in = map { $_ => 1 } $slot->{by}, @$members;

        next if $type eq 'dm' && !$in{ $client->{user} };

        $client->holding->add($slot->{id}, slot => $slot->{data},
                              type => $type, creator => $slot->{by});
    }

    return;
}

1;
