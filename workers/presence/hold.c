/*
 * Which partitions are ours, where several programs share them.
 *
 * Each of them has a lease in chat:presence:holders; the place of its name
 * among the others says how many partitions it should hold.  Nobody takes
 * more, and who has more gives some away.  A partition has a lease of its own,
 * which every look at its users renews.  All of that is for evenness only: two
 * that hold the same partition do no harm.
 */

#include "presence.h"

#include "log.h"


#define HOLD_KEY    "chat:presence:holders"
#define HOLD_ALIVE  1000        /* ms between notes that we are there */


static int hold_alive(presence_t *p);
static int hold_give(presence_t *p, part_t *part);
static int hold_claim(presence_t *p, unsigned held);


static unsigned
hold_count(const presence_t *p)
{
    unsigned       n = 0;
    const part_t  *part;

    for (part = p->parts; part < p->parts + p->npartitions; part++) {
        n += part->held;
    }

    return n;
}


/* on a new link nothing is ours: what was may have been lost with Redis, and
   is claimed again */

int
hold_keep(presence_t *p)
{
    part_t    *part;
    unsigned   held;

    if (p->hold_link != p->redis.links) {
        p->hold_link = p->redis.links;
        p->alive_at = 0;
    }

    if (life_now() >= p->alive_at && hold_alive(p) == -1) {
        return -1;
    }

    held = hold_count(p);

    for (part = p->parts + p->npartitions; part > p->parts; ) {
        part--;

        if (held > p->share && part->held) {
            held--;

            if (hold_give(p, part) == -1) {
                return -1;
            }
        }
    }

    return hold_claim(p, held);
}


static int
hold_ask(presence_t *p, uint64_t ms, redisReply **reply)
{
    fcall_rc_e  rc;

    redis_args_fcall(&p->args, "chat_presence_v1_holders", 1);
    redis_args_text(&p->args, HOLD_KEY);
    redis_args_text(&p->args, p->holder);
    redis_args_uint(&p->args, ms);

    if (redis_send(&p->redis, &p->args) == -1
        || part_reply(p, reply, &rc) == -1)
    {
        return -1;
    }

    return *reply != NULL ? 0 : redis_fail(&p->redis,
                                        "unexpected answer about holders");
}


/* n partitions, as evenly as can be: the first places have one more */

static int
hold_alive(presence_t *p)
{
    redisReply  *reply;

    if (redis_check_identity(&p->redis) == -1
        || hold_ask(p, PRESENCE_LEASE, &reply) == -1)
    {
        return -1;
    }

    p->place = (unsigned) redis_number(reply, 1);
    p->nholders = (unsigned) redis_number(reply, 2);
    freeReplyObject(reply);

    if (p->nholders == 0 || p->place >= p->nholders) {
        return redis_fail(&p->redis, "unexpected answer about holders");
    }

    p->share = (p->npartitions - p->place + p->nholders - 1) / p->nholders;
    p->alive_at = life_now() + HOLD_ALIVE;

    return 0;
}


static int
hold_give(presence_t *p, part_t *part)
{
    fcall_rc_e   rc;
    redisReply  *reply;

    part->held = false;
    part_fcall(p, part, "give");
    redis_args_text(&p->args, p->holder);

    if (redis_send(&p->redis, &p->args) == -1
        || part_reply(p, &reply, &rc) == -1)
    {
        return -1;
    }

    if (reply != NULL) {
        freeReplyObject(reply);
    }

    log_notice("partition is given away", log_uint("partition", part->p));

    return 0;
}


/* one after the other, lest more are taken than should be; each begins where
   others are not likely to */

static int
hold_claim(presence_t *p, unsigned held)
{
    part_t    *part;
    unsigned   i, first;

    first = p->nholders != 0 ? p->place * p->npartitions / p->nholders : 0;

    for (i = 0; i < p->npartitions && held < p->share; i++) {
        part = &p->parts[(first + i) % p->npartitions];

        if (part->held) {
            continue;
        }

        if (look_send(p, part) == -1 || look_read(p, part) == -1) {
            return -1;
        }

        if (part->held) {
            held++;
            log_notice("partition is ours", log_uint("partition", part->p));
        }
    }

    return 0;
}


void
hold_leave(presence_t *p)
{
    part_t      *part;
    redisReply  *reply;

    for (part = p->parts; part < p->parts + p->npartitions; part++) {

        if (!redis_is_open(&p->redis)) {
            return;             /* they become free when the leases end */
        }

        if (part->held && hold_give(p, part) == -1) {
            return;
        }
    }

    if (redis_is_open(&p->redis) && hold_ask(p, 0, &reply) == 0) {
        freeReplyObject(reply);
    }
}
