/*
 * Opening a partition: after it became ours, and after every new link to
 * Redis, which may be another Redis or one that has forgotten something.
 *
 *      1. look: was something lost?
 *      2. if not, store what is left in the log, and the marks;
 *         if so, drop what Redis holds and set the log's id beyond our position
 *      3. write the new identity and generation (and that id) to the row
 *      4. open it for them
 *
 * A crash in between begins again at 1.  All of it happens on one link: when
 * that breaks, every call after it fails, and the next turn looks again.
 */

#include "persist.h"

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "need.h"
#include "number.h"
#include "store.h"


#define DROP_KEYS  4096         /* looked at in one call */


typedef enum {
    OPEN_READY,                 /* nothing has changed */
    OPEN_FRESH,                 /* the very first time */
    OPEN_KEPT,                  /* another Redis, with all that we know of */
    OPEN_LOST,
    OPEN_WRONG,                 /* PostgreSQL is older than Redis */
    OPEN_CUT,                   /* the log is not what it was */
    OPEN_REFUSED                /* somebody else holds it */
} open_case_e;


static int open_part(persist_t *p, part_t *part);
static open_case_e open_judge(const persist_t *p, const part_t *part,
    const look_t *look);

/* these return 1 to go on, 0 to leave it for now, -1 if a link is closed */
static int open_prepare(persist_t *p, part_t *part, open_case_e how);
static int open_store_rest(persist_t *p, part_t *part);
static int open_drop(persist_t *p, part_t *part);
static int open_rewind(persist_t *p, part_t *part);
static int open_commit(persist_t *p, part_t *part, stream_id_t to);
static int open_reopen(persist_t *p, part_t *part);
static stream_id_t open_end(const part_t *part, open_case_e how,
    stream_id_t last);
static int open_done(persist_t *p, part_t *part, open_case_e how);


int
open_held(persist_t *p)
{
    part_t  *part, *end = p->parts + p->npartitions;

    if (p->redis_link != p->redis.links) {

        for (part = p->parts; part < end; part++) {
            marks_forget(part);     /* of another Redis, perhaps */

            if (part->state != PART_FREE) {
                part->state = PART_HELD;
            }
        }

        source_reset(p);
        idle_reset(p);
        p->redis_link = p->redis.links;
    }

    /* where it takes long, the rest can wait until the leases are renewed */

    for (part = p->parts; part < end; part++) {
        if (part->state == PART_HELD && !lease_is_due(p)
            && open_part(p, part) == -1)
        {
            return -1;
        }
    }

    return 0;
}


static int
open_part(persist_t *p, part_t *part)
{
    int          rc;
    look_t       look;
    open_case_e  how;
    stream_id_t  last;

    if (look_send(p, part) == -1 || look_read(p, &look) == -1) {
        return -1;
    }

    how = open_judge(p, part, &look);
    last = look.last;
    look_done(&look);

    rc = open_prepare(p, part, how);

    if (rc == 1 && how != OPEN_READY) {
        rc = open_commit(p, part, open_end(part, how, last));

        if (rc == 1) {
            rc = open_reopen(p, part);
        }
    }

    if (rc == 1) {
        rc = open_done(p, part, how);
    }

    return rc == -1 ? -1 : 0;
}


static open_case_e
open_judge(const persist_t *p, const part_t *part, const look_t *look)
{
    if (look->rc == FCALL_REFUSED) {
        return OPEN_REFUSED;
    }

    if (look->generation > part->generation
        || stream_id_compare(look->stored, part->stored) > 0)
    {
        return OPEN_WRONG;
    }

    if (look_is_open(p, part, look)) {
        return OPEN_READY;
    }

    if (part->generation == 0 && look->last.ms == 0 && part->stored.ms == 0) {
        return OPEN_FRESH;
    }

    if (look->generation == part->generation
        && stream_id_compare(part->stored, look->last) <= 0)
    {
        return OPEN_KEPT;
    }

    /* drop and rewind would be refused */

    if (look->identity.len == strlen(p->redis.identity)
        && memcmp(look->identity.data, p->redis.identity, look->identity.len)
           == 0)
    {
        return OPEN_CUT;
    }

    return OPEN_LOST;
}


static int
open_prepare(persist_t *p, part_t *part, open_case_e how)
{
    int  rc;

    switch (how) {

    case OPEN_READY:
    case OPEN_FRESH:
        return 1;

    case OPEN_KEPT:
        rc = open_store_rest(p, part);
        return rc == 1 ? marks_store_rest(p, part) : rc;

    case OPEN_LOST:
        rc = open_drop(p, part);
        return rc == 1 ? open_rewind(p, part) : rc;

    case OPEN_WRONG:
        part_stop(p, part, "Redis is ahead of PostgreSQL, which went back");
        return 0;

    case OPEN_CUT:
        part_stop(p, part, "the log of an open partition was cut; "
                           "a restart of Redis will repair it");
        return 0;

    case OPEN_REFUSED:
        if (part->refused) {
            part_stop(p, part, "Redis has seen a later holder than "
                               "PostgreSQL, which went back");
        }

        part->refused = true;
        p->lease_at = 0;        /* another has it: ask at once */
        return 0;
    }

    return 0;
}


/* the log holds what was accepted before Redis went away */

static int
open_store_rest(persist_t *p, part_t *part)
{
    int          rc;
    bool         end;
    batch_t      batch = { 0 };
    stream_id_t  before;

    for ( ;; ) {

        if (lease_keep(p) == -1) {
            return -1;
        }

        if (part->state != PART_HELD) {
            return 0;
        }

        before = part->stored;
        rc = source_read_log(p, part, &batch);
        end = batch.n == 0;

        if (rc == 0) {
            rc = store_batch(p, &batch, NULL);
        }

        batch_done(&batch);

        if (rc == -1) {
            return -1;
        }

        if (part->state != PART_HELD) {
            return 0;
        }

        if (end) {
            return 1;
        }

        if (stream_id_compare(before, part->stored) == 0) {
            return 0;
        }
    }
}


/* what a call of ours says; asked for once */

static int
open_call(persist_t *p, part_t *part)
{
    int          rc = 1;
    redisReply  *reply;

    reply = redis_call(&p->redis, &p->args);

    if (reply == NULL) {
        return -1;
    }

    switch (redis_answer(reply)) {

    case FCALL_OK:
        break;

    case FCALL_REFUSED:
        part_look_again(p, part);
        rc = 0;
        break;

    default:
        rc = redis_fail(&p->redis, reply->type == REDIS_REPLY_ERROR
                                   ? reply->str : "unexpected answer");
        break;
    }

    freeReplyObject(reply);

    return rc;
}


/* one step of a SCAN: deletes what it found; 1: there is more, 2: the end */

static int
open_drop_some(persist_t *p, part_t *part, const redisReply *reply,
    uint64_t *cursor)
{
    int                rc = 1;
    size_t             i;
    const redisReply  *keys;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2
        || number_parse(redis_text(reply, 0), UINT64_MAX, cursor) == -1)
    {
        return redis_fail(&p->redis, "unexpected answer to SCAN");
    }

    keys = reply->element[1];

    if (keys->elements != 0) {
        redis_args_fcall(&p->args, "chat_v1_drop", keys->elements + 1);
        redis_args_text(&p->args, part->prefix);

        for (i = 0; i < keys->elements; i++) {
            redis_args_add(&p->args, redis_text(keys, i));
        }

        redis_args_uint(&p->args, part->fence);
        redis_args_text(&p->args, p->redis.identity);
        rc = open_call(p, part);
    }

    return rc == 1 && *cursor == 0 ? 2 : rc;
}


/* all keys of conversations */

static int
open_drop(persist_t *p, part_t *part)
{
    int          rc;
    char         pattern[PART_KEY_LEN];
    uint64_t     cursor = 0;
    redisReply  *reply;

    do {

        if (lease_keep(p) == -1) {
            return -1;
        }

        if (part->state != PART_HELD) {
            return 0;
        }

        redis_args_reset(&p->args, "SCAN");
        redis_args_uint(&p->args, cursor);
        redis_args_text(&p->args, "MATCH");
        redis_args_text(&p->args, part_key(part, "c:*", pattern));
        redis_args_text(&p->args, "COUNT");
        redis_args_uint(&p->args, DROP_KEYS);

        reply = redis_call(&p->redis, &p->args);

        if (reply == NULL) {
            return -1;
        }

        rc = open_drop_some(p, part, reply, &cursor);
        freeReplyObject(reply);

    } while (rc == 1);

    return rc == 2 ? 1 : rc;
}


/* after a loss the log begins here, beyond all that is stored */

static stream_id_t
open_beyond(const part_t *part)
{
    return (stream_id_t) { part->stored.ms, part->stored.seq + 1 };
}


static int
open_rewind(persist_t *p, part_t *part)
{
    char  id[STREAM_ID_TEXT];

    part_fcall(p, part, "chat_v1_rewind");
    redis_args_text(&p->args, p->redis.identity);
    redis_args_text(&p->args, stream_id_print(open_beyond(part), id));

    return open_call(p, part);
}


/*
 * The position to go on from.  A log that was stored to its end may have its
 * last id beyond that: a holder that was killed had rewound it and could not
 * commit.  Needs wait for the last id, so it must become ours.
 */

static stream_id_t
open_end(const part_t *part, open_case_e how, stream_id_t last)
{
    if (how == OPEN_LOST) {
        return open_beyond(part);
    }

    return how == OPEN_KEPT && stream_id_compare(last, part->stored) > 0
           ? last : part->stored;
}


/* nothing is between the old position and the new one, if they differ */

static int
open_commit(persist_t *p, part_t *part, stream_id_t to)
{
    bool          done;
    char          id[STREAM_ID_TEXT], new_id[STREAM_ID_TEXT];
    PGresult     *res;
    db_params_t   ps = { 0 };

    db_param_uint(&ps, part->p);
    db_param_uint(&ps, part->fence);
    db_param_uint(&ps, part->generation);
    db_param_text(&ps, stream_id_print(part->stored, id));
    db_param_text(&ps, p->redis.identity);
    db_param_text(&ps, stream_id_print(to, new_id));

    res = db_query(&p->db,
                   "UPDATE chat.partition SET identity = $5,"
                   " generation = generation + 1, stored_id = $6"
                   " WHERE p = $1 AND fence = $2 AND generation = $3"
                   " AND stored_id = $4", &ps);

    if (res == NULL) {
        return db_drop(&p->db);
    }

    done = strcmp(PQcmdTuples(res), "1") == 0;
    PQclear(res);

    if (!done) {
        part_look_again(p, part);
        return 0;
    }

    part->generation++;
    part->stored = to;
    (void) snprintf(part->identity, sizeof(part->identity), "%s",
                    p->redis.identity);

    return 1;
}


static int
open_reopen(persist_t *p, part_t *part)
{
    char  id[STREAM_ID_TEXT];

    part_fcall(p, part, "chat_v1_reopen");
    redis_args_text(&p->args, part->identity);
    redis_args_uint(&p->args, part->generation);
    redis_args_text(&p->args, stream_id_print(part->stored, id));
    redis_args_uint(&p->args, p->npartitions);
    redis_args_uint(&p->args, p->backlog);

    return open_call(p, part);
}


static int
open_done(persist_t *p, part_t *part, open_case_e how)
{
    uint64_t  now;

    /* needs that came while nobody was there, and those that were read on
       another link; older ones nobody waits for */

    redis_args_reset(&p->args, "TIME");

    if (redis_send(&p->redis, &p->args) == -1
        || need_read_time(p, &now) == -1)
    {
        return -1;
    }

    /* what was stored before it opened may still be in the log */
    part->told = (stream_id_t) { 0, 0 };

    need_forget(p, part);
    part->need.ms = now > NEED_LIFE ? now - NEED_LIFE : 0;
    part->need.seq = 0;
    part->refused = false;
    part->state = PART_OPEN;
    part_unmark(p, part);

    metric_add(&p->metrics.opened[how == OPEN_READY ? METRICS_OPEN_UNCHANGED
                                  : how == OPEN_FRESH ? METRICS_OPEN_NEW
                                  : how == OPEN_KEPT ? METRICS_OPEN_COMPLETE
                                  : METRICS_OPEN_LOST], 1);

    log_at(how == OPEN_LOST ? LOG_LEVEL_WARN : LOG_LEVEL_NOTICE,
           "partition is open", log_uint("partition", part->p),
           log_uint("generation", part->generation),
           log_str("redis", how == OPEN_READY ? "unchanged"
                            : how == OPEN_FRESH ? "new"
                            : how == OPEN_KEPT ? "came back complete"
                            : "lost state"));

    return 1;
}
