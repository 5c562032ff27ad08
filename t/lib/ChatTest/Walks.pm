# What is walked of the models, and which rules must be missed in each.

package ChatTest::Walks;

use v5.36;

use Exporter qw(import);

our @EXPORT_OK = qw(walks);


my @walks = (
    {
        name => 'Redis comes back',
        model => 'log',
        short => 1,
        sizes => { EVENTS => 3, RESTARTS => 1, EMPTY => 1, COPIES => 1 },
        rules => [qw(
            NO_FENCE NO_ROW_FENCE NO_ROW_GUARD SAME_FENCE POSITION_APART
            STORED_EARLY NO_REST NO_DROP NO_REWIND SAME_GENERATION
            REOPEN_FIRST LOSS_BY_GENERATION ANY_IDENTITY ROOM_RESET
            ACK_ANY_GENERATION LOAD_NO_FLOOR LATE_LOAD
        )],
    },
    {
        name => 'Redis forgets, and messages are deleted',
        model => 'log',
        short => 1,
        sizes => {
            EVENTS => 3, MESSAGES => 1, EMPTY => 1, FORGETS => 1, FACTS => 1,
        },
        rules => [qw(
            FORGET_UNSTORED DROP_UNSTORED NO_FLOOR LATE_ID LATE_FACT
        )],
    },
    {
        name => 'Redis comes back twice',
        model => 'log',
        sizes => { EVENTS => 3, RESTARTS => 2, EMPTY => 1, COPIES => 1 },
        rules => [qw(LOSS_BY_POSITION)],
    },
);


# short: those that do not take long

sub walks (%options) {
    return grep { !$options{short} || $_->{short} } @walks;
}

1;
