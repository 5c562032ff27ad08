/*
 * What Redis says of our partitions.  Every call carries the fence, so a look
 * also tells Redis that holders before us are to be refused.
 */

#include "persist.h"

#include <string.h>

#include "number.h"


#define LOOK_TELL  50           /* ms between two of one partition */


int
look_send(persist_t *p, const part_t *part)
{
    part_fcall(p, part, "chat_v1_hold");
    redis_args_uint(&p->args, p->backlog);

    return redis_send(&p->redis, &p->args);
}


int
look_read(persist_t *p, look_t *look)
{
    memset(look, 0, sizeof(*look));

    look->reply = redis_reply(&p->redis, 0);

    if (look->reply == NULL) {
        return -1;
    }

    look->rc = redis_answer(look->reply);

    if (look->rc == FCALL_REFUSED) {
        return 0;
    }

    look->identity = redis_text(look->reply, 1);

    if (look->rc == FCALL_OK
        && number_parse(redis_text(look->reply, 2), UINT32_MAX,
                        &look->generation) == 0
        && stream_id_parse(&look->stored, redis_text(look->reply, 3)) == 0
        && (redis_text(look->reply, 4).len == 0
            || stream_id_parse(&look->last, redis_text(look->reply, 4)) == 0))
    {
        return 0;
    }

    (void) redis_fail(&p->redis,
                      look->reply->type == REDIS_REPLY_ERROR
                      ? look->reply->str : "unexpected answer to hold");
    look_done(look);

    return -1;
}


void
look_done(look_t *look)
{
    freeReplyObject(look->reply);
    look->reply = NULL;
}


bool
look_is_open(const persist_t *p, const part_t *part, const look_t *look)
{
    return look->rc == FCALL_OK
           && look->identity.len == strlen(p->redis.identity)
           && memcmp(look->identity.data, p->redis.identity,
                     look->identity.len) == 0
           && strcmp(part->identity, p->redis.identity) == 0
           && look->generation == part->generation
           && stream_id_compare(look->stored, part->stored) <= 0
           && stream_id_compare(part->stored, look->last) <= 0;
}


int
look_check(persist_t *p)
{
    look_t   look;
    part_t  *part, *end = p->parts + p->npartitions;

    if (life_now() < p->look_at) {
        return 0;
    }

    if (redis_check_identity(&p->redis) == -1) {
        return -1;
    }

    for (part = p->parts; part < end; part++) {
        if (part->state == PART_OPEN && look_send(p, part) == -1) {
            return -1;
        }
    }

    for (part = p->parts; part < end; part++) {

        if (part->state != PART_OPEN) {
            continue;
        }

        if (look_read(p, &look) == -1) {
            return -1;
        }

        if (stream_id_compare(look.stored, part->told) < 0) {
            part->told = look.stored;
        }

        if (!look_is_open(p, part, &look)) {
            part_look_again(p, part);
        }

        look_done(&look);
    }

    p->look_at = life_now() + PERSIST_RENEW;

    return look_tell_stored(p);
}


static bool
look_must_tell(const part_t *part)
{
    return part->state == PART_OPEN
           && stream_id_compare(part->told, part->stored) < 0;
}


static int
look_told(persist_t *p, part_t *part)
{
    fcall_rc_e   rc;
    redisReply  *reply;

    reply = redis_reply(&p->redis, 0);

    if (reply == NULL) {
        return -1;
    }

    rc = redis_answer(reply);
    freeReplyObject(reply);

    if (rc == FCALL_OK) {
        part->told = part->stored;
    } else {
        part_look_again(p, part);
    }

    return 0;
}


int
look_tell_stored(persist_t *p)
{
    char      id[STREAM_ID_TEXT];
    part_t   *part, *end = p->parts + p->npartitions;
    uint64_t  now = life_now();

    for (part = p->parts; part < end; part++) {

        if (!look_must_tell(part) || part->tell_at > now) {
            continue;
        }

        part_fcall_open(p, part, "chat_v1_stored", NULL);
        redis_args_text(&p->args, stream_id_print(part->stored, id));

        if (redis_send(&p->redis, &p->args) == -1) {
            return -1;
        }
    }

    for (part = p->parts; part < end; part++) {

        if (!look_must_tell(part) || part->tell_at > now) {
            continue;
        }

        if (look_told(p, part) == -1) {
            return -1;
        }

        part->tell_at = now + LOOK_TELL;
    }

    return 0;
}


int
look_tell_all_stored(persist_t *p)
{
    part_t  *part;

    for (part = p->parts; part < p->parts + p->npartitions; part++) {
        part->tell_at = 0;
    }

    return look_tell_stored(p);
}


uint64_t
look_due(const persist_t *p, uint64_t until)
{
    const part_t  *part, *end = p->parts + p->npartitions;

    for (part = p->parts; part < end; part++) {
        if (look_must_tell(part) && part->tell_at < until) {
            until = part->tell_at;
        }
    }

    return until;
}
