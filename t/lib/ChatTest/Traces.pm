# Where a word is found that should be nowhere.

package ChatTest::Traces;

use v5.36;

use Exporter qw(import);

use ChatTest::Redis;

our @EXPORT_OK = qw(tables_with keys_with);


# The tables that have a word in any column of any row, as a dump would show.

sub tables_with ($chat, $word) {
    my @tables = split /\n/, $chat->psql(<<~'END');
        SELECT 'chat.' || relname FROM pg_class
        WHERE relnamespace = 'chat'::regnamespace AND relkind = 'r'
        ORDER BY 1
        END

    return join ' ', grep {
        $chat->psql("SELECT count(*) FROM $_ t
                     WHERE t::text LIKE '%$word%'") ne '0'
    } @tables;
}


# the keys of Redis that have it

sub keys_with ($chat, $word) {
    my $redis = ChatTest::Redis->new($chat->{redis_socket});
    my %read = (
        string => [['GET'], []], hash => [['HGETALL'], []],
        stream => [['XRANGE'], ['-', '+']],
    );
    my $found = sub ($value) { 0 };

    $found = sub ($value) {
        return ref $value ? scalar grep { $found->($_) } @$value
                          : defined $value && $value =~ /$word/;
    };

    return join ' ', grep {
        my ($before, $after) = @{ $read{ $redis->call('TYPE', $_) } };
        $found->($redis->call(@$before, $_, @$after));
    } sort @{ $redis->call('KEYS', '*') };
}

1;
