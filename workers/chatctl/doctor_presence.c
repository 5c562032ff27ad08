/*
 * chatctl doctor: whether chat-presence is there.
 */

#include "doctor.h"

#include <inttypes.h>

#include "holders.h"


#define AGAIN  1500             /* ms; a takeover needs 4 s */


static bool presence_is_held(doctor_t *d, holders_t *h);


static const char  start_it[] =
    "Nobody is told any more who comes and goes; all else goes on.  Start it; "
    "if it runs, its log tells what\nit cannot reach.";


void
doctor_check_presence(doctor_t *d)
{
    holders_t  h = { 0 };

    if (!d->has_redis || presence_is_held(d, &h)) {
        return;
    }

    if (!d->has_redis) {
        doctor_say(d, DOCTOR_FAULT, "redis",
                   "What needs it cannot be checked.  Look into its log.",
                   "Redis: %s", d->redis.error);

    } else if (h.programs == 0) {
        doctor_say(d, DOCTOR_FAULT, "chat-presence", start_it,
                   "none runs that reaches Redis");
    } else {
        doctor_say(d, DOCTOR_WARNING, "chat-presence", start_it,
                   "%u of %u partitions are held by none of %" PRIu64,
                   d->n - h.held, d->n, h.programs);
    }
}


/* or nobody wants it to be; said so */

static bool
presence_is_held(doctor_t *d, holders_t *h)
{
    unsigned  tries;

    for (tries = 0; tries < 4; tries++) {

        if (tries != 0) {
            doctor_wait(AGAIN);
        }

        if (holders_read(h, &d->redis, d->n) == -1) {
            d->has_redis = false;
            return false;
        }

        if (h->used == 0) {
            doctor_say(d, DOCTOR_OK, "chat-presence", NULL,
                       "none has ever run: nobody is told who is there");
            return true;
        }

        if (tries == 0) {
            doctor_check_library(d, &redis_library_presence);
        }

        if (h->held == d->n) {
            doctor_say(d, DOCTOR_OK, "chat-presence", NULL, "%" PRIu64
                       " run%s, and hold%s all partitions", h->programs,
                       h->programs == 1 ? "s" : "",
                       h->programs == 1 ? "s" : "");
            return true;
        }
    }

    return false;
}
