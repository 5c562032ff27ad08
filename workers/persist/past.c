#include "past.h"

#include <stdlib.h>
#include <string.h>


#define PAST_SIZE  16384        /* conversations; a power of two */


typedef struct past_s {
    uint8_t   key[UUID_LEN];
    uint64_t  generation;       /* 0: free */
} past_t;


/* where a conversation is if it is here: the ends of UUIDv7 are random */

static past_t *
past_find(const persist_t *p, const uint8_t key[UUID_LEN])
{
    unsigned  end = (unsigned) key[UUID_LEN - 2] << 8 | key[UUID_LEN - 1];

    return &p->past[end % PAST_SIZE];
}


bool
past_is_known(const persist_t *p, const uint8_t key[UUID_LEN],
    uint64_t generation)
{
    const past_t  *known;

    if (p->past == NULL) {
        return false;
    }

    known = past_find(p, key);

    return known->generation == generation
           && memcmp(known->key, key, UUID_LEN) == 0;
}


void
past_learn(persist_t *p, const entry_t *entries, size_t n)
{
    past_t         *known;
    const entry_t  *e;

    if (p->past == NULL) {
        p->past = mem_alloc(PAST_SIZE * sizeof(past_t));
    }

    for (e = entries; e < entries + n; e++) {

        if (e->counts) {
            known = past_find(p, e->key);
            memcpy(known->key, e->key, UUID_LEN);
            known->generation = e->revision >> 32;
        }
    }
}


void
past_forget(persist_t *p)
{
    free(p->past);
    p->past = NULL;
}
