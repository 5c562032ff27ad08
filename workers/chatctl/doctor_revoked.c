/*
 * Revocations: whether Redis has what PostgreSQL has.  A change may be on its
 * way, so what differs is looked at twice.
 */

#include "doctor.h"

#include <inttypes.h>
#include <string.h>

#include "number.h"


#define REVOKED_PAUSE  1500     /* ms; chat-persist looks every half second */


typedef struct {
    uint64_t  number;           /* of the last change in PostgreSQL */
    uint64_t  rows;
    uint64_t  mark;             /* up to which Redis has all */
    bool      confirmed;        /* for the Redis that runs now */
} revoked_t;


static int revoked_read(doctor_t *d, revoked_t *r);
static int revoked_read_redis(doctor_t *d, revoked_t *r);
static bool revoked_agrees(const revoked_t *r);


void
doctor_check_revoked(doctor_t *d)
{
    revoked_t  r;

    if (!d->has_db || !d->has_redis || revoked_read(d, &r) == -1) {
        return;
    }

    if (!revoked_agrees(&r)) {
        doctor_wait(REVOKED_PAUSE);

        if (revoked_read(d, &r) == -1) {
            return;
        }
    }

    if (r.mark != r.number) {
        doctor_say(d, DOCTOR_FAULT, "revoked",
                   "What was revoked is let in.  chat-persist brings it to "
                   "Redis: does one run?  Its log tells.",
                   "Redis has revocations up to change %" PRIu64
                   ", PostgreSQL up to %" PRIu64, r.mark, r.number);

    } else if (!r.confirmed) {
        doctor_say(d, DOCTOR_FAULT, "revoked",
                   "After Redis was restarted a chat-persist has to say that "
                   "it has all of them: does one run?",
                   "nobody has told this Redis that it has all revocations");

    } else {
        doctor_say(d, DOCTOR_OK, "revoked", NULL,
                   "Redis has all %" PRIu64 " revocations", r.rows);
    }
}


static bool
revoked_agrees(const revoked_t *r)
{
    return r->mark == r->number && r->confirmed;
}


/* Redis first: what comes in between is in PostgreSQL */

static int
revoked_read(doctor_t *d, revoked_t *r)
{
    PGresult  *res;

    if (revoked_read_redis(d, r) == -1) {
        return -1;
    }

    res = doctor_query(d, "SELECT c.number, (SELECT count(*)"
                          " FROM chat.revocation WHERE lifted_at IS NULL"
                          " AND until_at > clock_timestamp())"
                          " FROM chat.revocation_count c");

    if (res == NULL) {
        return -1;
    }

    r->number = db_value_uint(res, 0, 0);
    r->rows = db_value_uint(res, 0, 1);
    PQclear(res);

    return 0;
}


static int
revoked_read_redis(doctor_t *d, revoked_t *r)
{
    chat_str_t   identity;
    redisReply  *reply;

    redis_args_reset(&d->args, "HMGET");
    redis_args_text(&d->args, REDIS_REVOKED_STATE);
    redis_args_text(&d->args, "mark");
    redis_args_text(&d->args, "identity");
    reply = doctor_ask(d);

    if (reply == NULL) {
        return -1;
    }

    identity = redis_text(reply, 1);

    if (number_parse(redis_text(reply, 0), INT64_MAX, &r->mark) == -1) {
        r->mark = 0;
    }

    r->confirmed = identity.len == strlen(d->redis.identity)
                   && memcmp(identity.data, d->redis.identity, identity.len)
                      == 0;
    freeReplyObject(reply);

    return 0;
}
