#include "redis.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define ARGS_MIN  16


void
redis_args_done(redis_args_t *args)
{
    free(args->ends);
    mem_buf_done(&args->buf);
    memset(args, 0, sizeof(*args));
}


void
redis_args_reset(redis_args_t *args, const char *command)
{
    args->n = 0;
    args->buf.len = 0;
    redis_args_text(args, command);
}


void
redis_args_add(redis_args_t *args, chat_str_t arg)
{
    mem_buf_add(&args->buf, arg.data, arg.len);

    if (args->n == args->size) {
        args->size = args->size * 2 + ARGS_MIN;
        args->ends = mem_realloc(args->ends, args->size, sizeof(size_t));
    }

    args->ends[args->n] = args->buf.len;
    args->n++;
}


void
redis_args_text(redis_args_t *args, const char *arg)
{
    redis_args_add(args, mem_cstr(arg));
}


void
redis_args_uint(redis_args_t *args, uint64_t n)
{
    char  text[24];

    (void) snprintf(text, sizeof(text), "%" PRIu64, n);
    redis_args_text(args, text);
}


void
redis_args_fcall(redis_args_t *args, const char *name, size_t nkeys)
{
    redis_args_reset(args, "FCALL");
    redis_args_text(args, name);
    redis_args_uint(args, nkeys);
}


void
redis_args_revoked(redis_args_t *args, const char *name)
{
    redis_args_fcall(args, name, 3);
    redis_args_text(args, REDIS_REVOKED_STREAM);
    redis_args_text(args, REDIS_REVOKED_STATE);
    redis_args_text(args, REDIS_REVOKED_ENDS);
}


chat_str_t
redis_text(const redisReply *reply, size_t i)
{
    const redisReply  *element;

    if (reply->type != REDIS_REPLY_ARRAY || i >= reply->elements) {
        return chat_str("");
    }

    element = reply->element[i];

    if (element->type != REDIS_REPLY_STRING
        && element->type != REDIS_REPLY_STATUS)
    {
        return chat_str("");
    }

    return (chat_str_t) { (const uint8_t *) element->str, element->len };
}


chat_str_t
redis_field(const redisReply *fields, char name)
{
    size_t      i;
    chat_str_t  text;

    for (i = 0; i + 1 < fields->elements; i += 2) {
        text = redis_text(fields, i);

        if (text.len == 1 && text.data[0] == (uint8_t) name) {
            return redis_text(fields, i + 1);
        }
    }

    return (chat_str_t) { NULL, 0 };
}


uint64_t
redis_number(const redisReply *reply, size_t i)
{
    const redisReply  *element;

    if (reply->type != REDIS_REPLY_ARRAY || i >= reply->elements) {
        return 0;
    }

    element = reply->element[i];

    if (element->type != REDIS_REPLY_INTEGER || element->integer < 0) {
        return 0;
    }

    return (uint64_t) element->integer;
}


fcall_rc_e
redis_answer(const redisReply *reply)
{
    size_t      i;
    chat_str_t  word;

    static const struct {
        const char  *word;
        fcall_rc_e   rc;
    } words[] = {
        { "ok",        FCALL_OK },
        { "exists",    FCALL_EXISTS },
        { "error",     FCALL_ERROR },
        { "need",      FCALL_NEED },
        { "closed",    FCALL_CLOSED },
        { "busy",      FCALL_BUSY },
        { "not_found", FCALL_NOT_FOUND },
        { "refused",   FCALL_REFUSED },
        { "bad",       FCALL_BAD }
    };

    word = redis_text(reply, 0);

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strlen(words[i].word) == word.len
            && memcmp(words[i].word, word.data, word.len) == 0)
        {
            return words[i].rc;
        }
    }

    return FCALL_FAILED;
}
