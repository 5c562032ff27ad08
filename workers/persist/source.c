#include "source.h"

#include <stdlib.h>
#include <string.h>

#include "need.h"


#define SOURCE_COUNT_MIN  16        /* on a new link */
#define SOURCE_COUNT_MAX  1024
#define SOURCE_BYTES      (4 * 1024 * 1024)     /* of a batch */
#define SOURCE_SLOW       1000      /* ms that storing a batch should take */


static int source_take(persist_t *p, batch_t *batch);
static int source_take_log(persist_t *p, part_t *part,
    const redisReply *entries, batch_t *batch);


void
source_reset(persist_t *p)
{
    if (p->count == 0 || p->count > SOURCE_COUNT_MIN) {
        p->count = SOURCE_COUNT_MIN;
    }
}


void
source_adapt(persist_t *p, const batch_t *batch, uint64_t ms)
{
    if (ms > SOURCE_SLOW) {
        p->count = batch->n > 1 ? (unsigned) batch->n / 2 : 1;

    } else if (batch->bytes > SOURCE_BYTES) {
        p->count = (unsigned) batch->n;

    } else if (batch->more && ms < SOURCE_SLOW / 4
               && batch->bytes < SOURCE_BYTES / 4
               && p->count < SOURCE_COUNT_MAX)
    {
        p->count = p->count * 2;
    }
}


/* the start of XREAD for so many logs, which share the count */

static void
source_args(persist_t *p, batch_t *batch, unsigned logs, uint64_t block)
{
    batch->share = (p->count + logs - 1) / logs;

    redis_args_reset(&p->args, "XREAD");
    redis_args_text(&p->args, "COUNT");
    redis_args_uint(&p->args, batch->share);

    if (block != 0) {
        redis_args_text(&p->args, "BLOCK");
        redis_args_uint(&p->args, block);
    }

    redis_args_text(&p->args, "STREAMS");
}


/* the open partitions: each in turn comes first, for the last ones may not
   fit into the batch */

static unsigned
source_open(persist_t *p, part_t *open[CHAT_ID_MAX_PARTITIONS])
{
    part_t    *part;
    unsigned   i, n = 0;

    for (i = 0; i < p->npartitions; i++) {
        part = &p->parts[(p->first + i) % p->npartitions];

        if (part->state == PART_OPEN) {
            open[n] = part;
            n++;
        }
    }

    p->first = (p->first + 1) % p->npartitions;

    return n;
}


int
source_read(persist_t *p, batch_t *batch, uint64_t until)
{
    char       key[PART_KEY_LEN], id[STREAM_ID_TEXT];
    part_t    *open[CHAT_ID_MAX_PARTITIONS];
    uint64_t   now = life_now(), block;
    unsigned   i, n;

    block = until > now ? until - now : 0;
    n = source_open(p, open);
    source_args(p, batch, n, block);

    for (i = 0; i < n; i++) {
        redis_args_text(&p->args, part_key(open[i], "log", key));
        redis_args_text(&p->args, part_key(open[i], "need", key));
    }

    for (i = 0; i < n; i++) {
        redis_args_text(&p->args, stream_id_print(open[i]->stored, id));
        redis_args_text(&p->args, stream_id_print(open[i]->need, id));
    }

    if (redis_send(&p->redis, &p->args) == -1) {
        return -1;
    }

    batch->reply = redis_reply(&p->redis, (uint32_t) block);

    return batch->reply != NULL ? source_take(p, batch) : -1;
}


int
source_read_log(persist_t *p, part_t *part, batch_t *batch)
{
    char  key[PART_KEY_LEN], id[STREAM_ID_TEXT];

    source_args(p, batch, 1, 0);
    redis_args_text(&p->args, part_key(part, "log", key));
    redis_args_text(&p->args, stream_id_print(part->stored, id));

    batch->reply = redis_call(&p->redis, &p->args);

    return batch->reply != NULL ? source_take(p, batch) : -1;
}


void
batch_done(batch_t *batch)
{
    if (batch->reply != NULL) {
        freeReplyObject(batch->reply);
    }

    free(batch->entries);
    memset(batch, 0, sizeof(*batch));
}


/* the partition of a key, and what follows the prefix */

static part_t *
source_part(persist_t *p, chat_str_t key, chat_str_t *name)
{
    part_t  *part;

    for (part = p->parts; part < p->parts + p->npartitions; part++) {

        if (key.len > CHAT_NAME_PREFIX_LEN
            && memcmp(key.data, part->prefix, CHAT_NAME_PREFIX_LEN) == 0)
        {
            name->data = key.data + CHAT_NAME_PREFIX_LEN;
            name->len = key.len - CHAT_NAME_PREFIX_LEN;
            return part;
        }
    }

    return NULL;
}


/* XREAD's answer: key and entries of each stream that has any, or nil */

static int
source_take(persist_t *p, batch_t *batch)
{
    int                rc = 0;
    size_t             i;
    part_t            *part;
    chat_str_t         name;
    const redisReply  *stream;

    if (batch->reply->type == REDIS_REPLY_ERROR) {
        return redis_fail(&p->redis, batch->reply->str);
    }

    for (i = 0; i < batch->reply->elements && rc == 0; i++) {
        stream = batch->reply->element[i];
        part = source_part(p, redis_text(stream, 0), &name);

        if (part == NULL || stream->elements != 2) {
            return redis_fail(&p->redis, "unexpected answer to XREAD");
        }

        rc = name.data[0] == 'l'
             ? source_take_log(p, part, stream->element[1], batch)
             : need_take(p, part, stream->element[1]);
    }

    return rc;
}


static entry_t *
batch_add(batch_t *batch)
{
    if (batch->n == batch->size) {
        batch->size = batch->size * 2 + SOURCE_COUNT_MIN;
        batch->entries = mem_realloc(batch->entries, batch->size,
                                     sizeof(entry_t));
    }

    return &batch->entries[batch->n++];
}


static size_t
source_size(const redisReply *fields)
{
    size_t  i, bytes = 0;

    for (i = 0; i < fields->elements; i++) {
        bytes += fields->element[i]->len;
    }

    return bytes;
}


/*
 * Entries of a log: id and fields of each, as long as they fit into the batch;
 * what is left out will be read again.  The first one always fits, so a batch
 * that is empty tells that the log is.
 *
 * An entry that makes no sense becomes a dead letter.  One of a kind that we
 * do not know was written by some newer program: what is before it is stored,
 * then the partition waits for a newer chat-persist.
 *
 * The deletion of a conversation ends the partition's part of a batch: what
 * comes after it may be of another conversation under the same name.
 */

static int
source_take_log(persist_t *p, part_t *part, const redisReply *entries,
    batch_t *batch)
{
    size_t             i;
    entry_t           *e;
    const redisReply  *entry;

    batch->more = batch->more || entries->elements >= batch->share;

    for (i = 0; i < entries->elements; i++) {

        if (batch->n >= p->count || batch->bytes > SOURCE_BYTES) {
            break;
        }

        entry = entries->element[i];
        e = batch_add(batch);

        if (entry->elements != 2) {
            return redis_fail(&p->redis, "unexpected answer to XREAD");
        }

        entry_init(e, part, entry->element[1]);

        if (stream_id_parse(&e->id, redis_text(entry, 0)) == -1) {
            return redis_fail(&p->redis, "unexpected answer to XREAD");
        }

        batch->bytes += source_size(e->fields);

        if (entry_read(e) == ENTRY_UNKNOWN) {
            batch->n--;

            if (i == 0) {
                part_stop(p, part, "an event of an unknown kind is in the log");
            }

            break;
        }

        if (e->kind == ENTRY_CLOSE) {
            break;
        }
    }

    return 0;
}
