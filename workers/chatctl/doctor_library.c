/*
 * chatctl doctor: whether Redis has the functions that programs of this version
 * call.
 */

#include "doctor.h"

#include <inttypes.h>


static const char  none[] =
    "Whatever needs it gets \"unavailable\".  chat-persist brings chat_v1, "
    "chat-presence chat_presence_v1,\nwhen they connect: start or restart that "
    "one.";

static const char  older[] =
    "Programs of this version call what it lacks.  Stop those of the version "
    "before, chat-persist (chat_v1)\nor chat-presence (chat_presence_v1), and "
    "restart that of this version: it brings its own.";

static const char  newer[] =
    "Newer programs are in use, and go on with older ones.  This chatctl is "
    "one of the older ones: what it\ntells may be wrong.";

static const char  other[] =
    "Programs of two builds are in use.  If those that run are of this one, "
    "restart chat-persist (chat_v1)\nor chat-presence (chat_presence_v1): it "
    "brings its own.";


void
doctor_check_library(doctor_t *d, const redis_library_t *l)
{
    redis_look_t  look;

    if (redis_look_library(&d->redis, l, &look) == -1) {
        d->has_redis = false;
        doctor_say(d, DOCTOR_FAULT, "redis",
                   "What needs it cannot be checked.  Look into its log.",
                   "Redis: %s", d->redis.error);
        return;
    }

    switch (look.is) {

    case REDIS_LIBRARY_SAME:
        doctor_say(d, DOCTOR_OK, "library", NULL,
                   "the function library %s is the one of this version, %"
                   PRIu64, l->name, look.own);
        break;

    case REDIS_LIBRARY_OTHER:
        doctor_say(d, DOCTOR_WARNING, "library", other,
                   "the function library %s in Redis is not the one of this "
                   "version, though of the same number", l->name);
        break;

    case REDIS_LIBRARY_OLDER:
        doctor_say(d, DOCTOR_FAULT, "library", older,
                   "the function library %s in Redis has version %" PRIu64
                   ", and %" PRIu64 " is needed", l->name, look.version,
                   look.own);
        break;

    case REDIS_LIBRARY_NEWER:
        doctor_say(d, DOCTOR_WARNING, "library", newer,
                   "the function library %s in Redis has version %" PRIu64
                   ", and this chatctl knows %" PRIu64, l->name, look.version,
                   look.own);
        break;

    case REDIS_LIBRARY_NONE:
        doctor_say(d, DOCTOR_FAULT, "library", none,
                   "Redis has no function library %s", l->name);
        break;
    }
}
