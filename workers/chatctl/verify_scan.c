/*
 * Hashes of Redis, some fields at a time: they can be large.
 */

#include "verify_scan.h"

#include <stdio.h>
#include <string.h>


#define SCAN_COUNT  1000


int
verify_scan(verify_t *v, const char *name, const char *pattern,
    verify_scan_pt each, void *data)
{
    int          rc;
    char         key[CHAT_NAME_MAX_BASE + 16], cursor[32] = "0";
    chat_str_t   next;
    redisReply  *reply;

    (void) snprintf(key, sizeof(key), "%s%s", v->base, name);

    do {
        redis_args_reset(&v->args, "HSCAN");
        redis_args_text(&v->args, key);
        redis_args_text(&v->args, cursor);
        redis_args_text(&v->args, "MATCH");
        redis_args_text(&v->args, pattern);
        redis_args_text(&v->args, "COUNT");
        redis_args_uint(&v->args, SCAN_COUNT);

        reply = redis_call(&v->redis, &v->args);

        if (reply == NULL) {
            return -1;
        }

        next = redis_text(reply, 0);

        if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2
            || next.len == 0 || next.len >= sizeof(cursor))
        {
            freeReplyObject(reply);
            return redis_fail(&v->redis, "unexpected answer to HSCAN");
        }

        memcpy(cursor, next.data, next.len);
        cursor[next.len] = '\0';

        rc = reply->element[1]->elements != 0
             ? each(v, reply->element[1], data) : 0;
        freeReplyObject(reply);

    } while (rc == 0 && strcmp(cursor, "0") != 0);

    return rc;
}
