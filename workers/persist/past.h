/*
 * Conversations that are known to have changed in a generation, so that their
 * last revision of the one before need not be looked for each time.  What is
 * not remembered is looked for: this may forget whatever it likes.
 */

#ifndef PAST_H
#define PAST_H


#include "entry.h"
#include "persist.h"


/* whether the row of the conversation has a revision of this generation */
bool past_is_known(const persist_t *p, const uint8_t key[UUID_LEN],
    uint64_t generation);

/* these entries are stored */
void past_learn(persist_t *p, const entry_t *entries, size_t n);

/* another PostgreSQL, perhaps, that may have gone back */
void past_forget(persist_t *p);


#endif /* PAST_H */
