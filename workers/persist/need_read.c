/*
 * A need as it is written into a need stream.
 */

#include "need.h"

#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "qualified.h"


#define NEED_MAX_LIMIT   1000
#define NEED_MAX_BYTES   (1024 * 1024)
#define NEED_SEQUENCE    ((UINT64_C(1) << 53) - 1)


static int need_read_numbers(need_t *need, const redisReply *fields);


need_t *
need_new(void)
{
    return mem_alloc(sizeof(need_t));
}


void
need_free(need_t *need)
{
    free(need->ends);
    free(need->node);
    free(need->name);
    free(need->tenant);
    free(need->conversation);
    free(need->user);
    free(need->client_id);
    free(need->message);
    free(need->cursor);
    free(need->others);
    free(need);
}


static int
need_read_kind(need_t *need, chat_str_t kind)
{
    size_t  i;

    static const char  *kinds[] = {
        [NEED_CONVERSATION] = "conversation",
        [NEED_CLIENT]       = "client",
        [NEED_MESSAGE]      = "message",
        [NEED_RANGE]        = "range",
        [NEED_HISTORY]      = "history",
        [NEED_LIST]         = "list",
        [NEED_SHARED]       = "shared"
    };

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strlen(kinds[i]) == kind.len
            && memcmp(kinds[i], kind.data, kind.len) == 0)
        {
            need->kind = (need_kind_e) i;
            return 0;
        }
    }

    return -1;
}


int
need_read(need_t *need, const redisReply *fields)
{
    chat_str_t  tenant, conversation;

    if (need_read_kind(need, redis_field(fields, 'k')) == -1
        || qualified_split(redis_field(fields, 'c'), &tenant, &conversation)
           == -1)
    {
        return -1;
    }

    need->tenant = mem_strndup(tenant);
    need->conversation = mem_strndup(conversation);
    need->node = mem_strndup(redis_field(fields, 'n'));
    need->name = mem_strndup(redis_field(fields, 'i'));
    need->user = mem_strndup(redis_field(fields, 'u'));
    need->client_id = mem_strndup(redis_field(fields, 'x'));
    need->message = mem_strndup(redis_field(fields, 'g'));
    need->cursor = mem_strndup(redis_field(fields, 'a'));
    need->others = mem_strndup(redis_field(fields, 'v'));

    return need_read_numbers(need, fields);
}


static int
need_read_sequence(need_t *need, const redisReply *fields)
{
    chat_str_t  sequence = redis_field(fields, 's');

    need->before = redis_field(fields, 'd').len == sizeof("before") - 1;
    need->sequence = NEED_SEQUENCE;

    return sequence.len == 0
           ? 0 : number_parse(sequence, NEED_SEQUENCE, &need->sequence);
}


static int
need_read_numbers(need_t *need, const redisReply *fields)
{
    if (need->kind == NEED_CONVERSATION || need->kind == NEED_CLIENT
        || need->kind == NEED_MESSAGE || need->kind == NEED_SHARED)
    {
        return 0;
    }

    if (number_parse(redis_field(fields, 'l'), NEED_MAX_BYTES,
                     &need->max_bytes) == -1)
    {
        return -1;
    }

    if (need->kind == NEED_RANGE) {
        return number_parse(redis_field(fields, 'a'), INT64_MAX,
                            &need->after_revision);
    }

    if (need->kind == NEED_HISTORY && need_read_sequence(need, fields) == -1) {
        return -1;
    }

    return number_parse(redis_field(fields, 'm'), NEED_MAX_LIMIT,
                        &need->max_messages);
}
