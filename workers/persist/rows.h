/*
 * The statements of a storing transaction, each with arrays of what a run of
 * log entries brings.  Whatever the number of entries, a kind of them is one
 * statement or two; a kind that is absent costs nothing.
 *
 * The entries of a run happened one after the other, the statements go by
 * kind.  Why the result is the same stands at each of them; what all rely on:
 *
 *   - a message is there before anything else is said of it, and nothing is
 *     after its deletion: so messages are inserted first, deleted last;
 *   - what happens several times to the same thing happens once, at its latest
 *     state, and that is the one with the highest revision;
 *   - nothing comes after the deletion of a conversation, which ends its
 *     partition's part of a batch.
 */

#ifndef ROWS_H
#define ROWS_H


#include "entry.h"
#include "persist.h"


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


/* The statements.  Each function sends what it has to say and returns the
   number of statements, or -1. */

/* rows_conversation.c */
CHAT_MUST_CHECK int rows_created(persist_t *p, const entry_t *entries,
    size_t n);
CHAT_MUST_CHECK int rows_updated(persist_t *p, const entry_t *entries,
    size_t n);
CHAT_MUST_CHECK int rows_counted(persist_t *p, const entry_t *entries,
    size_t n);
CHAT_MUST_CHECK int rows_closed(persist_t *p, const entry_t *entries,
    size_t n);

/* rows_message.c */
CHAT_MUST_CHECK int rows_sent(persist_t *p, const entry_t *entries, size_t n);
CHAT_MUST_CHECK int rows_mentioned(persist_t *p, const entry_t *entries,
    size_t n);
CHAT_MUST_CHECK int rows_edited(persist_t *p, const entry_t *entries,
    size_t n);
CHAT_MUST_CHECK int rows_reacted(persist_t *p, const entry_t *entries,
    size_t n);
CHAT_MUST_CHECK int rows_deleted(persist_t *p, const entry_t *entries,
    size_t n);

/* rows_member.c */
CHAT_MUST_CHECK int rows_members(persist_t *p, const entry_t *entries,
    size_t n);

/* rows_dead.c */
CHAT_MUST_CHECK int rows_dead(persist_t *p, const entry_t *entries, size_t n);
CHAT_MUST_CHECK int rows_letters(persist_t *p, const entry_t *entries,
    size_t n);


/* What they are made with. */

static inline bool
rows_has(const entry_t *e, entry_kind_e kind)
{
    return e->kind == kind && e->fate == ENTRY_GOOD;
}


void rows_init(db_array_t *arrays, const Oid *types, size_t n);

/* sends the statement with the arrays unless they are empty, and frees them;
   the number of statements sent, or -1 */
CHAT_MUST_CHECK int rows_finish(persist_t *p, const char *sql,
    db_array_t *arrays, size_t n);

/* empty: NULL */
void rows_text(db_array_t *a, chat_str_t text);


#endif /* ROWS_H */
