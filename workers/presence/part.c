#include "presence.h"

#include <stdio.h>

#include "log.h"
#include "number.h"


void
part_fcall(presence_t *p, const part_t *part, const char *name)
{
    char  function[64];

    (void) snprintf(function, sizeof(function), "chat_presence_v1_%s", name);

    redis_args_fcall(&p->args, function, 1);
    redis_args_text(&p->args, part->prefix);
}


void
part_fcall_open(presence_t *p, const part_t *part, const char *name)
{
    part_fcall(p, part, name);
    redis_args_uint(&p->args, p->npartitions);
}


/* without its library, or without memory, Redis is as good as away */

int
part_reply(presence_t *p, redisReply **reply, fcall_rc_e *rc)
{
    redisReply  *r;

    *reply = NULL;
    r = redis_reply(&p->redis, 0);

    if (r == NULL) {
        return -1;
    }

    *rc = redis_answer(r);

    if (*rc == FCALL_OK) {
        *reply = r;
        return 0;
    }

    if (*rc == FCALL_FAILED) {
        (void) redis_fail(&p->redis, r->type == REDIS_REPLY_ERROR ? r->str
                                     : "unexpected answer of a function");
        freeReplyObject(r);
        return -1;
    }

    freeReplyObject(r);

    return 0;
}


int
part_reply_chat(presence_t *p, redisReply **reply)
{
    *reply = redis_reply(&p->redis, 0);

    if (*reply == NULL) {
        return -1;
    }

    if (redis_answer(*reply) != FCALL_OK) {
        freeReplyObject(*reply);
        *reply = NULL;
    }

    return 0;
}


static void
part_begin(presence_t *p, unsigned n)
{
    part_t    *part;
    unsigned   i;

    for (i = 0; i < n; i++) {
        part = &p->parts[i];
        part->p = i;
        (void) snprintf(part->prefix, sizeof(part->prefix),
                        "chat:{p%02u}:presence:", i);
    }

    p->npartitions = n;
}


/* chat-persist tells nodes through Redis how many there are */

static int
part_ask_redis(presence_t *p, unsigned *n)
{
    uint64_t     number;
    redisReply  *reply;

    redis_args_reset(&p->args, "HGET");
    redis_args_text(&p->args, "chat:{p00}:part");
    redis_args_text(&p->args, "partitions");
    reply = redis_call(&p->redis, &p->args);

    if (reply == NULL) {
        return -1;
    }

    *n = reply->type == REDIS_REPLY_STRING
         && number_parse(mem_cstr(reply->str), CHAT_ID_MAX_PARTITIONS, &number)
            == 0
         ? (unsigned) number : 0;
    freeReplyObject(reply);

    return 0;
}


int
part_learn(presence_t *p)
{
    unsigned  n = atomic_load(&p->desk.partitions);

    if (p->npartitions != 0) {
        return 0;
    }

    if (n == 0 && !atomic_load(&p->desk.up) && part_ask_redis(p, &n) == -1) {
        return -1;
    }

    if (n != 0 && n <= CHAT_ID_MAX_PARTITIONS) {
        part_begin(p, n);
        log_notice("looks after who is there", log_uint("partitions", n));
    }

    return 0;
}
