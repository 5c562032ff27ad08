/*
 * The statements of a storing transaction, each with arrays of what a run of
 * log entries brings.  Whatever the number of entries, a transaction has at
 * most ROWS_MAX_STATEMENTS statements.
 */

#ifndef ROWS_H
#define ROWS_H


#include "entry.h"
#include "persist.h"


/* begin, positions, generations, conversations, messages, members, counters,
   dead letters, commit */
#define ROWS_MAX_STATEMENTS  9


/* a partition whose position moves */

typedef struct {
    part_t       *part;
    stream_id_t   to;
} rows_move_t;


/*
 * Sends the whole transaction and the sync after it; returns the number of
 * statements.  The entries are of one or more partitions, those of each
 * together and in order.
 */
CHAT_MUST_CHECK int rows_send(persist_t *p, const entry_t *entries, size_t n);

/* the partitions of the entries and how far they get; returns how many */
size_t rows_moves(const entry_t *entries, size_t n,
    rows_move_t moves[CHAT_ID_MAX_PARTITIONS]);


#endif /* ROWS_H */
