/*
 * What Redis holds of a conversation, read at one moment.
 */

#include "verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"


/* in this order */

static const char *const  part_fields[] = {
    "identity", "generation", "stored"
};

enum { PART_IDENTITY, PART_GENERATION, PART_STORED };

static const char *const  meta_fields[] = {
    "key", "seq", "rev", "owners", "last", "hfrom", "hn", "hbytes", "gens",
    "type", "name", "desc", "slow", "ro", "gone", "none"
};

enum {
    META_KEY, META_SEQ, META_REV, META_OWNERS, META_LAST, META_HFROM, META_HN,
    META_HBYTES, META_GENS, META_TYPE, META_NAME, META_DESC, META_SLOW,
    META_RO, META_GONE, META_NONE
};

#define COUNT_OF(a)  (sizeof(a) / sizeof((a)[0]))


static int verify_send(verify_t *v, bool events);
static redisReply *verify_collect(verify_t *v, bool events);
static void verify_take_part(const verify_t *v, verify_redis_t *r,
    const redisReply *part);
static void verify_take_meta(verify_redis_t *r, const redisReply *meta);
static void verify_take_events(verify_redis_t *r, const redisReply *entries);
static void verify_copy(char *dst, size_t size, chat_str_t text);
static uint64_t verify_uint(chat_str_t text);


int
verify_read_redis(verify_t *v, verify_redis_t *r, bool events)
{
    redisReply  *all;

    verify_redis_done(r);

    if (verify_send(v, events) == -1) {
        return -1;
    }

    r->reply = verify_collect(v, events);

    if (r->reply == NULL) {
        return -1;
    }

    all = r->reply;
    verify_take_part(v, r, all->element[0]);

    if (r->held != VERIFY_CLOSED) {
        verify_take_meta(r, all->element[1]);
    }

    if (r->held == VERIFY_HELD && events) {
        r->hot_length = redis_number(all, 3);
        verify_take_events(r, all->element[2]);
    }

    return 0;
}


void
verify_redis_done(verify_redis_t *r)
{
    if (r->reply != NULL) {
        freeReplyObject(r->reply);
    }

    free(r->events);
    memset(r, 0, sizeof(*r));
}


static int
verify_send_hash(verify_t *v, const char *base, const char *name,
    const char *const *fields, size_t n)
{
    char    key[CHAT_NAME_MAX_BASE + 16];
    size_t  i;

    (void) snprintf(key, sizeof(key), "%s%s", base, name);
    redis_args_reset(&v->args, "HMGET");
    redis_args_text(&v->args, key);

    for (i = 0; i < n; i++) {
        redis_args_text(&v->args, fields[i]);
    }

    return redis_send(&v->redis, &v->args);
}


static int
verify_send_word(verify_t *v, const char *word)
{
    redis_args_reset(&v->args, word);

    return redis_send(&v->redis, &v->args);
}


static int
verify_send_hot(verify_t *v)
{
    char  key[CHAT_NAME_MAX_BASE + 16];

    (void) snprintf(key, sizeof(key), "%s:hot", v->base);

    redis_args_reset(&v->args, "XREVRANGE");
    redis_args_text(&v->args, key);
    redis_args_text(&v->args, "+");
    redis_args_text(&v->args, "-");
    redis_args_text(&v->args, "COUNT");
    redis_args_uint(&v->args, VERIFY_HOT);

    if (redis_send(&v->redis, &v->args) == -1) {
        return -1;
    }

    redis_args_reset(&v->args, "XLEN");
    redis_args_text(&v->args, key);

    return redis_send(&v->redis, &v->args);
}


static int
verify_send(verify_t *v, bool events)
{
    if (verify_send_word(v, "MULTI") == -1
        || verify_send_hash(v, v->prefix, "part", part_fields,
                            COUNT_OF(part_fields)) == -1
        || verify_send_hash(v, v->base, ":meta", meta_fields,
                            COUNT_OF(meta_fields)) == -1
        || (events && verify_send_hot(v) == -1))
    {
        return -1;
    }

    return verify_send_word(v, "EXEC");
}


/* the answer to EXEC, after those that say "QUEUED" */

static redisReply *
verify_collect(verify_t *v, bool events)
{
    size_t       i, commands = events ? 4 : 2;
    redisReply  *reply;

    for (i = 0; i < commands + 1; i++) {
        reply = redis_reply(&v->redis, 0);

        if (reply == NULL) {
            return NULL;
        }

        freeReplyObject(reply);
    }

    reply = redis_reply(&v->redis, 0);

    if (reply == NULL) {
        return NULL;
    }

    for (i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) {
        if (reply->element[i]->type == REDIS_REPLY_ERROR) {
            break;
        }
    }

    if (i != commands) {
        (void) redis_fail(&v->redis, reply->type == REDIS_REPLY_ERROR
                                     ? reply->str : "unexpected answer");
        freeReplyObject(reply);
        return NULL;
    }

    return reply;
}


static void
verify_take_part(const verify_t *v, verify_redis_t *r, const redisReply *part)
{
    verify_copy(r->identity, sizeof(r->identity),
                redis_text(part, PART_IDENTITY));
    r->generation = verify_uint(redis_text(part, PART_GENERATION));
    r->held = VERIFY_CLOSED;

    if (strcmp(r->identity, v->redis.identity) == 0
        && stream_id_parse(&r->stored, redis_text(part, PART_STORED)) == 0)
    {
        r->held = VERIFY_ABSENT;
    }
}


static void
verify_take_meta(verify_redis_t *r, const redisReply *meta)
{
    if (redis_text(meta, META_NONE).len != 0
        || redis_text(meta, META_HN).len == 0)
    {
        return;
    }

    r->held = VERIFY_HELD;
    r->gone = redis_text(meta, META_GONE).len != 0;
    verify_copy(r->key, sizeof(r->key), redis_text(meta, META_KEY));
    r->sequence = verify_uint(redis_text(meta, META_SEQ));
    r->revision = verify_uint(redis_text(meta, META_REV));
    r->owners = verify_uint(redis_text(meta, META_OWNERS));
    r->hot_from = verify_uint(redis_text(meta, META_HFROM));
    r->hot_events = verify_uint(redis_text(meta, META_HN));
    r->hot_bytes = verify_uint(redis_text(meta, META_HBYTES));
    r->gens = redis_text(meta, META_GENS);
    r->type = redis_text(meta, META_TYPE);
    r->name = redis_text(meta, META_NAME);
    r->description = redis_text(meta, META_DESC);
    r->slow_mode = redis_text(meta, META_SLOW);
    r->read_only = verify_uint(redis_text(meta, META_RO)) == 1;

    if (stream_id_parse(&r->last, redis_text(meta, META_LAST)) == -1) {
        memset(&r->last, 0, sizeof(r->last));   /* "": what was loaded */
    }
}


/* "<kind> <place> <sequence>[ <more>]"; what is no such head is of kind 0 */

static void
verify_take_head(verify_event_t *e, chat_str_t head)
{
    chat_str_t      place = { NULL, 0 }, sequence = { NULL, 0 };
    const uint8_t  *end = head.data + head.len, *space;

    if (head.len < 4 || head.data[1] != ' ') {
        return;
    }

    place.data = head.data + 2;
    space = memchr(place.data, ' ', (size_t) (end - place.data));

    if (space == NULL) {
        return;
    }

    place.len = (size_t) (space - place.data);
    sequence.data = space + 1;
    space = memchr(sequence.data, ' ', (size_t) (end - sequence.data));
    sequence.len = (size_t) ((space != NULL ? space : end) - sequence.data);

    if (space != NULL) {
        e->more.data = space + 1;
        e->more.len = (size_t) (end - e->more.data);
    }

    if (stream_id_parse(&e->place, place) == 0
        && number_parse(sequence, INT64_MAX, &e->sequence) == 0)
    {
        e->kind = (char) head.data[0];
    }
}


static void
verify_take_events(verify_redis_t *r, const redisReply *entries)
{
    size_t             i;
    stream_id_t        id;
    verify_event_t    *e;
    const redisReply  *entry, *fields;

    r->events = mem_alloc((entries->elements + 1) * sizeof(verify_event_t));

    for (i = entries->elements; i > 0; i--) {
        entry = entries->element[i - 1];
        e = &r->events[r->n];

        if (stream_id_parse(&id, redis_text(entry, 0)) == -1) {
            continue;
        }

        fields = entry->element[1];
        e->revision = id.ms;
        e->event = redis_field(fields, 'e');
        verify_take_head(e, redis_field(fields, 'h'));
        r->n++;
    }
}


static void
verify_copy(char *dst, size_t size, chat_str_t text)
{
    (void) snprintf(dst, size, "%.*s", (int) text.len,
                    text.data != NULL ? (const char *) text.data : "");
}


static uint64_t
verify_uint(chat_str_t text)
{
    uint64_t  n;

    return number_parse(text, INT64_MAX, &n) == 0 ? n : 0;
}
