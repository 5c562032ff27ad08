/*
 * Reading logs and needs.
 */

#ifndef SOURCE_H
#define SOURCE_H


#include "entry.h"
#include "persist.h"


/* entries of one or more logs, those of one partition together and in order */

typedef struct batch_s {
    redisReply  *reply;         /* what the entries point into */
    entry_t     *entries;
    size_t       n;
    size_t       size;
    size_t       bytes;         /* of the entries */
    unsigned     share;         /* of each log in p->count */
    bool         more;          /* there is perhaps more to be read */
    bool         ahead;         /* read while another batch was stored */
    uint64_t     link;          /* to Redis, that it was read on */
    stream_id_t  from[CHAT_ID_MAX_PARTITIONS];  /* behind these */
} batch_t;


/*
 * Reads what is new in the logs and needs of all open partitions; waits for it
 * until `until` (life_now()).  Needs are put into the list.
 */
CHAT_MUST_CHECK int source_read(persist_t *p, batch_t *batch, uint64_t until);

/*
 * While this batch is being stored, the next one: what is behind it.  It is
 * what source_read() gives then, unless anything has come out otherwise.  -1:
 * the link is closed, the batch is stored all the same.
 */
CHAT_MUST_CHECK int source_read_ahead(persist_t *p, const batch_t *batch);

void source_forget_ahead(persist_t *p);

/* the same for the log of one partition, whatever its state, without waiting */
CHAT_MUST_CHECK int source_read_log(persist_t *p, part_t *part,
    batch_t *batch);

void batch_done(batch_t *batch);

/* the link is new, and what waited may be much: begin with little */
void source_reset(persist_t *p);

/* storing the batch took so long: read more next time, or less */
void source_adapt(persist_t *p, const batch_t *batch, uint64_t ms);


#endif /* SOURCE_H */
