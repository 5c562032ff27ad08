/*
 * Sessions that have subscribed to users, and what they are told.
 *
 * Changes are ephemeral: a session that reads slowly, or any while the node has
 * too much to do, is not told of them.  The user is noted instead, and when
 * that is over the session is told how it is then.
 */

#include "ngx_chat.h"


#define NGX_CHAT_SUBSCRIBER_CROWD  256  /* watchers of a user: these are many */
#define NGX_CHAT_SUBSCRIBER_TURN   16384    /* told of a turn, afterwards */


static ngx_chat_subscriber_t *ngx_chat_subscriber_create(
    ngx_chat_session_t *s);
static void ngx_chat_subscriber_on_change(ngx_chat_watcher_t *w, u_char old);
static void ngx_chat_subscriber_miss(ngx_chat_subscription_t *sub);
static void ngx_chat_subscriber_shed(ngx_chat_subscriber_t *sr);
static void ngx_chat_subscriber_tell(ngx_chat_subscription_t *sub);
static void ngx_chat_subscriber_forget_missed(ngx_chat_subscription_t *sub);
static void ngx_chat_subscriber_forget_awaited(ngx_chat_subscription_t *sub);
static ngx_uint_t ngx_chat_subscriber_is_slow(ngx_chat_session_t *s);
static void ngx_chat_subscriber_on_told(ngx_event_t *ev);
static void ngx_chat_subscriber_unshed(ngx_chat_subscriber_t *sr);


void
ngx_chat_subscriber_init(ngx_chat_node_t *node)
{
    ngx_chat_subscribers_t  *all = &node->subscribers;

    ngx_queue_init(&all->all);
    ngx_queue_init(&all->shed);

    all->told.handler = ngx_chat_subscriber_on_told;
    all->told.data = node;
    all->told.log = node->log;

    ngx_chat_subscribe_line_init(node);
    ngx_chat_entitle_init(node);
}


void
ngx_chat_subscriber_done(ngx_chat_node_t *node)
{
    if (node->subscribers.told.posted) {
        ngx_delete_posted_event(&node->subscribers.told);
    }

    ngx_chat_subscribe_line_done(node);
    ngx_chat_entitle_done(node);
}


/* the session ends; its requests have gone */

void
ngx_chat_subscriber_leave(ngx_chat_session_t *s)
{
    ngx_queue_t            *q;
    ngx_chat_subscriber_t  *sr = s->subscriber;

    if (sr == NULL) {
        return;
    }

    while (!ngx_queue_empty(&sr->subscriptions)) {
        q = ngx_queue_head(&sr->subscriptions);
        ngx_chat_subscriber_remove(ngx_queue_data(q, ngx_chat_subscription_t,
                                                  queue));
    }

    ngx_chat_subscriber_unshed(sr);
    ngx_chat_entitle_end(sr);
    ngx_queue_remove(&sr->queue);

    s->subscriber = NULL;
    ngx_free(sr);
}


static ngx_chat_subscriber_t *
ngx_chat_subscriber_create(ngx_chat_session_t *s)
{
    ngx_chat_subscriber_t  *sr;

    sr = ngx_calloc(sizeof(ngx_chat_subscriber_t), s->node->log);
    if (sr == NULL) {
        return NULL;
    }

    sr->session = s;
    ngx_rbtree_init(&sr->tree, &sr->sentinel, ngx_rbtree_insert_value);
    ngx_queue_init(&sr->subscriptions);
    ngx_queue_init(&sr->missed);

    ngx_chat_entitle_begin(sr);

    s->subscriber = sr;

    return sr;
}


ngx_chat_subscription_t *
ngx_chat_subscriber_find(ngx_chat_session_t *s, ngx_str_t *qualified)
{
    ngx_rbtree_key_t        key;
    ngx_rbtree_node_t      *rn;
    ngx_chat_watched_t     *u;
    ngx_chat_subscriber_t  *sr = s->subscriber;

    u = ngx_chat_watch_find(s->node, qualified);

    if (u == NULL || sr == NULL) {
        return NULL;
    }

    key = (ngx_rbtree_key_t) (uintptr_t) u;
    rn = sr->tree.root;

    while (rn != &sr->sentinel) {

        if (rn->key == key) {
            return (ngx_chat_subscription_t *)
                   ((u_char *) rn - offsetof(ngx_chat_subscription_t, node));
        }

        rn = key < rn->key ? rn->left : rn->right;
    }

    return NULL;
}


ngx_chat_subscription_t *
ngx_chat_subscriber_add(ngx_chat_session_t *s, ngx_str_t *qualified)
{
    ngx_chat_subscriber_t    *sr = s->subscriber;
    ngx_chat_subscription_t  *sub;

    if (sr == NULL) {
        sr = ngx_chat_subscriber_create(s);
    }

    sub = sr != NULL ? ngx_calloc(sizeof(ngx_chat_subscription_t),
                                  s->node->log)
                     : NULL;
    if (sub == NULL) {
        return NULL;
    }

    sub->subscriber = sr;
    sub->watcher.handler = ngx_chat_subscriber_on_change;
    sub->watcher.data = sub;

    if (ngx_chat_watch_add(&sub->watcher, s->node, qualified) != NGX_OK) {
        ngx_free(sub);
        return NULL;
    }

    sub->node.key = (ngx_rbtree_key_t) (uintptr_t) sub->watcher.watched;
    ngx_rbtree_insert(&sr->tree, &sub->node);
    ngx_queue_insert_tail(&sr->subscriptions, &sub->queue);
    sr->n++;

    return sub;
}


void
ngx_chat_subscriber_remove(ngx_chat_subscription_t *sub)
{
    ngx_chat_subscriber_t  *sr = sub->subscriber;

    ngx_chat_subscriber_forget_missed(sub);
    ngx_chat_subscriber_forget_awaited(sub);

    ngx_chat_watch_remove(&sub->watcher);
    ngx_rbtree_delete(&sr->tree, &sub->node);
    ngx_queue_remove(&sub->queue);
    sr->n--;

    ngx_free(sub);
}


ngx_uint_t
ngx_chat_subscriber_is(ngx_chat_watcher_t *w)
{
    return w->handler == ngx_chat_subscriber_on_change;
}


void
ngx_chat_subscriber_replied(ngx_chat_subscription_t *sub)
{
    ngx_chat_watcher_t  *w = &sub->watcher;

    sub->fresh = 0;
    w->version = w->watched->version;
    w->status = w->watched->presence.status;

    ngx_chat_subscriber_forget_missed(sub);
    ngx_chat_subscriber_forget_awaited(sub);
}


void
ngx_chat_subscriber_end(ngx_chat_subscription_t *sub)
{
    ngx_str_t             user;
    chat_writer_t         w;
    ngx_chat_buffer_t    *b;
    ngx_chat_session_t   *s = sub->subscriber->session;
    ngx_chat_presence_t   offline;

    if (sub->fresh) {                   /* the reply tells */
        ngx_chat_subscriber_remove(sub);
        return;
    }

    ngx_memzero(&offline, sizeof(ngx_chat_presence_t));
    offline.status = NGX_CHAT_PRESENCE_OFFLINE;

    b = ngx_chat_buffer_create(NGX_CHAT_WATCH_STATE);
    if (b == NULL) {
        ngx_chat_session_doom(s, NGX_CHAT_CLOSE_INTERNAL);
        ngx_chat_subscriber_remove(sub);
        return;
    }

    user = ngx_chat_watch_user(sub->watcher.watched);

    chat_writer_init(&w, b->payload, b->size);
    ngx_chat_watch_write_event(&w, &user, &offline);
    ngx_chat_buffer_finish(b, CHAT_FRAME_TEXT, w.len);

    ngx_chat_write_queue(s, b);
    ngx_chat_buffer_unref(b);

    ngx_chat_subscriber_remove(sub);
}


/* What is told */


static void
ngx_chat_subscriber_on_change(ngx_chat_watcher_t *w, u_char old)
{
    ngx_chat_request_t       *rq;
    ngx_chat_session_t       *s;
    ngx_chat_subscription_t  *sub = w->data;

    (void) old;

    if (sub->fresh) {
        rq = sub->subscriber->request;
        ngx_chat_subscriber_forget_awaited(sub);

        if (rq != NULL && sub->subscriber->awaited == 0) {
            ngx_chat_subscribe_known(rq);
        }

        return;
    }

    s = sub->subscriber->session;

    if (s->node->load.level >= NGX_CHAT_OVERLOAD_PRESENCE
        || ngx_chat_subscriber_is_slow(s))
    {
        ngx_chat_subscriber_miss(sub);
        return;
    }

    ngx_chat_subscriber_tell(sub);
}


static ngx_uint_t
ngx_chat_subscriber_is_slow(ngx_chat_session_t *s)
{
    return s->out_bytes > s->conf->send_queue / NGX_CHAT_SHED_PART
           && !s->connection->write->ready;
}


/* who is slow is told when its queue is empty, all others when the level has
   fallen */

static void
ngx_chat_subscriber_miss(ngx_chat_subscription_t *sub)
{
    ngx_chat_subscriber_t  *sr = sub->subscriber;

    ngx_chat_count(sr->session->node, NGX_CHAT_COUNT_SHED_PRESENCE);

    if (!sub->missed) {
        sub->missed = 1;
        ngx_queue_insert_tail(&sr->missed, &sub->missed_queue);
    }

    if (ngx_chat_subscriber_is_slow(sr->session)) {
        sr->session->shed = 1;

    } else {
        ngx_chat_subscriber_shed(sr);
    }
}


static void
ngx_chat_subscriber_shed(ngx_chat_subscriber_t *sr)
{
    if (!sr->is_shed) {
        sr->is_shed = 1;
        ngx_queue_insert_tail(&sr->session->node->subscribers.shed,
                              &sr->shed);
    }
}


static void
ngx_chat_subscriber_tell(ngx_chat_subscription_t *sub)
{
    ngx_chat_buffer_t   *b;
    ngx_chat_session_t  *s = sub->subscriber->session;
    ngx_chat_watched_t  *u = sub->watcher.watched;

    ngx_chat_subscriber_forget_missed(sub);

    b = ngx_chat_watch_event(u);
    if (b == NULL) {
        ngx_chat_session_doom(s, NGX_CHAT_CLOSE_INTERNAL);
        return;
    }

    if (u->nwatchers > NGX_CHAT_SUBSCRIBER_CROWD) {
        ngx_chat_write_crowd(s, b);

    } else {
        ngx_chat_write_queue(s, b);
    }

    ngx_chat_buffer_unref(b);
    ngx_chat_count(s->node, NGX_CHAT_COUNT_PRESENCE_TOLD);
}


static void
ngx_chat_subscriber_forget_missed(ngx_chat_subscription_t *sub)
{
    if (sub->missed) {
        sub->missed = 0;
        ngx_queue_remove(&sub->missed_queue);
    }
}


static void
ngx_chat_subscriber_forget_awaited(ngx_chat_subscription_t *sub)
{
    if (sub->awaited) {
        sub->awaited = 0;
        sub->subscriber->awaited--;
    }
}


ngx_int_t
ngx_chat_subscriber_drained(ngx_chat_session_t *s)
{
    ngx_queue_t            *q;
    ngx_chat_subscriber_t  *sr = s->subscriber;

    if (sr == NULL || ngx_queue_empty(&sr->missed)) {
        return NGX_OK;
    }

    if (s->node->load.level >= NGX_CHAT_OVERLOAD_PRESENCE) {
        ngx_chat_subscriber_shed(sr);
        return NGX_OK;
    }

    while (!ngx_queue_empty(&sr->missed)) {

        if (s->out_bytes > s->conf->send_queue / NGX_CHAT_SHED_PART) {
            return NGX_AGAIN;
        }

        q = ngx_queue_head(&sr->missed);
        ngx_chat_subscriber_tell(ngx_queue_data(q, ngx_chat_subscription_t,
                                                missed_queue));
    }

    return NGX_OK;
}


void
ngx_chat_subscriber_over(ngx_chat_node_t *node)
{
    ngx_chat_subscribers_t  *all = &node->subscribers;

    if (!ngx_queue_empty(&all->shed) && !all->told.posted) {
        ngx_post_event(&all->told, &ngx_posted_next_events);
    }
}


static void
ngx_chat_subscriber_on_told(ngx_event_t *ev)
{
    ngx_uint_t               n;
    ngx_queue_t             *q;
    ngx_chat_node_t         *node = ev->data;
    ngx_chat_subscriber_t   *sr;
    ngx_chat_subscribers_t  *all = &node->subscribers;

    if (node->load.level >= NGX_CHAT_OVERLOAD_PRESENCE) {
        return;                         /* again when it has fallen further */
    }

    for (n = 0; n < NGX_CHAT_SUBSCRIBER_TURN; n += sr->n + 1) {

        if (ngx_queue_empty(&all->shed)) {
            return;
        }

        q = ngx_queue_head(&all->shed);
        sr = ngx_queue_data(q, ngx_chat_subscriber_t, shed);
        ngx_chat_subscriber_unshed(sr);

        if (ngx_chat_subscriber_drained(sr->session) == NGX_AGAIN) {
            sr->session->shed = 1;
        }
    }

    ngx_post_event(ev, &ngx_posted_next_events);
}


static void
ngx_chat_subscriber_unshed(ngx_chat_subscriber_t *sr)
{
    if (sr->is_shed) {
        sr->is_shed = 0;
        ngx_queue_remove(&sr->shed);
    }
}
