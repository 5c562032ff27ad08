/*
 * Storing what was read, exactly once.
 */

#ifndef STORE_H
#define STORE_H


#include "source.h"


typedef enum {
    STORE_OK,
    STORE_FENCED,       /* the row is not as we believe */
    STORE_DOUBLE,       /* a unique key is violated */
    STORE_REFUSED,      /* PostgreSQL does not take a row */
    STORE_SLOW,         /* it takes too long; nothing is stored */
    STORE_ERROR         /* the link is closed, or to be closed */
} store_rc_e;


/*
 * Stores the batch and moves the positions; where another holds a partition
 * by now, or it had to be stopped, its position stays where it was.  -1: a
 * link is closed; if it is PostgreSQL's, what is stored has to be read from the
 * row.
 *
 * next: NULL, or filled meanwhile with what follows, if there is more.
 */
CHAT_MUST_CHECK int store_batch(persist_t *p, const batch_t *batch,
    batch_t *next);


/* one event alone, in a transaction of its own, whatever comes of it; the
   position goes to e->id, and may stay */
CHAT_MUST_CHECK store_rc_e store_alone(persist_t *p, const entry_t *e);


/* what an error of a statement means */
store_rc_e store_judge(const char *sqlstate);


#endif /* STORE_H */
