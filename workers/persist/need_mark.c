/*
 * What needs have to wait for: the ends of the logs as they are once the needs
 * have been read.
 */

#include "need.h"

#include <string.h>

#include "number.h"


static int need_mark_part(persist_t *p, part_t *part, uint64_t redis_now,
    const stream_id_t *ends);


/* which partitions new needs are of, and whether one that is of all is among
   them; false: there is none */

static bool
need_find_new(const persist_t *p, bool asked[CHAT_ID_MAX_PARTITIONS],
    bool *all)
{
    bool           any = false;
    const need_t  *need;

    *all = false;

    for (need = p->needs; need != NULL; need = need->next) {

        if (need_is_new(need)) {
            asked[need->part->p] = true;
            *all = *all || need_is_of_all(need);
            any = true;
        }
    }

    return any;
}


/* the last entry of each partition's log; of an empty log all is stored */

static int
need_send_ends(persist_t *p)
{
    char      key[PART_KEY_LEN];
    unsigned  i;

    for (i = 0; i < p->npartitions; i++) {
        redis_args_reset(&p->args, "XREVRANGE");
        redis_args_text(&p->args, part_key(&p->parts[i], "log", key));
        redis_args_text(&p->args, "+");
        redis_args_text(&p->args, "-");
        redis_args_text(&p->args, "COUNT");
        redis_args_text(&p->args, "1");

        if (redis_send(&p->redis, &p->args) == -1) {
            return -1;
        }
    }

    return 0;
}


static int
need_read_ends(persist_t *p, stream_id_t ends[CHAT_ID_MAX_PARTITIONS])
{
    unsigned     i;
    redisReply  *reply;

    memset(ends, 0, CHAT_ID_MAX_PARTITIONS * sizeof(stream_id_t));

    for (i = 0; i < p->npartitions; i++) {
        reply = redis_reply(&p->redis, 0);

        if (reply == NULL) {
            return -1;
        }

        if (reply->type != REDIS_REPLY_ARRAY
            || (reply->elements != 0
                && stream_id_parse(&ends[i], redis_text(reply->element[0], 0))
                   == -1))
        {
            freeReplyObject(reply);
            return redis_fail(&p->redis, "unexpected answer to XREVRANGE");
        }

        freeReplyObject(reply);
    }

    return 0;
}


int
need_mark(persist_t *p)
{
    bool          asked[CHAT_ID_MAX_PARTITIONS] = { false }, all;
    part_t       *part, *end = p->parts + p->npartitions;
    uint64_t      now = 0;
    stream_id_t   ends[CHAT_ID_MAX_PARTITIONS];

    if (!need_find_new(p, asked, &all)) {
        return 0;
    }

    redis_args_reset(&p->args, "TIME");

    if (redis_send(&p->redis, &p->args) == -1
        || (all && need_send_ends(p) == -1))
    {
        return -1;
    }

    for (part = p->parts; part < end; part++) {
        if (asked[part->p] && look_send(p, part) == -1) {
            return -1;
        }
    }

    if (need_read_time(p, &now) == -1
        || (all && need_read_ends(p, ends) == -1))
    {
        return -1;
    }

    for (part = p->parts; part < end; part++) {
        if (asked[part->p] && need_mark_part(p, part, now, ends) == -1) {
            return -1;
        }
    }

    return 0;
}


int
need_read_time(persist_t *p, uint64_t *ms)
{
    int          rc = 0;
    uint64_t     s, us;
    redisReply  *reply;

    reply = redis_reply(&p->redis, 0);

    if (reply == NULL) {
        return -1;
    }

    if (number_parse(redis_text(reply, 0), UINT32_MAX, &s) == -1
        || number_parse(redis_text(reply, 1), UINT32_MAX, &us) == -1)
    {
        rc = redis_fail(&p->redis, "unexpected answer to TIME");
    } else {
        *ms = s * 1000 + us / 1000;
    }

    freeReplyObject(reply);

    return rc;
}


static void
need_mark_all(const persist_t *p, need_t *need, const stream_id_t *ends)
{
    need->ends = mem_alloc(p->npartitions * sizeof(stream_id_t));
    memcpy(need->ends, ends, p->npartitions * sizeof(stream_id_t));
}


/* the new needs of a partition wait for the end of its log as it is now */

static int
need_mark_part(persist_t *p, part_t *part, uint64_t redis_now,
    const stream_id_t *ends)
{
    look_t     look;
    need_t    *need;
    uint64_t   age;

    if (look_read(p, &look) == -1) {
        return -1;
    }

    if (!look_is_open(p, part, &look)) {
        part_look_again(p, part);
    }

    for (need = p->needs; need != NULL; need = need->next) {

        if (need->part != part || !need_is_new(need)) {
            continue;
        }

        age = redis_now > need->id.ms ? redis_now - need->id.ms : 0;

        need->until = look.last;
        need->since = life_now() > age ? life_now() - age : 0;
        need->at = life_now() + 1;      /* not 0: marked */

        if (age < NEED_LIFE) {
            need->at += NEED_LIFE - age;
        }

        if (need_is_of_all(need)) {
            need_mark_all(p, need, ends);
        }
    }

    look_done(&look);

    return 0;
}
