/*
 * Conversations that nobody uses leave Redis; whoever asks for one again has it
 * loaded.
 *
 * We walk through all keys of Redis with SCAN, a few at a time, and the
 * function "idle" drops those of our partitions that may go: it is all one
 * call, looks for itself whether everything is stored, and is refused under an
 * old fence.
 * A walk takes about half the time after which a conversation is idle, so none
 * stays for more than half as long again.
 *
 * The time is that of --idle-timeout until three quarters of Redis' memory are
 * used, and falls from there on to two minutes where nearly all of it is.  A
 * node looks at all its rooms every half a minute, so they stay all the same.
 * While Redis rewrites its file it does not note what is used; if that takes
 * long, some that are in use go, and are loaded again.
 *
 * The list of somebody's conversations is read from PostgreSQL first, then the
 * marks from Redis, perhaps of partitions that another holds.  These must not
 * be stored and gone in between.  Mostly they are stored long before they are
 * idle; where they had to wait, because a link was broken, nothing is dropped
 * at first.
 */

#include "persist.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "number.h"


#define IDLE_KEYS     256       /* looked at in one step */
#define IDLE_STEP     5         /* ms between two of them, at least */
#define IDLE_STEP_MAX 1000
#define IDLE_SPEND    20        /* ms before other things get their turn */
#define IDLE_LATE     5000      /* ms that are made up for, at most */
#define IDLE_PAUSE    5000      /* ms; longer than a lease */
#define IDLE_LOW      120       /* s, when memory is short */
#define IDLE_SUFFIX   ":meta"


static int idle_next(persist_t *p);
static int idle_pace(persist_t *p);
static int idle_step(persist_t *p);
static int idle_send(persist_t *p, const redisReply *keys,
    bool asked[CHAT_ID_MAX_PARTITIONS]);
static int idle_read(persist_t *p, part_t *part);


void
idle_reset(persist_t *p)
{
    p->idle_cursor = 0;
    p->idle_dropped = 0;
    p->idle_at = life_now() + IDLE_PAUSE;
}


/* seconds */

static uint64_t
idle_time(const persist_t *p)
{
    uint64_t  used, low = p->idle_timeout < IDLE_LOW ? p->idle_timeout
                                                     : IDLE_LOW;

    if (p->redis.max == 0) {
        return p->idle_timeout;
    }

    used = p->redis.used / (p->redis.max / 100 + 1);    /* percent */

    if (used <= 75) {
        return p->idle_timeout;
    }

    return used >= 95 ? low
                      : low + (p->idle_timeout - low) * (95 - used) / 20;
}


/* while much else is to do, steps that are late are made up for, as far as that
   does not hold up the rest */

int
idle_keep(persist_t *p)
{
    uint64_t  now = life_now(), end = now + IDLE_SPEND;

    if (p->idle_at + IDLE_LATE < now) {
        p->idle_at = now - IDLE_LATE;
    }

    while (p->idle_at <= now && now < end) {

        if (idle_next(p) == -1) {
            return -1;
        }

        now = life_now();
    }

    return 0;
}


static int
idle_next(persist_t *p)
{
    if (idle_pace(p) == -1) {
        return -1;
    }

    if (idle_step(p) == -1) {
        return -1;
    }

    if (p->idle_cursor == 0 && p->idle_dropped != 0) {
        log_info("idle conversations have left Redis",
                 log_uint("number", p->idle_dropped));
        p->idle_dropped = 0;
    }

    return 0;
}


/* when the next step is due; there may be more keys now than when the walk
   began */

static int
idle_pace(persist_t *p)
{
    uint64_t     steps, every;
    redisReply  *reply;

    redis_args_reset(&p->args, "DBSIZE");
    reply = redis_call(&p->redis, &p->args);

    if (reply == NULL) {
        return -1;
    }

    steps = (uint64_t) reply->integer / IDLE_KEYS + 1;
    freeReplyObject(reply);

    every = idle_time(p) * 1000 / 2 / steps;

    if (every < IDLE_STEP) {
        every = IDLE_STEP;
    }

    p->idle_at += every < IDLE_STEP_MAX ? every : IDLE_STEP_MAX;

    return 0;
}


static int
idle_step(persist_t *p)
{
    int          rc;
    bool         asked[CHAT_ID_MAX_PARTITIONS] = { false };
    part_t      *part;
    redisReply  *reply;

    redis_args_reset(&p->args, "SCAN");
    redis_args_uint(&p->args, p->idle_cursor);
    redis_args_text(&p->args, "MATCH");
    redis_args_text(&p->args, "chat:{p*}:c:*" IDLE_SUFFIX);
    redis_args_text(&p->args, "COUNT");
    redis_args_uint(&p->args, IDLE_KEYS);

    reply = redis_call(&p->redis, &p->args);

    if (reply == NULL) {
        return -1;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2
        || number_parse(redis_text(reply, 0), UINT64_MAX, &p->idle_cursor)
           == -1)
    {
        freeReplyObject(reply);
        return redis_fail(&p->redis, "unexpected answer to SCAN");
    }

    rc = idle_send(p, reply->element[1], asked);
    freeReplyObject(reply);

    for (part = p->parts; part < p->parts + p->npartitions && rc == 0;
         part++)
    {
        rc = asked[part->p] ? idle_read(p, part) : 0;
    }

    return rc;
}


/* the conversations of one partition among the keys */

static size_t
idle_pick(persist_t *p, const part_t *part, const redisReply *keys,
    chat_str_t bases[])
{
    size_t      i, n = 0;
    chat_str_t  key, name;

    for (i = 0; i < keys->elements; i++) {
        key = redis_text(keys, i);

        if (part_find(p, key, &name) == part
            && key.len > sizeof(IDLE_SUFFIX) - 1)
        {
            bases[n].data = key.data;
            bases[n].len = key.len - (sizeof(IDLE_SUFFIX) - 1);
            n++;
        }
    }

    return n;
}


/* one call for each of our partitions */

static int
idle_send(persist_t *p, const redisReply *keys,
    bool asked[CHAT_ID_MAX_PARTITIONS])
{
    int          rc = 0;
    size_t       i, n;
    part_t      *part;
    chat_str_t  *bases;

    bases = mem_alloc((keys->elements + 1) * sizeof(*bases));

    for (part = p->parts; part < p->parts + p->npartitions && rc == 0;
         part++)
    {
        if (part->state != PART_OPEN) {
            continue;
        }

        n = idle_pick(p, part, keys, bases);

        if (n == 0) {
            continue;
        }

        redis_args_fcall(&p->args, "chat_v1_idle", n + 1);
        redis_args_text(&p->args, part->prefix);

        for (i = 0; i < n; i++) {
            redis_args_add(&p->args, bases[i]);
        }

        redis_args_uint(&p->args, part->fence);
        redis_args_text(&p->args, part->identity);
        redis_args_uint(&p->args, part->generation);
        redis_args_uint(&p->args, idle_time(p));

        asked[part->p] = true;
        rc = redis_send(&p->redis, &p->args);
    }

    free(bases);

    return rc;
}


/* all partitions of a step say the same */

static void
idle_fail(persist_t *p, const redisReply *reply)
{
    uint64_t  now = life_now();

    if (p->idle_at > now + IDLE_STEP_MAX) {
        return;
    }

    log_warn("Redis does not tell what is idle",
             log_str("error", reply->type == REDIS_REPLY_ERROR ? reply->str
                                                               : ""));
    p->idle_at = now + p->idle_timeout * 1000;
}


static int
idle_read(persist_t *p, part_t *part)
{
    redisReply  *reply;

    reply = redis_reply(&p->redis, 0);

    if (reply == NULL) {
        return -1;
    }

    switch (redis_answer(reply)) {

    case FCALL_OK:
        p->idle_dropped += redis_number(reply, 1);
        metric_add(&p->metrics.idle_dropped, redis_number(reply, 1));
        break;

    case FCALL_FAILED:      /* Redis counts uses instead of time, mostly */
        idle_fail(p, reply);
        break;

    default:
        part_look_again(p, part);
        break;
    }

    freeReplyObject(reply);

    return 0;
}
