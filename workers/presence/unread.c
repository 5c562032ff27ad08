/*
 * What members have not read of conversations that had messages: once a second
 * Redis is asked to tell them, for each of our partitions, see redis/user.lua.
 *
 * Where more of that is to be told than one call should do, the rest follows in
 * a few calls each turn, and nothing new is begun in that partition before all
 * is told: the more there is to do, the rarer it is done.
 */

#include "presence.h"


#define UNREAD_EVERY    1000    /* ms */
#define UNREAD_MEMBERS  500     /* in a call */
#define UNREAD_CALLS    4       /* in a turn, for what is left */


static int
unread_send(presence_t *p, const part_t *part, bool begin)
{
    uint8_t  prefix[CHAT_NAME_PREFIX_LEN];
    size_t   len = chat_name_prefix(prefix, part->p);

    redis_args_fcall(&p->args, "chat_v1_unread", 1);
    redis_args_add(&p->args, (chat_str_t) { prefix, len });
    redis_args_text(&p->args, p->redis.identity);
    redis_args_uint(&p->args, p->npartitions);
    redis_args_uint(&p->args, UNREAD_MEMBERS);
    redis_args_uint(&p->args, begin);

    return redis_send(&p->redis, &p->args);
}


/* ok, whether there is more, how many were told */

static int
unread_read(presence_t *p, part_t *part)
{
    redisReply  *reply;

    if (part_reply_chat(p, &reply) == -1) {
        return -1;
    }

    part->unread = false;

    if (reply != NULL) {
        part->unread = redis_number(reply, 1) != 0;
        metric_add(&p->metrics.unread, redis_number(reply, 2));
        freeReplyObject(reply);
    }

    return 0;
}


/* in all of ours, or those where there is more: from one after that where the
   last turn ended */

static int
unread_round(presence_t *p, bool begin)
{
    size_t     i, n = 0;
    part_t    *part, *asked[CHAT_ID_MAX_PARTITIONS];
    unsigned   k, from = p->unread_from;

    for (k = 0; k < p->npartitions && (begin || n < UNREAD_CALLS); k++) {
        part = &p->parts[(from + k) % p->npartitions];

        if (!part->held || (!begin && !part->unread)) {
            continue;
        }

        if (unread_send(p, part, begin) == -1) {
            return -1;
        }

        asked[n] = part;
        n++;
        p->unread_from = part->p + 1;
    }

    for (i = 0; i < n; i++) {
        if (unread_read(p, asked[i]) == -1) {
            return -1;
        }
    }

    return 0;
}


int
unread_keep(presence_t *p)
{
    uint64_t  now = life_now();

    if (now < p->unread_at) {
        return unread_round(p, false);
    }

    p->unread_at = now + UNREAD_EVERY;

    return unread_round(p, true);
}
