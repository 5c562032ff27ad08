/*
 * Who types: told to who is there now, never stored, first to be shed.
 *
 *      start      told       told        end
 *        |---------|----------|-----------|
 *        0        >=2.5      >=5        last start + 6 s
 *
 * Redis judges a start as it does a message, and publishes it; a start that
 * follows soon moves the end and asks nobody.  The end is published by the
 * node, whatever it comes from: a stop, the message, the timer, a session that
 * leaves.  If the node is killed nobody says it, and clients go by "expiresAt".
 *
 * Clients are told to repeat a start every 3 seconds.  Half a second less, so
 * that one which comes early is told all the same: the next would be too late.
 */

#include "ngx_chat.h"

#include <assert.h>


#define NGX_CHAT_TYPING_TIME   6000     /* ms: it ends by itself */
#define NGX_CHAT_TYPING_AGAIN  2500     /* ms: it is not told so soon again */
#define NGX_CHAT_TYPING_ENDS   256      /* per turn, by time */
#define NGX_CHAT_TYPING_EVENT  1536     /* bytes: two ids and a name, each of
                                           its bytes written as six */


static ngx_int_t ngx_chat_typing_begin(ngx_chat_join_t *join);
static void ngx_chat_typing_move(ngx_chat_typing_t *t);
static void ngx_chat_typing_ask(ngx_chat_request_t *rq,
    ngx_chat_typing_t *t);
static ngx_uint_t ngx_chat_typing_is_hidden(ngx_chat_join_t *join);
static void ngx_chat_typing_on_asked(void *data, redisReply *reply);
static void ngx_chat_typing_publish(ngx_chat_typing_t *t);
static void ngx_chat_typing_on_published(void *data, redisReply *reply);
static void ngx_chat_typing_event(chat_writer_t *w, ngx_chat_join_t *join,
    ngx_uint_t started, uint64_t expires);
static size_t ngx_chat_typing_what(u_char *what, ngx_chat_session_t *s);
static void ngx_chat_typing_on_timer(ngx_event_t *ev);


static const char  ngx_chat_typing_not_joined[] =
    "the conversation is not joined";


void
ngx_chat_typing_init(ngx_chat_node_t *node)
{
    ngx_event_t  *ev = &node->typing_timer;

    ngx_queue_init(&node->typing);

    ev->handler = ngx_chat_typing_on_timer;
    ev->data = node;
    ev->log = node->log;
    ev->cancelable = 1;
}


void
ngx_chat_typing_done(ngx_chat_node_t *node)
{
    if (node->typing_timer.timer_set) {
        ngx_del_timer(&node->typing_timer);
    }
}


/*
 * A request that had to wait for the conversation to be loaded is run again: it
 * has not been allowed yet.
 */

void
ngx_chat_typing_start(ngx_chat_request_t *rq)
{
    ngx_chat_join_t    *join;
    ngx_chat_typing_t  *t;

    join = ngx_chat_join_find(rq->session, &rq->name.base);

    if (join == NULL) {
        ngx_chat_request_fail(rq, CHAT_CODE_CONFLICT,
                              ngx_chat_typing_not_joined);
        return;
    }

    t = join->typing;

    if (t != NULL && t->allowed
        && ngx_current_msec - t->asked < NGX_CHAT_TYPING_AGAIN)
    {
        ngx_chat_typing_move(t);
        ngx_chat_request_done_empty(rq);
        return;
    }

    if (rq->node->load.level >= NGX_CHAT_OVERLOAD_TYPING) {
        ngx_chat_count(rq->node, NGX_CHAT_COUNT_SHED_TYPING);
        ngx_chat_request_done_empty(rq);
        return;
    }

    if (t == NULL && ngx_chat_typing_begin(join) != NGX_OK) {
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "out of memory");
        return;
    }

    ngx_chat_typing_ask(rq, join->typing);
}


static ngx_int_t
ngx_chat_typing_begin(ngx_chat_join_t *join)
{
    ngx_chat_node_t    *node = join->session->node;
    ngx_chat_typing_t  *t;

    t = ngx_calloc(sizeof(ngx_chat_typing_t), node->log);
    if (t == NULL) {
        return NGX_ERROR;
    }

    t->join = join;
    join->typing = t;
    join->session->ntyping++;

    ngx_queue_insert_tail(&node->typing, &t->queue);
    ngx_chat_count(node, NGX_CHAT_COUNT_TYPING);

    return NGX_OK;
}


/* the end, which is now the last of all */

static void
ngx_chat_typing_move(ngx_chat_typing_t *t)
{
    ngx_chat_node_t  *node = t->join->session->node;

    t->ends = ngx_current_msec + NGX_CHAT_TYPING_TIME;

    ngx_queue_remove(&t->queue);
    ngx_queue_insert_tail(&node->typing, &t->queue);

    if (!node->typing_timer.timer_set) {
        ngx_add_timer(&node->typing_timer, NGX_CHAT_TYPING_TIME);
    }
}


static void
ngx_chat_typing_ask(ngx_chat_request_t *rq, ngx_chat_typing_t *t)
{
    u_char            event[NGX_CHAT_TYPING_EVENT], what[1 + CHAT_ID_LEN];
    ngx_str_t        *user = &rq->session->identity->user;
    chat_writer_t     w;
    ngx_chat_call_t   call;

    chat_writer_init(&w, event, sizeof(event));

    if (!ngx_chat_typing_is_hidden(t->join)) {
        ngx_chat_typing_event(&w, t->join, 1,
                              ngx_chat_now() + NGX_CHAT_TYPING_TIME);
    }

    t->asked = ngx_current_msec;
    t->allowed = 0;
    t->asking = w.len > 0;
    ngx_chat_typing_move(t);

    ngx_chat_call_begin(&call, rq->node, "chat_v1_typing", &rq->name);
    ngx_chat_call_add(&call, user->data, user->len);
    ngx_chat_call_add_uint(&call, rq->session->conf->typing_members);
    ngx_chat_call_add(&call, what, ngx_chat_typing_what(what, rq->session));
    ngx_chat_call_add(&call, event, w.len);

    (void) ngx_chat_ask_call(rq, &call, ngx_chat_typing_on_asked);
                                        /* if not sent, it is answered */
}


/* who reads a channel need be no member of it, so Redis cannot count them */

static ngx_uint_t
ngx_chat_typing_is_hidden(ngx_chat_join_t *join)
{
    ngx_chat_session_t  *s = join->session;

    return (s->user != NULL && ngx_chat_user_is_invisible(s->user))
           || join->room->njoins > s->conf->typing_members;
}


/* ok, 1 if it was published */

static void
ngx_chat_typing_on_asked(void *data, redisReply *reply)
{
    ngx_chat_join_t     *join;
    ngx_chat_answer_e    answer;
    ngx_chat_typing_t   *t;
    ngx_chat_request_t  *rq = data;

    t = NULL;

    if (rq->session != NULL) {
        join = ngx_chat_join_find(rq->session, &rq->name.base);
        t = join != NULL ? join->typing : NULL;
    }

    if (t != NULL) {
        t->asking = 0;
    }

    if (ngx_chat_ask_answer(rq, reply, 2, &answer) != NGX_OK) {
        return;
    }

    if (answer != NGX_CHAT_ANSWER_OK) {
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    if (ngx_chat_bus_uint(reply, 1) == 1) {
        ngx_chat_count(rq->node, NGX_CHAT_COUNT_TYPING_STARTED);
    }

    if (t != NULL) {
        t->allowed = 1;
        t->told |= ngx_chat_bus_uint(reply, 1) == 1;
    }

    ngx_chat_request_done_empty(rq);
}


void
ngx_chat_typing_stop(ngx_chat_request_t *rq)
{
    ngx_chat_join_t  *join;

    join = ngx_chat_join_find(rq->session, &rq->name.base);

    if (join == NULL) {
        ngx_chat_request_fail(rq, CHAT_CODE_CONFLICT,
                              ngx_chat_typing_not_joined);
        return;
    }

    ngx_chat_typing_end(join);
    ngx_chat_request_done_empty(rq);
}


/* The end */


void
ngx_chat_typing_sent(ngx_chat_request_t *rq)
{
    ngx_chat_join_t  *join;

    if (rq->session->ntyping == 0) {
        return;
    }

    join = ngx_chat_join_find(rq->session, &rq->name.base);

    if (join != NULL) {
        ngx_chat_typing_end(join);
    }
}


void
ngx_chat_typing_end(ngx_chat_join_t *join)
{
    ngx_chat_typing_t  *t = join->typing;

    if (t == NULL) {
        return;
    }

    if (t->told || t->asking) {
        ngx_chat_typing_publish(t);
    }

    join->typing = NULL;
    join->session->ntyping--;

    ngx_queue_remove(&t->queue);
    ngx_chat_count_add(join->session->node, NGX_CHAT_COUNT_TYPING, -1);
    ngx_free(t);
}


/* the user wants to be seen no more: as if all sessions had ended */

void
ngx_chat_typing_hide(ngx_chat_user_t *user)
{
    ngx_queue_t         *q, *j;
    ngx_chat_session_t  *s;

    for (q = ngx_queue_head(&user->sessions);
         q != ngx_queue_sentinel(&user->sessions);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_chat_session_t, user_queue);

        for (j = ngx_queue_head(&s->joins);
             j != ngx_queue_sentinel(&s->joins) && s->ntyping > 0;
             j = ngx_queue_next(j))
        {
            ngx_chat_typing_end(ngx_queue_data(j, ngx_chat_join_t,
                                               session_queue));
        }
    }
}


/* over the link over which Redis was asked, hence after that */

static void
ngx_chat_typing_publish(ngx_chat_typing_t *t)
{
    u_char             payload[sizeof("0 0 ") + CHAT_ID_LEN
                               + NGX_CHAT_TYPING_EVENT];
    u_char             what[1 + CHAT_ID_LEN];
    ngx_str_t         *channel = &t->join->room->name.base;
    chat_writer_t      w;
    ngx_chat_call_t    call;
    ngx_chat_node_t   *node = t->join->session->node;

    chat_writer_init(&w, payload, sizeof(payload));
    chat_write_cstr(&w, "0 0 ");
    chat_write(&w, (chat_str_t) { what,
                                  ngx_chat_typing_what(what,
                                                       t->join->session) });
    chat_write_cstr(&w, " ");
    ngx_chat_typing_event(&w, t->join, 0, ngx_chat_now());

    call.n = 0;
    ngx_chat_call_add_cstr(&call, "PUBLISH");
    ngx_chat_call_add(&call, channel->data, channel->len);
    ngx_chat_call_add(&call, payload, w.len);

    if (ngx_chat_call_send(&call, node, ngx_chat_typing_on_published, node)
        == NGX_OK)
    {
        ngx_chat_count(node, NGX_CHAT_COUNT_TYPING_STOPPED);
    }
}


/* if it is lost, clients know when to forget it */

static void
ngx_chat_typing_on_published(void *data, redisReply *reply)
{
    ngx_chat_node_t  *node = data;

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        ngx_log_error(NGX_LOG_INFO, node->log, 0,
                      "chat: redis did not publish the end of typing: \"%s\"",
                      reply->str);
    }
}


static void
ngx_chat_typing_event(chat_writer_t *w, ngx_chat_join_t *join,
    ngx_uint_t started, uint64_t expires)
{
    u_char               *last, *slash;
    ngx_str_t            *base = &join->room->name.base;
    chat_event_typing_t   e;
    ngx_chat_identity_t  *identity = join->session->identity;

    last = base->data + base->len;
    slash = ngx_strlchr(base->data, last, '/');     /* <tenant>/<id> */
    assert(slash != NULL);

    e.conversation = (chat_str_t) { slash + 1, last - slash - 1 };
    e.user = ngx_chat_str(&identity->user);
    e.name = ngx_chat_str(identity->name.len > 0 ? &identity->name
                                                 : &identity->user);
    e.expires = expires;

    chat_event_typing(w, started, &e);
    assert(!w->full);
}


/* what Redis says beside the event: kind, and whom not to tell */

static size_t
ngx_chat_typing_what(u_char *what, ngx_chat_session_t *s)
{
    what[0] = 't';
    ngx_memcpy(what + 1, s->id, CHAT_ID_LEN);

    return 1 + CHAT_ID_LEN;
}


static void
ngx_chat_typing_on_timer(ngx_event_t *ev)
{
    ngx_uint_t          i;
    ngx_msec_int_t      left;
    ngx_chat_node_t    *node = ev->data;
    ngx_chat_typing_t  *t;

    for (i = 0; !ngx_queue_empty(&node->typing); i++) {
        t = ngx_queue_data(ngx_queue_head(&node->typing), ngx_chat_typing_t,
                           queue);
        left = (ngx_msec_int_t) (t->ends - ngx_current_msec);

        if (left > 0 || i == NGX_CHAT_TYPING_ENDS) {
            ngx_add_timer(ev, ngx_max(left, 1));
            return;
        }

        ngx_chat_typing_end(t->join);
    }
}
