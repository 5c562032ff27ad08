/*
 * Storing what was read, exactly once.
 */

#ifndef STORE_H
#define STORE_H


#include "source.h"


/*
 * Stores the batch and moves the positions; where another holds a partition
 * by now, or it had to be stopped, its position stays where it was.  -1: the
 * link is closed, and what is stored has to be read from the row.
 */
CHAT_MUST_CHECK int store_batch(persist_t *p, const batch_t *batch);


#endif /* STORE_H */
