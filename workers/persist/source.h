/*
 * Reading logs and needs.
 */

#ifndef SOURCE_H
#define SOURCE_H


#include "entry.h"
#include "persist.h"


/* what the log of a partition was read after, and under which right */

typedef struct {
    stream_id_t  after;
    uint64_t     fence;
    uint64_t     generation;
} source_t;


/* entries of one or more logs, those of one partition together and in order */

typedef struct {
    mem_arena_t  arena;         /* what the entries point into */
    entry_t     *entries;
    size_t       n;
    size_t       size;
    size_t       bytes;         /* of the entries */
    unsigned     share;         /* of each log in p->count */
    unsigned     logs;          /* that had something */
    bool         more;          /* there is perhaps more to be read */
    part_t      *stuck;         /* its log goes on with a kind unknown to us */
    uint64_t     link;          /* of Redis, that it came on */
    source_t     sources[CHAT_ID_MAX_PARTITIONS];
} batch_t;


/*
 * Reads what is new in the logs and needs of all open partitions; waits for it
 * until `until` (life_now()).  Needs are put into the list.
 */
CHAT_MUST_CHECK int source_read(persist_t *p, batch_t *batch, uint64_t until);

/*
 * Reads what follows the batch, which is being stored meanwhile, without
 * waiting.  source_is_next() tells whether what was read may be stored: whether
 * all before it has been, and everything else is as it was.
 */
CHAT_MUST_CHECK int source_read_ahead(persist_t *p, const batch_t *batch,
    batch_t *next);
bool source_is_next(const persist_t *p, const batch_t *next);

/* the same for the log of one partition, whatever its state, without waiting */
CHAT_MUST_CHECK int source_read_log(persist_t *p, part_t *part,
    batch_t *batch);

void batch_reset(batch_t *batch);       /* empty; keeps memory for the next */
void batch_done(batch_t *batch);

/* the link is new, and what waited may be much: begin with little */
void source_reset(persist_t *p);

/* storing the batch took so long: read more next time, or less */
void source_adapt(persist_t *p, const batch_t *batch, uint64_t ms);


#endif /* SOURCE_H */
