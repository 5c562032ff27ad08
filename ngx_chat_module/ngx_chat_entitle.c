/*
 * Whether sessions may still know of the users that they have subscribed to.
 *
 * Storage was asked when they subscribed.  It is asked again about those whom a
 * change concerns: when a user leaves a dm or a group, about who watches the
 * user and whom the user watches, and when one is deleted, about who watches
 * its members; and about all when something may not have been heard, or have
 * been lost, and every ten minutes in any case.  Until it has answered nothing
 * changes.  Few questions are under way at a time, however many are due.
 *
 *      sr->subscriptions: | due ... | asked about, longest ago first ... |
 */

#include "ngx_chat.h"


#define NGX_CHAT_ENTITLE_USERS     200      /* of one question */
#define NGX_CHAT_ENTITLE_MAX       8        /* questions under way */
#define NGX_CHAT_ENTITLE_TIMEOUT   10000    /* ms for an answer */
#define NGX_CHAT_ENTITLE_LOOK      1000     /* ms between looks who is due */
#define NGX_CHAT_ENTITLE_TAKEN     1000     /* sessions that become due then */
#define NGX_CHAT_ENTITLE_INTERVAL  600000   /* ms: then all are */


static void ngx_chat_entitle_due_all(ngx_chat_subscriber_t *sr);
static void ngx_chat_entitle_watching(ngx_chat_user_t *user);
static void ngx_chat_entitle_watchers(ngx_chat_node_t *node,
    ngx_str_t *qualified);
static void ngx_chat_entitle_queue(ngx_chat_subscriber_t *sr);
static ngx_int_t ngx_chat_entitle_ask(ngx_chat_subscriber_t *sr);
static size_t ngx_chat_entitle_list(ngx_chat_subscriber_t *sr,
    uint64_t number, u_char *list);
static void ngx_chat_entitle_on_answer(void *data, ngx_chat_range_t *range);
static void ngx_chat_entitle_judge(ngx_chat_subscriber_t *sr,
    ngx_chat_range_t *range);
static void ngx_chat_entitle_failed(ngx_chat_subscriber_t *sr);
static void ngx_chat_entitle_stop(ngx_chat_subscriber_t *sr);
static void ngx_chat_entitle_on_timeout(ngx_event_t *ev);
static void ngx_chat_entitle_on_timer(ngx_event_t *ev);


void
ngx_chat_entitle_init(ngx_chat_node_t *node)
{
    ngx_chat_subscribers_t  *all = &node->subscribers;

    ngx_queue_init(&all->checks);

    all->timer.handler = ngx_chat_entitle_on_timer;
    all->timer.data = node;
    all->timer.log = node->log;
    all->timer.cancelable = 1;
}


void
ngx_chat_entitle_done(ngx_chat_node_t *node)
{
    if (node->subscribers.timer.timer_set) {
        ngx_del_timer(&node->subscribers.timer);
    }
}


void
ngx_chat_entitle_begin(ngx_chat_subscriber_t *sr)
{
    ngx_chat_subscribers_t  *all = &sr->session->node->subscribers;

    sr->waiter.handler = ngx_chat_entitle_on_answer;
    sr->waiter.data = sr;

    sr->timer.handler = ngx_chat_entitle_on_timeout;
    sr->timer.data = sr;
    sr->timer.log = sr->session->node->log;
    sr->timer.cancelable = 1;

    sr->checked = ngx_current_msec;
    sr->round = all->round;
    ngx_queue_insert_tail(&all->all, &sr->queue);

    if (!all->timer.timer_set) {
        ngx_add_timer(&all->timer, NGX_CHAT_ENTITLE_LOOK);
    }
}


void
ngx_chat_entitle_end(ngx_chat_subscriber_t *sr)
{
    ngx_chat_node_t  *node = sr->session->node;

    if (sr->queued) {
        sr->queued = 0;
        ngx_queue_remove(&sr->check);
    }

    if (sr->waiter.waiting) {
        ngx_chat_entitle_stop(sr);
        ngx_chat_entitle_advance(node);
    }
}


/* Who is due */


void
ngx_chat_entitle_on_out(ngx_chat_node_t *node, ngx_str_t *qualified)
{
    ngx_chat_user_t  *user;

    node->subscribers.outs++;

    ngx_chat_entitle_watchers(node, qualified);

    user = ngx_chat_user_find(node, qualified);

    if (user != NULL) {
        ngx_chat_entitle_watching(user);
    }

    ngx_chat_entitle_advance(node);
}


/* all that the user's own sessions have subscribed to */

static void
ngx_chat_entitle_watching(ngx_chat_user_t *user)
{
    ngx_queue_t         *q;
    ngx_chat_session_t  *s;

    for (q = ngx_queue_head(&user->sessions);
         q != ngx_queue_sentinel(&user->sessions);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_chat_session_t, user_queue);

        if (s->subscriber != NULL) {
            ngx_chat_entitle_due_all(s->subscriber);
        }
    }
}


/* "<tenant>/<user> ..." of all who were in it, or "*" if they were many */

void
ngx_chat_entitle_on_gone(ngx_chat_node_t *node, ngx_str_t *names)
{
    u_char     *p, *end, *last;
    ngx_str_t   name;

    node->subscribers.outs++;

    if (names->len == 1 && names->data[0] == '*') {
        ngx_chat_entitle_all(node);
        return;
    }

    last = names->data + names->len;

    for (p = names->data; p < last; p = end + 1) {
        end = ngx_strlchr(p, last, ' ');
        end = end != NULL ? end : last;

        name.data = p;
        name.len = end - p;

        ngx_chat_entitle_watchers(node, &name);
    }

    ngx_chat_entitle_advance(node);
}


void
ngx_chat_entitle_all(ngx_chat_node_t *node)
{
    node->subscribers.round++;
}


static void
ngx_chat_entitle_watchers(ngx_chat_node_t *node, ngx_str_t *qualified)
{
    ngx_queue_t         *q;
    ngx_chat_watched_t  *u;
    ngx_chat_watcher_t  *w;

    u = ngx_chat_watch_find(node, qualified);
    if (u == NULL) {
        return;
    }

    for (q = ngx_queue_head(&u->watchers);
         q != ngx_queue_sentinel(&u->watchers);
         q = ngx_queue_next(q))
    {
        if (q == &u->cursor) {
            continue;
        }

        w = ngx_queue_data(q, ngx_chat_watcher_t, queue);

        if (ngx_chat_subscriber_is(w)) {
            ngx_chat_entitle_due(w->data);
        }
    }
}


void
ngx_chat_entitle_due(ngx_chat_subscription_t *sub)
{
    ngx_chat_subscriber_t  *sr = sub->subscriber;

    if (!sub->due) {
        sub->due = 1;
        ngx_queue_remove(&sub->queue);
        ngx_queue_insert_head(&sr->subscriptions, &sub->queue);
    }

    ngx_chat_entitle_queue(sr);
}


static void
ngx_chat_entitle_due_all(ngx_chat_subscriber_t *sr)
{
    ngx_queue_t              *q;
    ngx_chat_subscription_t  *sub;

    for (q = ngx_queue_head(&sr->subscriptions);
         q != ngx_queue_sentinel(&sr->subscriptions);
         q = ngx_queue_next(q))
    {
        sub = ngx_queue_data(q, ngx_chat_subscription_t, queue);
        sub->due = 1;
    }

    ngx_chat_entitle_queue(sr);
}


/* if any is due */

static void
ngx_chat_entitle_queue(ngx_chat_subscriber_t *sr)
{
    ngx_queue_t              *q = ngx_queue_head(&sr->subscriptions);
    ngx_chat_subscription_t  *sub;

    if (sr->queued || sr->waiter.waiting
        || q == ngx_queue_sentinel(&sr->subscriptions))
    {
        return;
    }

    sub = ngx_queue_data(q, ngx_chat_subscription_t, queue);

    if (sub->due) {
        sr->queued = 1;
        ngx_queue_insert_tail(&sr->session->node->subscribers.checks,
                              &sr->check);
    }
}


/* all of a session at a time, one that was checked long ago; the one at the
   head is the first of them */

static void
ngx_chat_entitle_on_timer(ngx_event_t *ev)
{
    ngx_uint_t               n;
    ngx_queue_t             *q;
    ngx_chat_node_t         *node = ev->data;
    ngx_chat_subscriber_t   *sr;
    ngx_chat_subscribers_t  *all = &node->subscribers;

    for (n = 0; n < NGX_CHAT_ENTITLE_TAKEN; n++) {

        if (ngx_queue_empty(&all->all)) {
            return;                     /* the first one sets the timer */
        }

        q = ngx_queue_head(&all->all);
        sr = ngx_queue_data(q, ngx_chat_subscriber_t, queue);

        if (sr->round == all->round
            && ngx_current_msec - sr->checked < NGX_CHAT_ENTITLE_INTERVAL)
        {
            break;
        }

        sr->checked = ngx_current_msec;
        sr->round = all->round;
        ngx_queue_remove(q);
        ngx_queue_insert_tail(&all->all, q);

        ngx_chat_entitle_due_all(sr);
    }

    ngx_chat_entitle_advance(node);

    ngx_add_timer(ev, NGX_CHAT_ENTITLE_LOOK);
}


/* Asking */


void
ngx_chat_entitle_advance(ngx_chat_node_t *node)
{
    ngx_queue_t             *q;
    ngx_chat_subscriber_t   *sr;
    ngx_chat_subscribers_t  *all = &node->subscribers;

    while (all->checking < NGX_CHAT_ENTITLE_MAX
           && !ngx_queue_empty(&all->checks)
           && node->command.up && node->subscriber.up)
    {
        q = ngx_queue_head(&all->checks);
        sr = ngx_queue_data(q, ngx_chat_subscriber_t, check);

        if (ngx_chat_entitle_ask(sr) != NGX_OK) {
            return;                     /* the timer goes on */
        }

        sr->queued = 0;
        ngx_queue_remove(q);
    }
}


static ngx_int_t
ngx_chat_entitle_ask(ngx_chat_subscriber_t *sr)
{
    u_char            list[NGX_CHAT_ENTITLE_USERS * (CHAT_NAME_MAX_ID + 1)];
    u_char            base[CHAT_NAME_MAX_BASE];
    ngx_str_t         others;
    ngx_chat_name_t   name;
    ngx_chat_node_t  *node = sr->session->node;
    chat_str_t        tenant = ngx_chat_str(&sr->session->identity->tenant);
    chat_str_t        user = ngx_chat_str(&sr->session->identity->user);

    name.partition = chat_name_partition(tenant, user, node->conf->partitions);
    name.base.data = base;
    name.base.len = chat_name_base(base, name.partition, tenant, user);

    others.data = list;
    others.len = ngx_chat_entitle_list(sr, node->need_number + 1, list);

    if (sr->asked == 0) {
        return NGX_OK;                  /* they have been removed meanwhile */
    }

    if (ngx_chat_need_shared(node, &name, &sr->session->identity->user,
                             &others, &sr->waiter)
        != NGX_OK)
    {
        ngx_chat_entitle_failed(sr);
        return NGX_ERROR;
    }

    node->subscribers.checking++;
    ngx_add_timer(&sr->timer, NGX_CHAT_ENTITLE_TIMEOUT);

    return NGX_OK;
}


/* those that are due, as many as one question may be about */

static size_t
ngx_chat_entitle_list(ngx_chat_subscriber_t *sr, uint64_t number, u_char *list)
{
    u_char                   *p;
    ngx_str_t                 user;
    ngx_uint_t                n;
    ngx_queue_t              *q;
    ngx_chat_subscription_t  *sub;

    p = list;

    for (n = 0; n < NGX_CHAT_ENTITLE_USERS; n++) {
        q = ngx_queue_head(&sr->subscriptions);
        sub = ngx_queue_data(q, ngx_chat_subscription_t, queue);

        if (q == ngx_queue_sentinel(&sr->subscriptions) || !sub->due) {
            break;
        }

        sub->due = 0;
        sub->asked = number;
        sub->index = n;
        ngx_queue_remove(q);
        ngx_queue_insert_tail(&sr->subscriptions, q);

        if (n > 0) {
            *p++ = ',';
        }

        user = ngx_chat_watch_user(sub->watcher.watched);
        p = ngx_cpymem(p, user.data, user.len);
    }

    sr->asked = n;

    return p - list;
}


/* NULL: the links were lost meanwhile */

static void
ngx_chat_entitle_on_answer(void *data, ngx_chat_range_t *range)
{
    ngx_chat_subscriber_t  *sr = data;
    ngx_chat_node_t        *node = sr->session->node;

    ngx_chat_entitle_stop(sr);

    if (range == NULL || !range->ok) {
        ngx_chat_entitle_failed(sr);
        return;                         /* the timer goes on */
    }

    ngx_chat_entitle_judge(sr, range);
    ngx_chat_entitle_advance(node);
}


static void
ngx_chat_entitle_judge(ngx_chat_subscriber_t *sr, ngx_chat_range_t *range)
{
    ngx_str_t                 shared;
    ngx_queue_t              *q, *prev;
    ngx_chat_subscription_t  *sub;

    if (ngx_chat_entitle_parse(range, sr->asked, &shared) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, sr->session->node->log, 0,
                      "chat: malformed answer of storage to a check of "
                      "subscriptions");
        ngx_chat_entitle_failed(sr);
        return;
    }

    for (q = ngx_queue_last(&sr->subscriptions);
         q != ngx_queue_sentinel(&sr->subscriptions);
         q = prev)
    {
        prev = ngx_queue_prev(q);
        sub = ngx_queue_data(q, ngx_chat_subscription_t, queue);

        if (sub->asked == sr->waiter.number && !sub->due
            && shared.data[sub->index] == '0')
        {
            ngx_chat_count(sr->session->node, NGX_CHAT_COUNT_WATCH_ENDED);
            ngx_chat_subscriber_end(sub);
        }
    }

    ngx_chat_entitle_queue(sr);
}


/* those that it was about are due again; the timer asks */

static void
ngx_chat_entitle_failed(ngx_chat_subscriber_t *sr)
{
    ngx_queue_t              *q, *prev;
    ngx_chat_subscription_t  *sub;

    for (q = ngx_queue_last(&sr->subscriptions);
         q != ngx_queue_sentinel(&sr->subscriptions);
         q = prev)
    {
        prev = ngx_queue_prev(q);
        sub = ngx_queue_data(q, ngx_chat_subscription_t, queue);

        if (sub->asked == sr->waiter.number) {
            ngx_chat_entitle_due(sub);
        }
    }

    ngx_chat_entitle_queue(sr);
}


static void
ngx_chat_entitle_stop(ngx_chat_subscriber_t *sr)
{
    ngx_chat_need_cancel(&sr->waiter);
    sr->session->node->subscribers.checking--;

    if (sr->timer.timer_set) {
        ngx_del_timer(&sr->timer);
    }
}


static void
ngx_chat_entitle_on_timeout(ngx_event_t *ev)
{
    ngx_chat_entitle_on_answer(ev->data, NULL);
}


/* one element: a digit for each user */

ngx_int_t
ngx_chat_entitle_parse(ngx_chat_range_t *range, ngx_uint_t n,
    ngx_str_t *shared)
{
    ngx_chat_range_event_t  e;

    if (ngx_chat_range_next(range, &e) != NGX_OK || e.text.len != n) {
        return NGX_ERROR;
    }

    *shared = e.text;

    return NGX_OK;
}
