#include "source.h"

#include <stdlib.h>
#include <string.h>

#include "need.h"


#define SOURCE_COUNT_MIN  16        /* on a new link */
#define SOURCE_COUNT_MAX  2048
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


/* asks for what is behind the positions in batch->from */

static int
source_send(persist_t *p, batch_t *batch, uint64_t block)
{
    char      key[PART_KEY_LEN], id[STREAM_ID_TEXT];
    part_t   *open[CHAT_ID_MAX_PARTITIONS];
    unsigned  i, n;

    n = source_open(p, open);
    source_args(p, batch, n, block);

    for (i = 0; i < n; i++) {
        redis_args_text(&p->args, part_key(open[i], "log", key));
        redis_args_text(&p->args, part_key(open[i], "need", key));
    }

    for (i = 0; i < n; i++) {
        redis_args_text(&p->args,
                        stream_id_print(batch->from[open[i]->p], id));
        redis_args_text(&p->args, stream_id_print(open[i]->need, id));
    }

    return redis_send(&p->redis, &p->args);
}


/* the batch that was read ahead, if its entries are what is behind what is
   stored now */

static bool
source_take_ahead(persist_t *p, batch_t *batch)
{
    size_t         i;
    batch_t       *ahead = p->ahead;
    const part_t  *part = NULL;

    if (ahead == NULL || ahead->n == 0 || ahead->link != p->redis.links) {
        return false;
    }

    for (i = 0; i < ahead->n; i++) {

        if (ahead->entries[i].part == part) {
            continue;
        }

        part = ahead->entries[i].part;

        if (part->state != PART_OPEN
            || stream_id_compare(part->stored, ahead->from[part->p]) != 0)
        {
            return false;
        }
    }

    *batch = *ahead;
    memset(ahead, 0, sizeof(*ahead));

    return true;
}


static void
source_start(persist_t *p, batch_t *batch)
{
    unsigned  i;

    batch->link = p->redis.links;

    for (i = 0; i < p->npartitions; i++) {
        batch->from[i] = p->parts[i].stored;
    }
}


int
source_read(persist_t *p, batch_t *batch, uint64_t until)
{
    bool      taken;
    uint64_t  now = life_now(), block;

    taken = source_take_ahead(p, batch);
    source_forget_ahead(p);

    if (taken) {
        return 0;
    }

    block = until > now ? until - now : 0;
    source_start(p, batch);

    if (source_send(p, batch, block) == -1) {
        return -1;
    }

    batch->reply = redis_reply(&p->redis, (uint32_t) block);

    return batch->reply != NULL ? source_take(p, batch) : -1;
}


int
source_read_ahead(persist_t *p, const batch_t *batch)
{
    size_t    i;
    batch_t  *ahead;

    source_forget_ahead(p);
    ahead = mem_alloc(sizeof(batch_t));
    p->ahead = ahead;

    source_start(p, ahead);
    ahead->ahead = true;

    for (i = 0; i < batch->n; i++) {
        ahead->from[batch->entries[i].part->p] = batch->entries[i].id;
    }

    if (source_send(p, ahead, 0) == -1) {
        return -1;
    }

    ahead->reply = redis_reply(&p->redis, 0);

    return ahead->reply != NULL ? source_take(p, ahead) : -1;
}


void
source_forget_ahead(persist_t *p)
{
    if (p->ahead != NULL) {
        batch_done(p->ahead);
        free(p->ahead);
        p->ahead = NULL;
    }
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
 * then the partition waits for a newer chat-persist.  Read ahead it is left to
 * the next read, since a partition cannot be stopped while something is stored.
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

            if (i == 0 && !batch->ahead) {
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
