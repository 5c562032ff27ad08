/*
 * The users who are due: Redis looks at them, tells what has changed, and says
 * who has to be loaded first.
 */

#include "presence.h"

#include <stdio.h>

#include "log.h"


#define LOOK_USERS   200        /* in a call */
#define LOOK_TAKEN   500        /*   taken from nodes that ended */
#define LOOK_ROUNDS  20         /* calls for a partition in a turn */


/* where things stand in the answer to take */

enum {
    TAKE_EPOCH = 1,
    TAKE_MORE,
    TAKE_TOLD,
    TAKE_NODES_ENDED = TAKE_TOLD + METRICS_STATES,
    TAKE_USERS_TAKEN,
    TAKE_FORGOTTEN,
    TAKE_LAG,
    TAKE_NODES,
    TAKE_USERS,
    TAKE_SEEN,
    TAKE_UNSTORED,
    TAKE_NOW,
    TAKE_LOADS
};


int
look_send(presence_t *p, const part_t *part)
{
    uint64_t  settle = p->settle * 1000;
    size_t    room = load_room(p);

    part_fcall_open(p, part, "take");
    redis_args_text(&p->args, p->redis.identity);
    redis_args_text(&p->args, p->holder);
    redis_args_uint(&p->args, PRESENCE_LEASE);
    redis_args_uint(&p->args, p->grace * 1000);
    redis_args_uint(&p->args, settle);
    redis_args_uint(&p->args, settle < PRESENCE_STANDSTILL
                              ? settle : PRESENCE_STANDSTILL);
    redis_args_uint(&p->args, p->forget * 1000);
    redis_args_uint(&p->args, LOOK_USERS);
    redis_args_uint(&p->args, room < LOOK_USERS ? room : LOOK_USERS);
    redis_args_uint(&p->args, LOOK_TAKEN);

    return redis_send(&p->redis, &p->args);
}


static void
look_take(presence_t *p, part_t *part, const redisReply *reply)
{
    int         i;
    size_t      k;
    metrics_t  *m = &p->metrics;
    chat_str_t  epoch = redis_text(reply, TAKE_EPOCH);

    (void) snprintf(part->epoch, sizeof(part->epoch), "%.*s", (int) epoch.len,
                    epoch.data);

    part->more = redis_number(reply, TAKE_MORE) != 0;
    part->lag = redis_number(reply, TAKE_LAG);
    part->nodes = redis_number(reply, TAKE_NODES);
    part->users = redis_number(reply, TAKE_USERS);
    part->seen = redis_number(reply, TAKE_SEEN);
    part->unstored = redis_number(reply, TAKE_UNSTORED);
    part->looked = redis_number(reply, TAKE_NOW);

    for (i = 0; i < METRICS_STATES; i++) {
        metric_add(&m->told[i], redis_number(reply, TAKE_TOLD + (size_t) i));
    }

    metric_add(&m->nodes_ended, redis_number(reply, TAKE_NODES_ENDED));
    metric_add(&m->users_taken, redis_number(reply, TAKE_USERS_TAKEN));
    metric_add(&m->forgotten, redis_number(reply, TAKE_FORGOTTEN));

    for (k = TAKE_LOADS; k < reply->elements; k++) {
        load_want(p, part, redis_text(reply, k));
    }
}


int
look_read(presence_t *p, part_t *part)
{
    bool         was = part->held;
    fcall_rc_e   rc;
    redisReply  *reply;

    if (part_reply(p, &reply, &rc) == -1) {
        return -1;
    }

    part->held = rc == FCALL_OK;
    part->more = false;

    if (rc == FCALL_OK) {
        look_take(p, part, reply);
        freeReplyObject(reply);
        return 0;
    }

    if (rc == FCALL_BAD) {
        return redis_fail(&p->redis,
                          "it was opened for another number of partitions");
    }

    if (was) {
        metric_add(&p->metrics.held_lost, 1);
        log_notice("partition was taken by another",
                   log_uint("partition", part->p));
    }

    return 0;
}


/* all of ours in one round trip, or those where there is more */

static int
look_round(presence_t *p, bool more, bool *again)
{
    part_t  *part, *asked[CHAT_ID_MAX_PARTITIONS];
    size_t   i, n = 0;

    for (part = p->parts; part < p->parts + p->npartitions; part++) {

        if (part->held && (part->more || !more)) {
            asked[n] = part;
            n++;

            if (look_send(p, part) == -1) {
                return -1;
            }
        }
    }

    *again = false;

    for (i = 0; i < n; i++) {
        if (look_read(p, asked[i]) == -1) {
            return -1;
        }

        *again = *again || asked[i]->more;
    }

    return 0;
}


int
look_keep(presence_t *p)
{
    bool      again = true;
    uint64_t  began = life_now_us();
    unsigned  round;

    for (round = 0; again && round < LOOK_ROUNDS; round++) {
        if (look_round(p, round != 0, &again) == -1) {
            return -1;
        }
    }

    metric_seconds(&p->metrics.tick, life_now_us() - began);

    return 0;
}
