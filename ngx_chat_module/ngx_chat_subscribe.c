/*
 * presence.subscribe and presence.unsubscribe.
 *
 * Storage is asked with whom the user shares a dm or a group.  Only those are
 * watched; all others look as if they had never been there, whatever they are
 * and do: nothing of them is read, so neither an answer nor the time it takes
 * can tell anything.  The reply waits a moment for those who are not known yet.
 */

#include "ngx_chat.h"


#define NGX_CHAT_SUBSCRIBE_WAIT   2000  /* ms for those who are not known */
#define NGX_CHAT_SUBSCRIBE_RETRY  2     /* seconds, if nothing can be read */


/* the users that a request names, one after the other */

typedef struct {
    ngx_chat_request_t  *rq;
    chat_json_iter_t     it;
    ngx_uint_t           i;             /* of the present one */
    ngx_uint_t           own;           /* it is who asks */
    chat_request_id_t    id;
    ngx_str_t            user;
    ngx_str_t            qualified;
    u_char               buf[CHAT_NAME_MAX_QUALIFIED];
} ngx_chat_subscribe_walk_t;


static void ngx_chat_subscribe_walk(ngx_chat_subscribe_walk_t *walk,
    ngx_chat_request_t *rq);
static ngx_uint_t ngx_chat_subscribe_next(ngx_chat_subscribe_walk_t *walk);
static ngx_uint_t ngx_chat_subscribe_new(ngx_chat_request_t *rq);
static ngx_int_t ngx_chat_subscribe_take(ngx_chat_request_t *rq,
    ngx_str_t *shared);
static ngx_int_t ngx_chat_subscribe_one(ngx_chat_subscribe_walk_t *walk,
    ngx_uint_t shared);
static void ngx_chat_subscribe_wait(ngx_chat_request_t *rq);
static void ngx_chat_subscribe_on_timer(ngx_event_t *ev);
static void ngx_chat_subscribe_undo(ngx_chat_request_t *rq);
static ngx_uint_t ngx_chat_subscribe_is_closed(ngx_chat_request_t *rq);
static void ngx_chat_subscribe_reply(ngx_chat_request_t *rq);
static ngx_chat_subscription_t *ngx_chat_subscribe_state(
    ngx_chat_subscribe_walk_t *walk, ngx_chat_presence_t *p);


/* one after the other, and not among those of a conversation: a name that
   none can have */

ngx_int_t
ngx_chat_subscribe_name(ngx_chat_request_t *rq)
{
    ngx_chat_identity_t  *identity = rq->session->identity;

    if (!rq->node->conf->presence) {
        ngx_chat_request_fail(rq, CHAT_CODE_UNSUPPORTED,
                              "presence is off");
        return NGX_DECLINED;
    }

    ngx_chat_request_set_name(rq, ngx_chat_str(&identity->tenant),
                              ngx_chat_str(&identity->user));

    rq->base[CHAT_NAME_PREFIX_LEN] = 'w';       /* was "c:" */

    return NGX_OK;
}


void
ngx_chat_subscribe_run(ngx_chat_request_t *rq)
{
    u_char               list[CHAT_REQUEST_MAX_USERS * (CHAT_NAME_MAX_ID + 1)];
    ngx_str_t            others;
    ngx_uint_t           n;
    chat_writer_t        w;
    ngx_chat_session_t  *s = rq->session;

    if (!rq->node->subscriber.up) {     /* over which the answer comes */
        ngx_chat_request_fail(rq, CHAT_CODE_UNAVAILABLE,
                              "the message log cannot be reached");
        return;
    }

    n = s->subscriber != NULL ? s->subscriber->n : 0;

    if (n + ngx_chat_subscribe_new(rq) > s->conf->presence_users) {
        ngx_chat_count(rq->node, NGX_CHAT_COUNT_LIMITED_PRESENCE_USERS);
        ngx_chat_request_fail(rq, CHAT_CODE_TOO_LARGE,
                              "too many users are subscribed to");
        return;
    }

    if (!ngx_chat_subscribe_line_pass(rq)) {
        return;
    }

    chat_writer_init(&w, list, sizeof(list));
    chat_request_write_id_list(&w, &rq->parsed.users);

    others.data = list;
    others.len = w.len;
    rq->epoch = rq->node->subscribers.outs;

    ngx_chat_ask_need(rq, ngx_chat_need_shared(rq->node, &rq->name,
                                               &s->identity->user, &others,
                                               &rq->waiter));
}


/* how many are named that are not subscribed to yet; oneself is never */

static ngx_uint_t
ngx_chat_subscribe_new(ngx_chat_request_t *rq)
{
    ngx_uint_t                  n, i;
    chat_request_id_t           seen[CHAT_REQUEST_MAX_USERS];
    ngx_chat_subscribe_walk_t   walk;

    n = 0;

    ngx_chat_subscribe_walk(&walk, rq);

    while (ngx_chat_subscribe_next(&walk)) {

        if (walk.own
            || ngx_chat_subscriber_find(rq->session, &walk.qualified) != NULL)
        {
            continue;
        }

        for (i = 0; i < n; i++) {
            if (seen[i].len == walk.id.len
                && ngx_memcmp(seen[i].data, walk.id.data, walk.id.len) == 0)
            {
                break;
            }
        }

        if (i == n) {
            seen[n++] = walk.id;
        }
    }

    return n;
}


/* a digit for each user that was asked about */

void
ngx_chat_subscribe_run_range(ngx_chat_request_t *rq, ngx_chat_range_t *range)
{
    ngx_str_t  shared;

    ngx_chat_subscribe_line_leave(rq);

    if (ngx_chat_entitle_parse(range, rq->parsed.nusers, &shared) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_chat_request_log(rq), 0,
                      "chat: malformed answer of storage to a subscription");
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    if (ngx_chat_subscribe_take(rq, &shared) != NGX_OK) {
        ngx_chat_subscribe_undo(rq);
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "out of memory");
        return;
    }

    ngx_chat_entitle_advance(rq->node);
    ngx_chat_subscribe_wait(rq);
}


static ngx_int_t
ngx_chat_subscribe_take(ngx_chat_request_t *rq, ngx_str_t *shared)
{
    ngx_chat_subscribe_walk_t  walk;

    ngx_chat_subscribe_walk(&walk, rq);

    while (ngx_chat_subscribe_next(&walk)) {
        if (!walk.own
            && ngx_chat_subscribe_one(&walk, shared->data[walk.i] == '1')
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_chat_subscribe_one(ngx_chat_subscribe_walk_t *walk, ngx_uint_t shared)
{
    ngx_chat_session_t       *s = walk->rq->session;
    ngx_chat_subscription_t  *sub;

    sub = ngx_chat_subscriber_find(s, &walk->qualified);

    if (!shared) {

        if (sub != NULL) {
            ngx_chat_subscriber_remove(sub);    /* the reply says so */
        }

        return NGX_OK;
    }

    if (sub == NULL) {
        sub = ngx_chat_subscriber_add(s, &walk->qualified);
        if (sub == NULL) {
            return NGX_ERROR;
        }

        sub->fresh = 1;

        if (sub->watcher.status == NGX_CHAT_PRESENCE_UNKNOWN) {
            sub->awaited = 1;
            sub->subscriber->awaited++;
        }
    }

    sub->asked = walk->rq->waiter.number;

    if (walk->rq->epoch != s->node->subscribers.outs) {
        ngx_chat_entitle_due(sub);      /* somebody was put out meanwhile */
    }

    return NGX_OK;
}


static void
ngx_chat_subscribe_wait(ngx_chat_request_t *rq)
{
    ngx_chat_subscriber_t  *sr = rq->session->subscriber;

    if (sr == NULL || sr->awaited == 0) {
        ngx_chat_subscribe_reply(rq);
        return;
    }

    if (ngx_chat_subscribe_is_closed(rq)) {
        ngx_chat_subscribe_on_timer(&rq->timer);
        return;
    }

    sr->request = rq;

    if (rq->timer.timer_set) {
        ngx_del_timer(&rq->timer);
    }

    rq->timer.handler = ngx_chat_subscribe_on_timer;
    ngx_add_timer(&rq->timer, ngx_min(NGX_CHAT_SUBSCRIBE_WAIT,
                                      rq->session->conf->request_timeout));
}


void
ngx_chat_subscribe_known(ngx_chat_request_t *rq)
{
    ngx_chat_subscribe_cancel(rq);
    ngx_chat_subscribe_reply(rq);
}


void
ngx_chat_subscribe_cancel(ngx_chat_request_t *rq)
{
    ngx_chat_session_t  *s = rq->session;

    if (s != NULL && s->subscriber != NULL && s->subscriber->request == rq) {
        s->subscriber->request = NULL;
    }
}


/* who is not known by now is told when it is */

static void
ngx_chat_subscribe_on_timer(ngx_event_t *ev)
{
    ngx_chat_request_t  *rq = ev->data;

    ngx_chat_subscribe_cancel(rq);

    if (!ngx_chat_subscribe_is_closed(rq)) {
        ngx_chat_subscribe_reply(rq);
        return;
    }

    ngx_chat_subscribe_undo(rq);
    ngx_chat_request_fail_after(rq, CHAT_CODE_UNAVAILABLE,
                                "presence is not available",
                                NGX_CHAT_SUBSCRIBE_RETRY);
}


/* those who were added for it */

static void
ngx_chat_subscribe_undo(ngx_chat_request_t *rq)
{
    ngx_chat_subscription_t    *sub;
    ngx_chat_subscribe_walk_t   walk;

    ngx_chat_subscribe_walk(&walk, rq);

    while (ngx_chat_subscribe_next(&walk)) {
        sub = ngx_chat_subscriber_find(rq->session, &walk.qualified);

        if (sub != NULL && sub->fresh) {
            ngx_chat_subscriber_remove(sub);
        }
    }
}


static ngx_uint_t
ngx_chat_subscribe_is_closed(ngx_chat_request_t *rq)
{
    ngx_chat_subscription_t    *sub;
    ngx_chat_subscribe_walk_t   walk;

    ngx_chat_subscribe_walk(&walk, rq);

    while (ngx_chat_subscribe_next(&walk)) {
        sub = ngx_chat_subscriber_find(rq->session, &walk.qualified);

        if (sub != NULL && ngx_chat_watch_is_closed(sub->watcher.watched)) {
            return 1;
        }
    }

    return 0;
}


/* The reply */


static void
ngx_chat_subscribe_reply(ngx_chat_request_t *rq)
{
    size_t                      size;
    chat_writer_t               w;
    ngx_chat_buffer_t          *b;
    ngx_chat_presence_t         p;
    ngx_chat_subscription_t    *sub;
    ngx_chat_subscribe_walk_t   walk;

    size = sizeof("{\"states\":[]}");

    ngx_chat_subscribe_walk(&walk, rq);

    while (ngx_chat_subscribe_next(&walk)) {
        (void) ngx_chat_subscribe_state(&walk, &p);
        size += NGX_CHAT_WATCH_STATE + p.text.len;
    }

    b = ngx_chat_request_reply(rq, size, &w);
    if (b == NULL) {
        return;
    }

    chat_write_cstr(&w, "{\"states\":[");

    ngx_chat_subscribe_walk(&walk, rq);

    while (ngx_chat_subscribe_next(&walk)) {
        sub = ngx_chat_subscribe_state(&walk, &p);

        if (sub != NULL) {
            ngx_chat_subscriber_replied(sub);
        }

        chat_write_cstr(&w, walk.i > 0 ? "," : "");
        ngx_chat_watch_write(&w, &walk.user, &p);
    }

    chat_write_cstr(&w, "]}");

    if (ngx_chat_request_reply_end(rq, b, &w) == NGX_OK) {
        ngx_chat_request_done(rq, b);
    }
}


/* who is not subscribed to, NULL, looks like one who never was there.  To
   oneself the own choice is told; until that is known, what most choose */

static ngx_chat_subscription_t *
ngx_chat_subscribe_state(ngx_chat_subscribe_walk_t *walk,
    ngx_chat_presence_t *p)
{
    ngx_chat_session_t       *s = walk->rq->session;
    ngx_chat_subscription_t  *sub;

    ngx_memzero(p, sizeof(ngx_chat_presence_t));
    p->status = NGX_CHAT_PRESENCE_OFFLINE;

    if (walk->own) {
        p->status = NGX_CHAT_PRESENCE_ONLINE;

        if (s->user != NULL && s->user->choice != NGX_CHAT_CHOICE_UNKNOWN) {
            p->status = s->user->choice;
            p->text = s->user->text;
        }

        return NULL;
    }

    sub = ngx_chat_subscriber_find(s, &walk->qualified);

    if (sub != NULL) {
        *p = sub->watcher.watched->presence;
    }

    return sub;
}


/* presence.unsubscribe */

void
ngx_chat_unsubscribe_run(ngx_chat_request_t *rq)
{
    chat_writer_t               w;
    ngx_chat_buffer_t          *b;
    ngx_chat_subscription_t    *sub;
    ngx_chat_subscribe_walk_t   walk;

    b = ngx_chat_request_reply(rq, 0, &w);
    if (b == NULL) {
        return;
    }

    ngx_chat_subscribe_walk(&walk, rq);

    while (ngx_chat_subscribe_next(&walk)) {
        sub = ngx_chat_subscriber_find(rq->session, &walk.qualified);

        if (sub != NULL) {
            ngx_chat_subscriber_remove(sub);
        }
    }

    chat_write_cstr(&w, "{\"states\":[]}");

    if (ngx_chat_request_reply_end(rq, b, &w) == NGX_OK) {
        ngx_chat_request_done(rq, b);
    }
}


static void
ngx_chat_subscribe_walk(ngx_chat_subscribe_walk_t *walk,
    ngx_chat_request_t *rq)
{
    walk->rq = rq;
    walk->i = (ngx_uint_t) -1;

    chat_json_iter(&walk->it, &rq->parsed.users);
}


static ngx_uint_t
ngx_chat_subscribe_next(ngx_chat_subscribe_walk_t *walk)
{
    chat_json_t           element;
    ngx_chat_identity_t  *identity = walk->rq->session->identity;

    if (chat_json_next_element(&walk->it, &element) != CHAT_OK) {
        return 0;
    }

    chat_request_read_id(&element, &walk->id);

    walk->i++;
    walk->user.data = walk->id.data;
    walk->user.len = walk->id.len;
    walk->own = walk->user.len == identity->user.len
                && ngx_memcmp(walk->user.data, identity->user.data,
                              walk->user.len)
                   == 0;

    walk->qualified.data = walk->buf;
    walk->qualified.len = ngx_sprintf(walk->buf, "%V/%V", &identity->tenant,
                                      &walk->user)
                          - walk->buf;

    return 1;
}
