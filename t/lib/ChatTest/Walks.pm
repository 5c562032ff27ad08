# What is walked of the models, and which rules are missed if left out.  Sizes
# that are not given are those in the model.

package ChatTest::Walks;

use v5.36;

use Exporter qw(import);

our @EXPORT_OK = qw(walks);


my @walks = (
    {
        name => 'Redis comes back',
        model => 'log',
        short => 1,
        sizes => { EMPTY => 1, COPIES => 1 },
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
        sizes => { MESSAGES => 1, EMPTY => 1, FORGETS => 1, FACTS => 1 },
        rules => [qw(
            FORGET_UNSTORED DROP_UNSTORED NO_FLOOR LATE_ID LATE_FACT
        )],
    },
    {
        name => "a node's room",
        model => 'rooms',
        short => 1,
        sizes => { JOINS => 2 },
        rules => [qw(
            OPEN_EARLY NO_HOLD NO_EPOCH NO_FLOOR NO_GAP NO_REPAIR ROOM_RESET
            NO_CATCH_UP NO_OWN OLD_CATCH_UP BEHIND
        )],
    },
    {
        name => 'Redis comes back twice',
        model => 'log',
        sizes => { RESTARTS => 2, EMPTY => 1, COPIES => 1 },
        rules => [qw(LOSS_BY_POSITION)],
    },
    {
        name => 'Redis comes back twice, and holders change more often',
        model => 'log',
        sizes => { RESTARTS => 2, EMPTY => 1, COPIES => 1, CLAIMS => 4 },
    },
    {
        name => 'Redis comes back, with three holders',
        model => 'log',
        sizes => { EMPTY => 1, COPIES => 1, HOLDERS => 3 },
    },
    {
        name => 'Redis forgets, and comes back as an older copy',
        model => 'log',
        sizes => {
            MESSAGES => 1, EMPTY => 1, COPIES => 1, FORGETS => 1, FACTS => 1,
        },
    },
    {
        name => 'Redis forgets, and two messages are deleted',
        model => 'log',
        sizes => {
            EVENTS => 4, RESTARTS => 0, CLAIMS => 2, FORGETS => 1, FACTS => 1,
        },
    },
    {
        name => "a node's room, and storage tells what Redis has forgotten",
        model => 'rooms',
        sizes => { JOINS => 2, COLD => 1 },
        rules => [qw(OWN_STAYS)],
    },
    {
        name => "a node's room, with more of everything",
        model => 'rooms',
        sizes => { EVENTS => 4, JOINS => 4 },
    },
    {
        name => "a node's room, with links that go down more often",
        model => 'rooms',
        sizes => { CUTS => 2, JOINS => 4 },
    },
);


# short: those that do not take long

sub walks (%options) {
    return grep { !$options{short} || $_->{short} } @walks;
}

1;
