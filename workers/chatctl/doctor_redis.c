/*
 * Redis: whether it keeps what it is given, and has room for more.
 */

#include "doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"


static void redis_check_settings(doctor_t *d);
static void redis_check_info(doctor_t *d);


void
doctor_check_redis(doctor_t *d)
{
    d->redis.quiet = true;

    if (redis_open(&d->redis) == -1) {
        doctor_say(d, DOCTOR_FAULT, "redis",
                   "Sessions stay open, but every request that needs it gets "
                   "\"unavailable\".  Start Redis, or\ncorrect --redis-url; "
                   "one that loads a large file needs its time.",
                   "Redis does not answer: %s", d->redis.error);
        return;
    }

    d->has_redis = true;
    doctor_say(d, DOCTOR_OK, "redis", NULL, "Redis answers");

    redis_check_settings(d);

    if (d->has_redis) {
        redis_check_info(d);
    }

    if (d->has_redis) {
        doctor_check_library(d, &redis_library_chat);
    }
}


/* what must be set, and what it means if it is not */

static const struct {
    const char      *name;
    const char      *value;
    doctor_level_e   otherwise;
    const char      *advice;
} settings[] = {
    { "appendonly", "yes", DOCTOR_FAULT,
      "What was acknowledged and is not stored yet is lost when Redis stops.  "
      "CONFIG SET appendonly\nyes, and the same in redis.conf." },

    { "appendfsync", "always", DOCTOR_WARNING,
      "An acknowledged message can be lost if Redis or its machine stops "
      "uncleanly, unless chat_ack is\n\"stored\".  CONFIG SET appendfsync "
      "always, and the same in redis.conf." },

    { "maxmemory-policy", "noeviction", DOCTOR_FAULT,
      "Redis may throw away what is not stored yet, or parts of a "
      "conversation.  CONFIG SET\nmaxmemory-policy noeviction, and the same "
      "in redis.conf." },

    { "no-appendfsync-on-rewrite", "no", DOCTOR_WARNING,
      "While the append-only file is rewritten nothing is safe on disk.  "
      "CONFIG SET\nno-appendfsync-on-rewrite no, and the same in redis.conf." }
};


static void
redis_check_settings(doctor_t *d)
{
    bool         good = true;
    size_t       i;
    chat_str_t   value;
    redisReply  *reply;

    for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        redis_args_reset(&d->args, "CONFIG");
        redis_args_text(&d->args, "GET");
        redis_args_text(&d->args, settings[i].name);
        reply = doctor_ask(d);

        if (reply == NULL) {
            return;
        }

        value = redis_text(reply, 1);

        if (value.len == 0) {
            good = false;
            doctor_say(d, DOCTOR_WARNING, "redis",
                       "Is CONFIG forbidden there?  Look into redis.conf: it "
                       "should be as in conf/redis.conf.",
                       "the setting %s cannot be read", settings[i].name);

        } else if (value.len != strlen(settings[i].value)
                   || memcmp(value.data, settings[i].value, value.len) != 0)
        {
            good = false;
            doctor_say(d, settings[i].otherwise, "redis", settings[i].advice,
                       "%s is %.*s, not %s", settings[i].name,
                       (int) value.len, value.data, settings[i].value);
        }

        freeReplyObject(reply);
    }

    if (good) {
        doctor_say(d, DOCTOR_OK, "redis", NULL,
                   "its settings are those that nothing gets lost with");
    }
}


/* "name:value\r\n" in the answer to INFO; empty: there is none */

static chat_str_t
redis_info(const redisReply *reply, const char *name)
{
    size_t       len = strlen(name);
    chat_str_t   value = { NULL, 0 };
    const char  *line = reply->type == REDIS_REPLY_STRING ? reply->str : "";

    while (line != NULL && *line != '\0') {

        if (strncmp(line, name, len) == 0 && line[len] == ':') {
            value.data = (const uint8_t *) line + len + 1;
            value.len = strcspn(line + len + 1, "\r\n");
            return value;
        }

        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }

    return value;
}


static bool
redis_info_is(const redisReply *reply, const char *name, const char *text)
{
    chat_str_t  value = redis_info(reply, name);

    return value.len == strlen(text)
           && memcmp(value.data, text, value.len) == 0;
}


static uint64_t
redis_info_uint(const redisReply *reply, const char *name)
{
    uint64_t  n;

    return number_parse(redis_info(reply, name), INT64_MAX, &n) == 0 ? n : 0;
}


static void
redis_check_memory(doctor_t *d, const redisReply *info)
{
    uint64_t  used = redis_info_uint(info, "used_memory");
    uint64_t  max = redis_info_uint(info, "maxmemory");
    uint64_t  evicted = redis_info_uint(info, "evicted_keys");

    if (evicted != 0) {
        doctor_say(d, DOCTOR_FAULT, "memory",
                   "Part of that may have been neither stored nor loadable.  "
                   "chatctl verify --all tells of what\nis left.  Set "
                   "maxmemory-policy noeviction.",
                   "Redis has thrown away %" PRIu64 " keys", evicted);
    }

    if (max == 0) {
        doctor_say(d, DOCTOR_OK, "memory", NULL,
                   "Redis uses %" PRIu64 " MB and has no bound",
                   used / 1000000);
        return;
    }

    doctor_say(d, used > max / 100 * 90 ? DOCTOR_FAULT
                  : used > max / 100 * 75 ? DOCTOR_WARNING : DOCTOR_OK,
               "memory",
               "When it is full, sending is refused; nothing is lost.  Is "
               "chat-persist storing (below)?  Else\ngive Redis more memory: "
               "CONFIG SET maxmemory, and the same in redis.conf.",
               "Redis uses %" PRIu64 " MB of %" PRIu64, used / 1000000,
               max / 1000000);
}


static void
redis_check_info(doctor_t *d)
{
    redisReply  *info;

    redis_args_reset(&d->args, "INFO");
    info = doctor_ask(d);

    if (info == NULL) {
        return;
    }

    if (!redis_info_is(info, "role", "master")) {
        doctor_say(d, DOCTOR_FAULT, "redis",
                   "Nothing can be written there.  Correct --redis-url, or "
                   "make it a master: REPLICAOF NO ONE.",
                   "Redis is a copy of another Redis");
    }

    if (redis_info_is(info, "aof_last_write_status", "err")
        || redis_info_is(info, "rdb_last_bgsave_status", "err"))
    {
        doctor_say(d, DOCTOR_FAULT, "disk",
                   "It refuses to be written to until that works again.  Is "
                   "its disk full?",
                   "Redis could not write its file");

    } else if (redis_info_is(info, "aof_last_bgrewrite_status", "err")) {
        doctor_say(d, DOCTOR_WARNING, "disk",
                   "The append-only file goes on growing.  Is there memory "
                   "and disk for a second copy?",
                   "Redis could not rewrite its append-only file");

    } else {
        doctor_say(d, DOCTOR_OK, "disk", NULL, "Redis writes its file");
    }

    redis_check_memory(d, info);
    freeReplyObject(info);
}
