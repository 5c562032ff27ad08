/*
 * Conversations with more members than are told by name: how many of them are
 * there.  Somebody asks, which Redis notes; here their members are read a page
 * at a time, and those who are there are counted in the partitions in which
 * these users lie.
 */

#include "presence.h"

#include <string.h>


#define COUNT_ASK      250      /* ms; how often it is asked what to count */
#define COUNT_ASKED    4        /* conversations, of a partition */
#define COUNT_MEMBERS  1000     /* of a page */
#define COUNT_PAGES    4        /* in a turn: Redis has others to serve */
#define COUNT_CHUNK    1024     /* members that are looked up together */


static void
count_prefix(presence_t *p, unsigned partition)
{
    uint8_t  prefix[CHAT_NAME_PREFIX_LEN];
    size_t   len = chat_name_prefix(prefix, partition);

    redis_args_add(&p->args, (chat_str_t) { prefix, len });
}


/* identity, partitions: what functions of chat_v1 begin with */

static void
count_identity(presence_t *p)
{
    redis_args_text(&p->args, p->redis.identity);
    redis_args_uint(&p->args, p->npartitions);
}


/* of the first conversation in the queue */

static void
count_fcall(presence_t *p, const char *name)
{
    count_base_t  *b = &p->count.queue[p->count.next];

    redis_args_fcall(&p->args, name, 2);
    count_prefix(p, b->p);
    redis_args_add(&p->args, (chat_str_t) { b->base, b->len });
    count_identity(p);
}


static void
count_begin(count_t *c)
{
    c->online = 0;
    memcpy(c->cursor, "0", 2);
}


static void
count_next(count_t *c)
{
    c->next++;
    count_begin(c);
}


static void
count_add(count_t *c, unsigned partition, chat_str_t base)
{
    count_base_t  *b = &c->queue[c->n];

    if (c->n < COUNT_QUEUE && base.len <= sizeof(b->base)) {
        b->p = partition;
        b->len = base.len;
        memcpy(b->base, base.data, base.len);
        c->n++;
    }
}


/* what is to be counted now, in the partitions that are ours */

static int
count_ask(presence_t *p)
{
    size_t       i;
    part_t      *part, *last = p->parts + p->npartitions;
    count_t     *c = &p->count;
    redisReply  *reply;

    for (part = p->parts; part < last; part++) {

        if (!part->held) {
            continue;
        }

        redis_args_fcall(&p->args, "chat_v1_counts", 1);
        count_prefix(p, part->p);
        count_identity(p);
        redis_args_uint(&p->args, COUNT_ASKED);
        redis_args_uint(&p->args, c->interval * 1000);

        if (redis_send(&p->redis, &p->args) == -1) {
            return -1;
        }
    }

    c->next = 0;
    c->n = 0;

    for (part = p->parts; part < last; part++) {

        if (!part->held) {
            continue;
        }

        if (part_reply_chat(p, &reply) == -1) {
            return -1;
        }

        for (i = 1; reply != NULL && i < reply->elements; i++) {
            count_add(c, part->p, redis_text(reply, i));
        }

        freeReplyObject(reply);         /* NULL: not open to us, later then */
    }

    count_begin(c);

    return 0;
}


/* "<tenant>/<user>" in buf, the tenant being that of the conversation */

static chat_str_t
count_name(const count_base_t *b, chat_str_t user,
    uint8_t buf[CHAT_NAME_MAX_QUALIFIED])
{
    size_t          len;
    const uint8_t  *tenant, *slash;

    tenant = b->base + CHAT_NAME_PREFIX_LEN + sizeof("c:") - 1;
    slash = memchr(tenant, '/', b->len - (size_t) (tenant - b->base));

    if (slash == NULL || slash - tenant > CHAT_NAME_MAX_ID
        || user.len > CHAT_NAME_MAX_ID)
    {
        return (chat_str_t) { buf, 0 };
    }

    len = (size_t) (slash - tenant) + 1;
    memcpy(buf, tenant, len);
    memcpy(buf + len, user.data, user.len);

    return (chat_str_t) { buf, len + user.len };
}


/*
 * Members of a page, from the i-th element on, each followed by what is kept of
 * it; last: behind the last one.  Who is blocked does not count.  *there is -1
 * if a partition cannot be read now.
 */

static int
count_chunk(presence_t *p, const redisReply *page, size_t first, size_t last,
    int64_t *there)
{
    size_t         i, sent, n[CHAT_ID_MAX_PARTITIONS] = { 0 };
    uint8_t        buf[CHAT_NAME_MAX_QUALIFIED];
    unsigned       k, of[COUNT_CHUNK];
    chat_str_t     name, kept;
    fcall_rc_e     rc;
    redisReply    *reply;
    count_base_t  *b = &p->count.queue[p->count.next];

    static const char  blocked[] = "blocked ";

    for (i = first; i < last; i += 2) {
        name = count_name(b, redis_text(page, i), buf);
        kept = redis_text(page, i + 1);

        of[(i - first) / 2] = p->npartitions;   /* none */

        if (name.len > 0
            && (kept.len < sizeof(blocked) - 1
                || memcmp(kept.data, blocked, sizeof(blocked) - 1) != 0))
        {
            k = chat_name_partition_qualified(name, p->npartitions);
            of[(i - first) / 2] = k;
            n[k]++;
        }
    }

    for (k = 0, sent = 0; k < p->npartitions; k++) {

        if (n[k] == 0) {
            continue;
        }

        part_fcall_open(p, &p->parts[k], "count");
        redis_args_text(&p->args, p->redis.identity);

        for (i = first; i < last; i += 2) {
            if (of[(i - first) / 2] == k) {
                redis_args_add(&p->args,
                               count_name(b, redis_text(page, i), buf));
            }
        }

        if (redis_send(&p->redis, &p->args) == -1) {
            return -1;
        }

        sent++;
    }

    while (sent-- > 0) {

        if (part_reply(p, &reply, &rc) == -1) {
            return -1;
        }

        if (reply == NULL) {
            *there = -1;

        } else if (*there >= 0) {
            *there += (int64_t) redis_number(reply, 1);
        }

        freeReplyObject(reply);
    }

    return 0;
}


/* all members are counted; an answer that is not ok tells that the conversation
   is not there any more, or not ours */

static int
count_end(presence_t *p)
{
    redisReply  *reply;

    count_fcall(p, "chat_v1_counted");
    redis_args_uint(&p->args, p->count.online);
    redis_args_uint(&p->args, p->count.interval * 1000);

    if (redis_send(&p->redis, &p->args) == -1
        || part_reply_chat(p, &reply) == -1)
    {
        return -1;
    }

    if (reply != NULL) {
        metric_add(&p->metrics.counts, 1);
        freeReplyObject(reply);
    }

    count_next(&p->count);

    return 0;
}


/* ok, next cursor, number of members, then each and what is kept of it */

static int
count_take(presence_t *p, const redisReply *page)
{
    size_t       i, last;
    int64_t      there = 0;
    count_t     *c = &p->count;
    chat_str_t   cursor = redis_text(page, 1);

    last = page->elements - (page->elements + 1) % 2;

    for (i = 3; i < last && there >= 0; i += 2 * COUNT_CHUNK) {
        if (count_chunk(p, page, i, last - i > 2 * COUNT_CHUNK
                                    ? i + 2 * COUNT_CHUNK : last, &there)
            == -1)
        {
            return -1;
        }
    }

    if (there < 0 || cursor.len == 0 || cursor.len >= sizeof(c->cursor)) {
        count_next(c);                  /* what was counted last stands */
        return 0;
    }

    metric_add(&p->metrics.counted, (last - 3) / 2);
    c->online += (uint64_t) there;
    memcpy(c->cursor, cursor.data, cursor.len);
    c->cursor[cursor.len] = '\0';

    return strcmp(c->cursor, "0") == 0 ? count_end(p) : 0;
}


static int
count_page(presence_t *p)
{
    int          rc;
    count_t     *c = &p->count;
    redisReply  *page;

    count_fcall(p, "chat_v1_members");
    redis_args_text(&p->args, "");      /* the operator, who sees all */
    redis_args_text(&p->args, c->cursor);
    redis_args_uint(&p->args, COUNT_MEMBERS);

    if (redis_send(&p->redis, &p->args) == -1
        || part_reply_chat(p, &page) == -1)
    {
        return -1;
    }

    if (page == NULL || page->elements < 3) {
        freeReplyObject(page);
        count_next(c);                  /* it has left Redis */
        return 0;
    }

    rc = count_take(p, page);
    freeReplyObject(page);

    return rc;
}


int
count_keep(presence_t *p)
{
    int       pages;
    count_t  *c = &p->count;

    if (c->link != p->redis.links) {
        c->link = p->redis.links;
        c->n = 0;
        c->next = 0;
    }

    if (c->next == c->n && life_now() >= c->ask_at) {
        c->ask_at = life_now() + COUNT_ASK;

        if (count_ask(p) == -1) {
            return -1;
        }
    }

    for (pages = 0; pages < COUNT_PAGES && c->next < c->n; pages++) {
        if (count_page(p) == -1) {
            return -1;
        }
    }

    return 0;
}
