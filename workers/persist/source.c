#include "source.h"

#include <stdlib.h>
#include <string.h>

#include "need.h"
#include "share.h"


#define SOURCE_COUNT_MIN  16        /* on a new link */
#define SOURCE_COUNT_MAX  2048
#define SOURCE_BYTES      (4 * 1024 * 1024)     /* of a batch */
#define SOURCE_SLOW       1000      /* ms that storing a batch should take */


static int source_take(persist_t *p, batch_t *batch, uint32_t wait);
static void source_stop_stuck(persist_t *p, const batch_t *batch);
static int source_take_stream(persist_t *p, const redisReply *stream,
    batch_t *batch);
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
        p->count = p->count * (ms < SOURCE_SLOW / 16 ? 4 : 2);

        if (p->count > SOURCE_COUNT_MAX) {
            p->count = SOURCE_COUNT_MAX;
        }
    }
}


/*
 * The start of XREAD for so many logs.  Those that had something the last time
 * share the count, lest batches stay small where all there is is in a few of
 * them.  If suddenly all have, four times what fits is read, and most of it
 * once more; not more than that.
 */

static void
source_args(persist_t *p, batch_t *batch, unsigned logs, uint64_t block)
{
    unsigned  share = p->logs > logs / 4 ? p->logs : logs / 4;

    share = share > logs || p->logs == 0 ? logs : share;
    share = share != 0 ? share : 1;
    batch->share = (p->count + share - 1) / share;

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


/* where reading goes on: after what is stored, and after what is about to be */

static void
source_begin(const persist_t *p, const batch_t *before, batch_t *batch)
{
    size_t         i;
    source_t      *source;
    const part_t  *part;

    batch->link = p->redis.links;

    for (i = 0; i < p->npartitions; i++) {
        part = &p->parts[i];
        source = &batch->sources[i];

        source->after = part->stored;
        source->fence = part->fence;
        source->generation = part->generation;
    }

    for (i = 0; before != NULL && i < before->n; i++) {
        part = before->entries[i].part;
        batch->sources[part - p->parts].after = before->entries[i].id;
    }
}


/* asks for the logs and needs of all open partitions, and for what others gave
   away */

static int
source_ask(persist_t *p, batch_t *batch, uint64_t block)
{
    char             key[PART_KEY_LEN], id[STREAM_ID_TEXT];
    part_t          *open[CHAT_ID_MAX_PARTITIONS];
    unsigned         i, n;
    const source_t  *source;

    n = source_open(p, open);
    source_args(p, batch, n, block);

    for (i = 0; i < n; i++) {
        redis_args_text(&p->args, part_key(open[i], "log", key));
        redis_args_text(&p->args, part_key(open[i], "need", key));
    }

    redis_args_text(&p->args, SHARE_STREAM);

    for (i = 0; i < n; i++) {
        source = &batch->sources[open[i] - p->parts];
        redis_args_text(&p->args, stream_id_print(source->after, id));
        redis_args_text(&p->args, stream_id_print(open[i]->need, id));
    }

    redis_args_text(&p->args, stream_id_print(p->handover, id));

    return redis_send(&p->redis, &p->args);
}


int
source_read(persist_t *p, batch_t *batch, uint64_t until)
{
    uint64_t  now = life_now(), block;

    block = until > now ? until - now : 0;
    source_begin(p, NULL, batch);

    if (source_ask(p, batch, block) == -1
        || source_take(p, batch, (uint32_t) block) == -1)
    {
        return -1;
    }

    source_stop_stuck(p, batch);

    return 0;
}


int
source_read_ahead(persist_t *p, const batch_t *batch, batch_t *next)
{
    source_begin(p, batch, next);

    return source_ask(p, next, 0) == -1 ? -1 : source_take(p, next, 0);
}


/*
 * The entries follow what is stored now; the link is the one that they came
 * on, so nobody has replaced Redis; the partition was not taken away, nor its
 * log dropped, which takes a new generation.  All the same it is the row that
 * decides: the transaction moves the position from where it is believed to be,
 * under this fence and generation, or not at all.
 */

bool
source_is_next(const persist_t *p, const batch_t *next)
{
    size_t           i;
    const part_t    *part;
    const source_t  *source;

    if (next->n == 0 || next->stuck != NULL || next->link != p->redis.links) {
        return false;
    }

    for (i = 0; i < next->n; i++) {
        part = next->entries[i].part;
        source = &next->sources[part - p->parts];

        if (i != 0 && part == next->entries[i - 1].part) {
            continue;
        }

        if (part->state != PART_OPEN || part->fence != source->fence
            || part->generation != source->generation
            || stream_id_compare(part->stored, source->after) != 0)
        {
            return false;
        }
    }

    return true;
}


int
source_read_log(persist_t *p, part_t *part, batch_t *batch)
{
    char  key[PART_KEY_LEN], id[STREAM_ID_TEXT];

    source_begin(p, NULL, batch);
    source_args(p, batch, 1, 0);
    redis_args_text(&p->args, part_key(part, "log", key));
    redis_args_text(&p->args, stream_id_print(part->stored, id));

    if (redis_send(&p->redis, &p->args) == -1
        || source_take(p, batch, 0) == -1)
    {
        return -1;
    }

    source_stop_stuck(p, batch);

    return 0;
}


void
batch_reset(batch_t *batch)
{
    batch_t  kept = *batch;

    mem_arena_reset(&kept.arena);
    memset(batch, 0, sizeof(*batch));
    batch->arena = kept.arena;
    batch->entries = kept.entries;
    batch->size = kept.size;
}


void
batch_done(batch_t *batch)
{
    mem_arena_done(&batch->arena);
    free(batch->entries);
    memset(batch, 0, sizeof(*batch));
}


static int
source_take_stream(persist_t *p, const redisReply *stream, batch_t *batch)
{
    part_t      *part;
    chat_str_t   key, name;

    key = redis_text(stream, 0);
    part = part_find(p, key, &name);

    if (stream->elements != 2) {
        return redis_fail(&p->redis, "unexpected answer to XREAD");
    }

    if (part != NULL) {
        return name.data[0] == 'l'
               ? source_take_log(p, part, stream->element[1], batch)
               : need_take(p, part, stream->element[1]);
    }

    return share_take(p, stream->element[1]);
}


/* XREAD's answer: key and entries of each stream that has any, or nil */

static int
source_take(persist_t *p, batch_t *batch, uint32_t wait)
{
    int                rc = 0;
    size_t             i;
    const redisReply  *reply;

    reply = redis_reply_into(&p->redis, wait, &batch->arena);

    if (reply == NULL) {
        return -1;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        return redis_fail(&p->redis, reply->str);
    }

    for (i = 0; i < reply->elements && rc == 0; i++) {
        rc = source_take_stream(p, reply->element[i], batch);
    }

    p->logs = batch->logs;

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

    batch->logs++;
    batch->more = batch->more || entries->elements >= batch->share;

    for (i = 0; i < entries->elements; i++) {

        if (batch->n >= p->count || batch->bytes > SOURCE_BYTES) {
            batch->more = true;
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
                batch->stuck = part;
            }

            break;
        }

        if (e->kind == ENTRY_CLOSE) {
            break;
        }
    }

    return 0;
}


/* not where it is found: while PostgreSQL works, it can be told nothing */

static void
source_stop_stuck(persist_t *p, const batch_t *batch)
{
    if (batch->stuck != NULL) {
        part_stop(p, batch->stuck, "an event of an unknown kind is in the log");
    }
}
