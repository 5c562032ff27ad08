#include "holders.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "number.h"


static int
holders_send(redis_t *redis, redis_args_t *args, unsigned n)
{
    char      key[64];
    unsigned  i;

    redis_args_reset(args, "TIME");

    if (redis_send(redis, args) == -1) {
        return -1;
    }

    for (i = 0; i < n; i++) {
        (void) snprintf(key, sizeof(key), "chat:{p%02u}:presence:part", i);
        redis_args_reset(args, "HMGET");
        redis_args_text(args, key);
        redis_args_text(args, "identity");
        redis_args_text(args, "until");

        if (redis_send(redis, args) == -1) {
            return -1;
        }
    }

    return 0;
}


/* Redis' clock, ms */

static int
holders_read_time(redis_t *redis, uint64_t *now)
{
    uint64_t     s, us;
    redisReply  *reply = redis_reply(redis, 0);

    *now = 0;

    if (reply == NULL) {
        return -1;
    }

    if (number_parse(redis_text(reply, 0), UINT32_MAX, &s) == 0
        && number_parse(redis_text(reply, 1), UINT32_MAX, &us) == 0)
    {
        *now = s * 1000 + us / 1000;
    }

    freeReplyObject(reply);

    return 0;
}


static int
holders_read_part(holders_t *h, redis_t *redis, uint64_t now)
{
    uint64_t     until;
    chat_str_t   identity;
    redisReply  *reply = redis_reply(redis, 0);

    if (reply == NULL) {
        return -1;
    }

    identity = redis_text(reply, 0);
    h->used += identity.len != 0;
    h->held += identity.len == strlen(redis->identity)
               && memcmp(identity.data, redis->identity, identity.len) == 0
               && number_parse(redis_text(reply, 1), INT64_MAX, &until) == 0
               && until > now;
    freeReplyObject(reply);

    return 0;
}


static int
holders_count(holders_t *h, redis_t *redis, redis_args_t *args, uint64_t now)
{
    char         from[24];
    redisReply  *reply;

    (void) snprintf(from, sizeof(from), "%" PRIu64, now);
    redis_args_reset(args, "ZCOUNT");
    redis_args_text(args, "chat:presence:holders");
    redis_args_text(args, from);
    redis_args_text(args, "+inf");
    reply = redis_call(redis, args);

    if (reply == NULL) {
        return -1;
    }

    h->programs = reply->type == REDIS_REPLY_INTEGER
                  ? (uint64_t) reply->integer : 0;
    freeReplyObject(reply);

    return 0;
}


int
holders_read(holders_t *h, redis_t *redis, unsigned n)
{
    int           rc;
    uint64_t      now = 0;
    unsigned      i;
    redis_args_t  args = { 0 };

    memset(h, 0, sizeof(*h));
    rc = holders_send(redis, &args, n);

    if (rc == 0) {
        rc = holders_read_time(redis, &now);
    }

    for (i = 0; i < n && rc == 0; i++) {
        rc = holders_read_part(h, redis, now);
    }

    if (rc == 0) {
        rc = holders_count(h, redis, &args, now);
    }

    redis_args_done(&args);

    return rc;
}
