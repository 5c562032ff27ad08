/*
 * presence.get: how many are there in a conversation, and where they are few,
 * who.  A session that has joined it is answered from what the node knows
 * already, if others listen; else Redis says whether the user may see it and
 * who the members are, and the reply waits until it is known how they are.
 */

#include "ngx_chat.h"


#define NGX_CHAT_AUDIENCE_PATIENCE  2000    /* ms: then who is not known is
                                               told to be offline */
#define NGX_CHAT_AUDIENCE_LATER     2       /* seconds, with "unavailable" */
#define NGX_CHAT_AUDIENCE_REPLY     256     /* but for members */
#define NGX_CHAT_AUDIENCE_OVERTAKEN 3       /* answers that are not believed:
                                               members may go on changing */
#define NGX_CHAT_AUDIENCE_WRITTEN   16384   /* members, in a turn */


static ngx_chat_join_t *ngx_chat_audience_join(ngx_chat_request_t *rq);
static void ngx_chat_audience_on_answer(void *data, redisReply *reply);
static void ngx_chat_audience_wait(ngx_chat_audience_t *a,
    ngx_chat_request_t *rq);
static ngx_uint_t ngx_chat_audience_is_away(ngx_chat_audience_t *a);
static void ngx_chat_audience_on_known(ngx_event_t *ev);
static void ngx_chat_audience_end_wait(ngx_chat_audience_t *a,
    ngx_chat_request_t *rq);
static void ngx_chat_audience_answer(ngx_chat_audience_t *a,
    ngx_chat_request_t *rq);
static size_t ngx_chat_audience_reply_size(ngx_chat_audience_t *a);
static void ngx_chat_audience_write_members(ngx_chat_audience_t *a,
    chat_writer_t *w);
static ngx_uint_t ngx_chat_audience_is_there(ngx_queue_t *q);


static const char  ngx_chat_audience_not_joined[] =
    "the conversation is not joined";


void
ngx_chat_audience_get_init(ngx_chat_audience_t *a)
{
    a->answer.handler = ngx_chat_audience_on_known;
    a->answer.data = a;
    a->answer.log = a->node->log;

    a->patience = a->answer;
}


void
ngx_chat_audience_get_run(ngx_chat_request_t *rq)
{
    ngx_chat_call_t       call;
    ngx_chat_join_t      *join;
    ngx_chat_audience_t  *a;
    ngx_chat_identity_t  *identity = rq->session->identity;

    if (!rq->node->conf->presence) {
        ngx_chat_request_fail(rq, CHAT_CODE_UNSUPPORTED, "presence is off");
        return;
    }

    join = ngx_chat_audience_join(rq);

    if (join == NULL && rq->parsed.subscribe) {
        ngx_chat_request_fail(rq, CHAT_CODE_CONFLICT,
                              ngx_chat_audience_not_joined);
        return;
    }

    if (join != NULL && rq->parsed.has_subscribe && !rq->parsed.subscribe) {
        ngx_chat_audience_leave(join);
    }

    a = join != NULL ? join->room->audience : NULL;

    if (a != NULL && a->state != NGX_CHAT_AUDIENCE_NEW) {
        ngx_chat_audience_wait(a, rq);
        return;
    }

    ngx_chat_call_begin(&call, rq->node, "chat_v1_audience", &rq->name);
    ngx_chat_call_add(&call, identity->user.data, identity->user.len);
    ngx_chat_call_add_uint(&call, rq->node->conf->presence_batch);

    (void) ngx_chat_ask_call(rq, &call, ngx_chat_audience_on_answer);
}


/* NULL: it is not one whose session gets what is told in the room */

static ngx_chat_join_t *
ngx_chat_audience_join(ngx_chat_request_t *rq)
{
    ngx_chat_join_t  *join;

    join = ngx_chat_join_find(rq->session, &rq->name.base);

    return join != NULL && join->state == NGX_CHAT_JOIN_LIVE ? join : NULL;
}


static void
ngx_chat_audience_on_answer(void *data, redisReply *reply)
{
    ngx_int_t             rc;
    ngx_uint_t            last;
    ngx_chat_join_t      *join;
    ngx_chat_answer_e     answer;
    ngx_chat_request_t   *rq = data;
    ngx_chat_audience_t  *a;

    if (ngx_chat_ask_answer(rq, reply, NGX_CHAT_AUDIENCE_ANSWER, &answer)
        != NGX_OK)
    {
        return;
    }

    join = rq->parsed.subscribe ? ngx_chat_audience_join(rq) : NULL;

    if (join == NULL && rq->parsed.subscribe) {     /* put out meanwhile */
        ngx_chat_request_fail(rq, CHAT_CODE_CONFLICT,
                              ngx_chat_audience_not_joined);
        return;
    }

    a = join != NULL ? ngx_chat_audience_get(join->room)
                     : ngx_chat_audience_create(rq->node, &rq->name);
    if (a == NULL) {
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "out of memory");
        return;
    }

    last = rq->overtaken == NGX_CHAT_AUDIENCE_OVERTAKEN;

    rc = answer == NGX_CHAT_ANSWER_OK ? ngx_chat_audience_take(a, reply, last)
                                      : NGX_ERROR;

    if (rc == NGX_AGAIN) {
        rq->overtaken++;
        ngx_chat_audience_release(a);
        ngx_chat_request_run(rq);
        return;
    }

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_chat_request_log(rq), 0,
                      "chat: malformed audience from redis, or no memory for "
                      "it, conversation: \"%V\"", &rq->name.base);
        ngx_chat_audience_release(a);
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    ngx_chat_audience_wait(a, rq);
}


/* until all is known: that may be now */

static void
ngx_chat_audience_wait(ngx_chat_audience_t *a, ngx_chat_request_t *rq)
{
    if (ngx_chat_audience_is_away(a)) {
        ngx_chat_audience_release(a);
        ngx_chat_request_fail_after(rq, CHAT_CODE_UNAVAILABLE,
                                    "presence is not known now",
                                    NGX_CHAT_AUDIENCE_LATER);
        return;
    }

    rq->audience = a;
    ngx_chat_line_wait(rq, &a->waiting);

    if (ngx_chat_audience_is_known(a)) {
        ngx_chat_audience_known(a);
        return;
    }

    if (a->state == NGX_CHAT_AUDIENCE_COUNTED) {
        ngx_chat_audience_ask_later(a, NGX_CHAT_AUDIENCE_COUNTS);
    }

    if (!a->patience.timer_set) {
        ngx_add_timer(&a->patience, NGX_CHAT_AUDIENCE_PATIENCE);
    }
}


/* whether something is not known, and cannot be learnt at this moment */

static ngx_uint_t
ngx_chat_audience_is_away(ngx_chat_audience_t *a)
{
    ngx_queue_t          *q;
    ngx_chat_attendee_t  *e;

    if (a->unknown == 0) {
        return 0;
    }

    for (q = ngx_queue_head(&a->members);
         q != ngx_queue_sentinel(&a->members);
         q = ngx_queue_next(q))
    {
        e = ngx_queue_data(q, ngx_chat_attendee_t, queue);

        if (ngx_chat_watch_is_closed(e->watcher.watched)) {
            return 1;
        }
    }

    return 0;
}


void
ngx_chat_audience_cancel(ngx_chat_request_t *rq)
{
    ngx_chat_audience_t  *a = rq->audience;

    if (a != NULL) {
        rq->audience = NULL;
        ngx_chat_line_leave(rq);
        ngx_chat_audience_release(a);
    }
}


void
ngx_chat_audience_known(ngx_chat_audience_t *a)
{
    if (!a->answer.posted) {
        ngx_post_event(&a->answer, &ngx_posted_events);
    }
}


/* who waits asks Redis then, being out of the room */

void
ngx_chat_audience_orphan(ngx_chat_audience_t *a)
{
    a->room->audience = NULL;
    a->room = NULL;

    ngx_chat_audience_known(a);
}


/* all is known, or it has taken too long */

static void
ngx_chat_audience_on_known(ngx_event_t *ev)
{
    ngx_uint_t            n;
    ngx_queue_t           waiting;
    ngx_chat_request_t   *rq;
    ngx_chat_audience_t  *a = ev->data;

    if (a->patience.timer_set) {
        ngx_del_timer(&a->patience);
    }

    ngx_queue_init(&waiting);

    if (!ngx_queue_empty(&a->waiting)) {
        ngx_queue_add(&waiting, &a->waiting);
        ngx_queue_init(&a->waiting);
    }

    a->held = 1;

    for (n = 0; n < NGX_CHAT_AUDIENCE_WRITTEN && !ngx_queue_empty(&waiting);
         n += a->state == NGX_CHAT_AUDIENCE_LISTED ? a->size + 1 : 1)
    {
        rq = ngx_queue_data(ngx_queue_head(&waiting), ngx_chat_request_t,
                            wait);

        rq->audience = NULL;
        ngx_chat_line_leave(rq);
        ngx_chat_audience_end_wait(a, rq);
    }

    if (!ngx_queue_empty(&waiting)) {
        ngx_queue_add(&waiting, &a->waiting);
        ngx_queue_init(&a->waiting);
        ngx_queue_add(&a->waiting, &waiting);
        ngx_post_event(ev, &ngx_posted_next_events);
    }

    a->held = 0;
    ngx_chat_audience_release(a);
}


static void
ngx_chat_audience_end_wait(ngx_chat_audience_t *a, ngx_chat_request_t *rq)
{
    ngx_chat_join_t  *join = NULL;

    if (!a->own) {
        join = ngx_chat_audience_join(rq);

        if (join == NULL || join->room != a->room) {
            ngx_chat_request_run(rq);   /* it has left meanwhile */
            return;
        }
    }

    if (ngx_chat_audience_is_away(a)
        || (a->state == NGX_CHAT_AUDIENCE_COUNTED && a->online < 0))
    {
        ngx_chat_request_fail_after(rq, CHAT_CODE_UNAVAILABLE,
                                    "presence is not known now",
                                    NGX_CHAT_AUDIENCE_LATER);
        return;
    }

    if (rq->parsed.subscribe && ngx_chat_audience_listen(join) != NGX_OK) {
        ngx_chat_count(a->node, NGX_CHAT_COUNT_LIMITED_PRESENCE_CONVERSATIONS);
        ngx_chat_request_fail(rq, CHAT_CODE_TOO_LARGE,
                              "the presence of too many conversations is told");
        return;
    }

    ngx_chat_audience_answer(a, rq);
}


/* The reply: conversationId, size, online, members */


static void
ngx_chat_audience_answer(ngx_chat_audience_t *a, ngx_chat_request_t *rq)
{
    chat_writer_t       w;
    ngx_chat_buffer_t  *b;

    b = ngx_chat_request_reply(rq, ngx_chat_audience_reply_size(a), &w);
    if (b == NULL) {
        return;
    }

    chat_write_cstr(&w, "{\"conversationId\":");
    chat_write_string(&w, ngx_chat_audience_id(a));
    chat_write_cstr(&w, ",\"size\":");
    chat_write_uint(&w, a->size);
    chat_write_cstr(&w, ",\"online\":");
    ngx_chat_audience_write_count(a, &w);
    chat_write_cstr(&w, ",\"members\":");
    ngx_chat_audience_write_members(a, &w);
    chat_write_cstr(&w, "}");

    if (ngx_chat_request_reply_end(rq, b, &w) == NGX_OK) {
        ngx_chat_request_done(rq, b);
    }
}


chat_str_t
ngx_chat_audience_id(ngx_chat_audience_t *a)
{
    u_char  *p, *last;

    last = a->base + a->name.base.len;
    p = ngx_strlchr(a->base, last, '/');        /* <tenant>/<id> */
    p = p != NULL ? p + 1 : last;

    return (chat_str_t) { p, last - p };
}


void
ngx_chat_audience_write_count(ngx_chat_audience_t *a, chat_writer_t *w)
{
    ngx_int_t     n = a->online;
    ngx_queue_t  *q;

    if (a->state == NGX_CHAT_AUDIENCE_LISTED) {
        n = 0;

        for (q = ngx_queue_head(&a->members);
             q != ngx_queue_sentinel(&a->members);
             q = ngx_queue_next(q))
        {
            n += ngx_chat_audience_is_there(q);
        }
    }

    if (n >= 0) {
        chat_write_uint(w, n);

    } else {
        chat_write_cstr(w, "null");
    }
}


static size_t
ngx_chat_audience_reply_size(ngx_chat_audience_t *a)
{
    size_t                size = NGX_CHAT_AUDIENCE_REPLY + a->name.base.len;
    ngx_queue_t          *q;
    ngx_chat_attendee_t  *e;

    for (q = ngx_queue_head(&a->members);
         q != ngx_queue_sentinel(&a->members);
         q = ngx_queue_next(q))
    {
        e = ngx_queue_data(q, ngx_chat_attendee_t, queue);

        if (!a->batched || ngx_chat_audience_is_there(q)) {
            size += NGX_CHAT_WATCH_STATE
                    + e->watcher.watched->presence.text.len;
        }
    }

    return size;
}


static void
ngx_chat_audience_write_members(ngx_chat_audience_t *a, chat_writer_t *w)
{
    ngx_str_t             user;
    ngx_uint_t            n = 0;
    ngx_queue_t          *q;
    ngx_chat_attendee_t  *e;

    if (a->state != NGX_CHAT_AUDIENCE_LISTED) {
        chat_write_cstr(w, "null");
        return;
    }

    chat_write_cstr(w, "[");

    for (q = ngx_queue_head(&a->members);
         q != ngx_queue_sentinel(&a->members);
         q = ngx_queue_next(q))
    {
        if (a->batched && !ngx_chat_audience_is_there(q)) {
            continue;
        }

        e = ngx_queue_data(q, ngx_chat_attendee_t, queue);
        user = ngx_chat_watch_user(e->watcher.watched);

        chat_write_cstr(w, n++ > 0 ? "," : "");
        ngx_chat_watch_write(w, &user, &e->watcher.watched->presence);
    }

    chat_write_cstr(w, "]");
}


/* whether others see that this member is */

static ngx_uint_t
ngx_chat_audience_is_there(ngx_queue_t *q)
{
    ngx_chat_attendee_t  *e = ngx_queue_data(q, ngx_chat_attendee_t, queue);

    switch (e->watcher.watched->presence.status) {

    case NGX_CHAT_PRESENCE_ONLINE:
    case NGX_CHAT_PRESENCE_AWAY:
    case NGX_CHAT_PRESENCE_BUSY:
        return 1;
    }

    return 0;
}
