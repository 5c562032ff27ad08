/*
 * Users who are watched are read: when somebody begins to watch, and when
 * changes may have been missed, see ngx_chat_watch_hear.c.  One call of a
 * partition is under way at a time; until it is answered, what was known is
 * kept.
 */

#include "ngx_chat.h"


#define NGX_CHAT_WATCH_USERS    200     /* of one call */
#define NGX_CHAT_WATCH_AGAIN    2000    /* ms: then what was closed, or not
                                           loaded, is asked for again */


/* a call under way; owner: its answer */

typedef struct {
    ngx_chat_watch_part_t  *part;
    ngx_uint_t              n;
    ngx_chat_watched_t     *users[NGX_CHAT_WATCH_USERS];
} ngx_chat_watch_call_t;


static void ngx_chat_watch_ask(ngx_chat_watched_t *u);
static ngx_int_t ngx_chat_watch_send(ngx_chat_watch_call_t *call);
static void ngx_chat_watch_on_answer(void *data, redisReply *reply);
static ngx_uint_t ngx_chat_watch_is_good(ngx_chat_watch_call_t *call,
    redisReply *reply);
static void ngx_chat_watch_answered(ngx_chat_watch_call_t *call,
    redisReply *reply);
static void ngx_chat_watch_later(ngx_chat_watch_part_t *part);
static void ngx_chat_watch_on_timer(ngx_event_t *ev);


void
ngx_chat_watch_read_init(ngx_chat_node_t *node)
{
    ngx_uint_t              i;
    ngx_chat_watch_part_t  *part;

    for (i = 0; i < node->conf->partitions; i++) {
        part = &node->watch.parts[i];

        part->node = node;
        ngx_queue_init(&part->users);
        ngx_queue_init(&part->asking);
        ngx_queue_init(&part->unloaded);

        part->timer.handler = ngx_chat_watch_on_timer;
        part->timer.data = part;
        part->timer.log = node->log;
        part->timer.cancelable = 1;
    }
}


void
ngx_chat_watch_read_done(ngx_chat_node_t *node)
{
    ngx_uint_t              i;
    ngx_chat_watch_part_t  *part;

    for (i = 0; i < node->conf->partitions; i++) {
        part = &node->watch.parts[i];

        if (part->timer.timer_set) {
            ngx_del_timer(&part->timer);
        }
    }
}


void
ngx_chat_watch_read(ngx_chat_watched_t *u)
{
    ngx_chat_watch_part_t  *part = &u->owner->watch.parts[u->partition];

    ngx_chat_watch_ask(u);

    if (part->subscribed) {
        ngx_chat_watch_call(part);

    } else if (!part->subscribing) {
        ngx_chat_watch_subscribe(part);
    }
}


/* "<status> <last seen> <text>"; the text may be empty */

ngx_int_t
ngx_chat_watch_parse(u_char *p, u_char *last, ngx_chat_presence_t *presence)
{
    u_char  *space;
    off_t    seen;

    if (last - p < (ssize_t) sizeof("f 0 ") - 1 || p[1] != ' ') {
        return NGX_ERROR;
    }

    presence->status = p[0];
    p += 2;

    space = ngx_strlchr(p, last, ' ');
    seen = space != NULL ? ngx_atoof(p, space - p) : NGX_ERROR;

    if (seen == NGX_ERROR
        || ngx_strlchr((u_char *) "oabf", (u_char *) "oabf" + 4,
                       presence->status)
           == NULL)
    {
        return NGX_ERROR;
    }

    presence->last_seen = seen;
    presence->text.data = space + 1;
    presence->text.len = last - space - 1;

    return NGX_OK;
}


/* Reading */


void
ngx_chat_watch_ask_all(ngx_chat_watch_part_t *part)
{
    ngx_queue_t  *q;

    for (q = ngx_queue_head(&part->users);
         q != ngx_queue_sentinel(&part->users);
         q = ngx_queue_next(q))
    {
        ngx_chat_watch_ask(ngx_queue_data(q, ngx_chat_watched_t, peers));
    }

    ngx_chat_watch_call(part);
}


static void
ngx_chat_watch_ask(ngx_chat_watched_t *u)
{
    if (u->asking) {
        return;
    }

    if (u->unloaded) {
        u->unloaded = 0;
        ngx_queue_remove(&u->ask);
    }

    u->asking = 1;
    ngx_queue_insert_tail(&u->owner->watch.parts[u->partition].asking,
                          &u->ask);
}


/* one call of a partition at a time; the next ones when it is answered */

void
ngx_chat_watch_call(ngx_chat_watch_part_t *part)
{
    ngx_uint_t              i;
    ngx_queue_t            *q;
    ngx_chat_watched_t     *u;
    ngx_chat_watch_call_t  *call;

    if (part->reading || !part->subscribed || ngx_queue_empty(&part->asking)
        || (part->closed && part->timer.timer_set)
        || !part->node->command.up)
    {
        return;
    }

    call = ngx_alloc(sizeof(ngx_chat_watch_call_t), part->node->log);
    if (call == NULL) {
        part->closed = 1;
        ngx_chat_watch_later(part);
        return;
    }

    call->part = part;
    call->n = 0;

    for (q = ngx_queue_head(&part->asking);
         q != ngx_queue_sentinel(&part->asking)
         && call->n < NGX_CHAT_WATCH_USERS;
         q = ngx_queue_next(q))
    {
        call->users[call->n++] = ngx_queue_data(q, ngx_chat_watched_t, ask);
    }

    if (ngx_chat_watch_send(call) != NGX_OK) {
        ngx_free(call);
        part->closed = 1;
        ngx_chat_watch_later(part);
        return;
    }

    part->reading = 1;

    for (i = 0; i < call->n; i++) {
        u = call->users[i];
        u->reading = 1;
        u->asking = 0;
        ngx_queue_remove(&u->ask);
    }
}


/* FCALL chat_presence_v1_read 1 prefix partitions identity user... */

static ngx_int_t
ngx_chat_watch_send(ngx_chat_watch_call_t *call)
{
    u_char            key[CHAT_NAME_PREFIX_LEN
                          + sizeof(NGX_CHAT_WATCH_CHANNEL ":")];
    ngx_str_t         prefix;
    ngx_uint_t        i;
    ngx_chat_node_t  *node = call->part->node;
    ngx_chat_call_t   c;

    prefix = ngx_chat_watch_channel(call->part, key);
    prefix.data[prefix.len++] = ':';

    c.n = 0;
    c.pos = c.numbers;

    ngx_chat_call_add_cstr(&c, "FCALL");
    ngx_chat_call_add_cstr(&c, "chat_presence_v1_read");
    ngx_chat_call_add_cstr(&c, "1");
    ngx_chat_call_add(&c, prefix.data, prefix.len);
    ngx_chat_call_add_uint(&c, node->conf->partitions);
    ngx_chat_call_add(&c, node->command.identity.data,
                      node->command.identity.len);

    for (i = 0; i < call->n; i++) {
        ngx_chat_call_add(&c, call->users[i]->node.str.data,
                          call->users[i]->node.str.len);
    }

    return ngx_chat_call_send(&c, node, ngx_chat_watch_on_answer, call);
}


static void
ngx_chat_watch_on_answer(void *data, redisReply *reply)
{
    ngx_uint_t              i;
    ngx_chat_watched_t     *u;
    ngx_chat_watch_call_t  *call = data;
    ngx_chat_watch_part_t  *part = call->part;

    part->closed = !ngx_chat_watch_is_good(call, reply);

    if (!part->closed) {
        ngx_chat_watch_answered(call, reply);

    } else {
        ngx_chat_watch_later(part);
    }

    for (i = 0; i < call->n; i++) {
        u = call->users[i];
        u->reading = 0;

        if (part->closed && !ngx_queue_empty(&u->watchers)) {
            ngx_chat_watch_ask(u);
        }

        ngx_chat_watch_release(u);
    }

    ngx_free(call);

    part->reading = 0;                  /* not before: these may be asked for
                                           again, and are not read twice */
    ngx_chat_watch_call(part);
}


/* ok, epoch, n, then a line of each user, all strings.  Where chat-presence has
   never been, there is no such function: that is no fault */

static ngx_uint_t
ngx_chat_watch_is_good(ngx_chat_watch_call_t *call, redisReply *reply)
{
    static const char  missing[] = "ERR Function not found";

    if (reply == NULL
        || (reply->type == REDIS_REPLY_ERROR
            && ngx_strncmp(reply->str, missing, sizeof(missing) - 1) == 0))
    {
        return 0;
    }

    return ngx_chat_bus_answer(call->part->node->log, NULL, reply, 3 + call->n)
           == NGX_CHAT_ANSWER_OK;
}


static void
ngx_chat_watch_answered(ngx_chat_watch_call_t *call, redisReply *reply)
{
    ngx_int_t               n;
    ngx_str_t               epoch, line;
    ngx_uint_t              i;
    ngx_chat_watched_t     *u;
    ngx_chat_presence_t     presence;
    ngx_chat_watch_part_t  *part = call->part;

    epoch = ngx_chat_bus_str(reply, 1);
    line = ngx_chat_bus_str(reply, 2);
    n = ngx_atoi(line.data, line.len);

    if (n == NGX_ERROR) {
        ngx_log_error(NGX_LOG_ERR, part->node->log, 0,
                      "chat: malformed states of presence from redis");
        n = 0;
    }

    if (ngx_chat_watch_epoch(part, &epoch) || !part->positioned) {
        part->n = n;
        part->positioned = 1;
    }

    for (i = 0; i < call->n; i++) {
        u = call->users[i];
        line = ngx_chat_bus_str(reply, 3 + i);

        if (ngx_chat_watch_parse(line.data, line.data + line.len, &presence)
            == NGX_OK)
        {
            if ((uint64_t) n >= u->n) {
                ngx_chat_watch_set(u, &presence, n);
            }

        } else if (!u->asking && !ngx_queue_empty(&u->watchers)) {

            /* it will be published when it is loaded; in case that is lost */

            u->unloaded = 1;
            ngx_queue_insert_tail(&part->unloaded, &u->ask);
            ngx_chat_watch_later(part);
        }
    }
}


static void
ngx_chat_watch_later(ngx_chat_watch_part_t *part)
{
    if (!part->timer.timer_set) {
        ngx_add_timer(&part->timer, NGX_CHAT_WATCH_AGAIN);
    }
}


static void
ngx_chat_watch_on_timer(ngx_event_t *ev)
{
    ngx_chat_watch_part_t  *part = ev->data;

    while (!ngx_queue_empty(&part->unloaded)) {
        ngx_chat_watch_ask(ngx_queue_data(ngx_queue_head(&part->unloaded),
                                          ngx_chat_watched_t, ask));
    }

    ngx_chat_watch_call(part);
}
