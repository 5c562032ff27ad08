/*
 * The function libraries that programs carry and keep in Redis.
 */

#include "redis.h"

#include <string.h>

#include "log.h"

#include "chat_lua.h"
#include "presence_lua.h"


const redis_library_t  redis_library_chat = { "chat_v1", chat_lua };
const redis_library_t  redis_library_presence = {
    "chat_presence_v1", presence_lua
};


/* the code of the library in a reply to FUNCTION LIST ... WITHCODE */

static bool
library_is(const redisReply *reply, chat_str_t code)
{
    size_t             i;
    chat_str_t         text;
    const redisReply  *library;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1) {
        return false;
    }

    library = reply->element[0];

    for (i = 0; i + 1 < library->elements; i += 2) {
        text = redis_text(library, i);

        if (text.len == 12 && memcmp(text.data, "library_code", 12) == 0) {
            text = redis_text(library, i + 1);
            return text.len == code.len
                   && memcmp(text.data, code.data, code.len) == 0;
        }
    }

    return false;
}


static redisReply *
library_ask(redis_t *r, const redis_library_t *l)
{
    redisReply    *reply;
    redis_args_t   args = { 0 };

    redis_args_reset(&args, "FUNCTION");
    redis_args_text(&args, "LIST");
    redis_args_text(&args, "LIBRARYNAME");
    redis_args_text(&args, l->name);
    redis_args_text(&args, "WITHCODE");
    reply = redis_call(r, &args);
    redis_args_done(&args);

    return reply;
}


int
redis_has_library(redis_t *r, const redis_library_t *l)
{
    int          rc;
    redisReply  *reply;

    reply = library_ask(r, l);

    if (reply == NULL) {
        return -1;
    }

    rc = reply->type == REDIS_REPLY_ARRAY && reply->elements == 1
         ? library_is(reply, mem_cstr(l->code)) : -1;
    freeReplyObject(reply);

    return rc;
}


int
redis_load_library(redis_t *r, const redis_library_t *l)
{
    int           rc = 0;
    chat_str_t    code;
    redisReply   *reply;
    redis_args_t  args = { 0 };

    code = mem_cstr(l->code);
    reply = library_ask(r, l);

    if (reply == NULL) {
        return -1;
    }

    if (library_is(reply, code)) {
        goto done;
    }

    redis_args_reset(&args, "FUNCTION");
    redis_args_text(&args, "LOAD");
    redis_args_text(&args, "REPLACE");
    redis_args_add(&args, code);
    rc = redis_demand(r, &args);

    if (rc == 0 && !r->quiet) {
        log_notice("loaded the function library into Redis");
    }

done:

    freeReplyObject(reply);
    redis_args_done(&args);

    return rc;
}
