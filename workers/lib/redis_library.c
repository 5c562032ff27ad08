/*
 * The function libraries that programs carry and keep in Redis.  Each has a
 * version, in its second line: "-- version 1".
 */

#include "redis.h"

#include <string.h>

#include "log.h"
#include "number.h"

#include "chat_lua.h"
#include "presence_lua.h"


const redis_library_t  redis_library_chat = { "chat_v1", chat_lua };
const redis_library_t  redis_library_presence = {
    "chat_presence_v1", presence_lua
};


/* the code of the library in a reply to FUNCTION LIST ... WITHCODE; empty:
   there is none */

static chat_str_t
library_code(const redisReply *reply)
{
    size_t             i;
    chat_str_t         text;
    const redisReply  *library;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1) {
        return chat_str("");
    }

    library = reply->element[0];

    for (i = 0; i + 1 < library->elements; i += 2) {
        text = redis_text(library, i);

        if (text.len == 12 && memcmp(text.data, "library_code", 12) == 0) {
            return redis_text(library, i + 1);
        }
    }

    return chat_str("");
}


static uint64_t
library_version(chat_str_t code)
{
    uint64_t        n;
    chat_str_t      digits;
    const uint8_t  *last = code.data + code.len;
    const uint8_t  *line = code.len != 0 ? memchr(code.data, '\n', code.len)
                                         : NULL;

    static const char  word[] = "\n-- version ";

    if (line == NULL || (size_t) (last - line) < sizeof(word) - 1
        || memcmp(line, word, sizeof(word) - 1) != 0)
    {
        return 0;
    }

    digits.data = line + sizeof(word) - 1;
    digits.len = 0;

    while (digits.data + digits.len < last && digits.data[digits.len] != '\n') {
        digits.len++;
    }

    return number_parse(digits, UINT32_MAX, &n) == 0 ? n : 0;
}


int
redis_look_library(redis_t *r, const redis_library_t *l, redis_look_t *look)
{
    chat_str_t     code, own = mem_cstr(l->code);
    redisReply    *reply;
    redis_args_t   args = { 0 };

    redis_args_reset(&args, "FUNCTION");
    redis_args_text(&args, "LIST");
    redis_args_text(&args, "LIBRARYNAME");
    redis_args_text(&args, l->name);
    redis_args_text(&args, "WITHCODE");
    reply = redis_call(r, &args);
    redis_args_done(&args);

    if (reply == NULL) {
        return -1;
    }

    code = library_code(reply);
    look->version = library_version(code);
    look->own = library_version(own);

    if (code.len == 0) {
        look->is = REDIS_LIBRARY_NONE;

    } else if (look->version != look->own) {
        look->is = look->version < look->own ? REDIS_LIBRARY_OLDER
                                             : REDIS_LIBRARY_NEWER;

    } else if (code.len == own.len
               && memcmp(code.data, own.data, own.len) == 0)
    {
        look->is = REDIS_LIBRARY_SAME;

    } else {
        look->is = REDIS_LIBRARY_OTHER;
    }

    freeReplyObject(reply);

    return 0;
}


int
redis_load_library(redis_t *r, const redis_library_t *l)
{
    int           rc;
    redis_args_t  args = { 0 };
    redis_look_t  look;

    if (redis_look_library(r, l, &look) == -1) {
        return -1;
    }

    if (look.is == REDIS_LIBRARY_SAME) {
        return 0;
    }

    if (look.is == REDIS_LIBRARY_NEWER) {

        if (!r->quiet) {
            log_warn("Redis has a newer function library, which stays",
                     log_str("library", l->name),
                     log_uint("version", look.version),
                     log_uint("own", look.own));
        }

        return 0;
    }

    redis_args_reset(&args, "FUNCTION");
    redis_args_text(&args, "LOAD");
    redis_args_text(&args, "REPLACE");
    redis_args_text(&args, l->code);
    rc = redis_demand(r, &args);
    redis_args_done(&args);

    if (rc == 0 && !r->quiet) {
        log_notice("loaded the function library into Redis",
                   log_str("library", l->name),
                   log_uint("version", look.own));
    }

    return rc;
}


/* that there is none yet is no news: whoever brings it comes with the rest */

int
redis_need_library(redis_t *r, const redis_library_t *l)
{
    redis_look_t  look;

    if (redis_look_library(r, l, &look) == -1) {
        return -1;
    }

    if (look.is == REDIS_LIBRARY_OLDER && !r->quiet) {
        log_warn("the function library in Redis is older than this program "
                 "needs: replace who brings it first",
                 log_str("library", l->name),
                 log_uint("version", look.version),
                 log_uint("needed", look.own));
    }

    return 0;
}
