/*
 * Who is told of changes in an audience: sessions that have joined the
 * conversation and asked for it.
 *
 * Where members are few each change is told when the turn ends; where they are
 * more, once a second the latest of each.  While the node has too much to do
 * nothing is told, and what has changed meanwhile when that is over.  A session
 * that is slow by itself misses changes and is told "gap", see
 * ngx_chat_shed.c.
 */

#include "ngx_chat.h"


#define NGX_CHAT_AUDIENCE_BATCH  1000   /* ms */
#define NGX_CHAT_AUDIENCE_TURN   16384  /* joins looked at in a turn */
#define NGX_CHAT_AUDIENCE_EVENT  128    /* presence.count, but for the id */


static void ngx_chat_audience_post(ngx_chat_audience_t *a);
static void ngx_chat_audience_on_tell(ngx_event_t *ev);
static ngx_int_t ngx_chat_audience_tell_change(ngx_chat_audience_t *a);
static void ngx_chat_audience_tell_count(ngx_chat_audience_t *a);


void
ngx_chat_audience_tell_init(ngx_chat_audience_t *a)
{
    a->tell.handler = ngx_chat_audience_on_tell;
    a->tell.data = a;
    a->tell.log = a->node->log;
    a->tell.cancelable = 1;
}


ngx_int_t
ngx_chat_audience_listen(ngx_chat_join_t *join)
{
    ngx_chat_session_t  *s = join->session;

    if (join->listens) {
        return NGX_OK;
    }

    if (s->nlistens >= s->conf->presence_conversations) {
        return NGX_DECLINED;
    }

    join->listens = 1;
    s->nlistens++;
    join->room->audience->nlisteners++;
    ngx_chat_count(s->node, NGX_CHAT_COUNT_LISTENERS);

    return NGX_OK;
}


void
ngx_chat_audience_leave(ngx_chat_join_t *join)
{
    ngx_chat_audience_t  *a = join->room->audience;
    ngx_chat_attendee_t  *e;

    if (!join->listens) {
        return;
    }

    join->listens = 0;
    join->session->nlistens--;
    a->nlisteners--;
    ngx_chat_count_add(a->node, NGX_CHAT_COUNT_LISTENERS, -1);

    while (a->nlisteners == 0 && !ngx_queue_empty(&a->changed)) {
        e = ngx_queue_data(ngx_queue_head(&a->changed), ngx_chat_attendee_t,
                           change);
        ngx_queue_remove(&e->change);
        e->changed = 0;
    }

    ngx_chat_audience_release(a);
}


void
ngx_chat_audience_changed(ngx_chat_attendee_t *e)
{
    ngx_chat_audience_t  *a = e->audience;

    if (a->nlisteners == 0 || e->changed) {
        return;
    }

    e->changed = 1;
    ngx_queue_insert_tail(&a->changed, &e->change);
    ngx_chat_audience_post(a);
}


void
ngx_chat_audience_recounted(ngx_chat_audience_t *a)
{
    if (a->nlisteners > 0) {
        a->recounted = 1;
        ngx_chat_audience_post(a);
    }
}


static void
ngx_chat_audience_post(ngx_chat_audience_t *a)
{
    if (a->tell.timer_set || a->tell.posted) {
        return;
    }

    if (a->batched && !a->recounted) {      /* which is seldom anyway */
        ngx_add_timer(&a->tell, NGX_CHAT_AUDIENCE_BATCH);

    } else {
        ngx_post_event(&a->tell, &ngx_posted_events);
    }
}


static void
ngx_chat_audience_on_tell(ngx_event_t *ev)
{
    ngx_uint_t            n;
    ngx_chat_audience_t  *a = ev->data;

    if (a->nlisteners == 0) {
        return;                         /* only requests wait */
    }

    if (a->node->load.level >= NGX_CHAT_OVERLOAD_PRESENCE) {
        ngx_add_timer(ev, NGX_CHAT_AUDIENCE_BATCH);
        return;
    }

    if (a->recounted) {
        a->recounted = 0;
        ngx_chat_audience_tell_count(a);
    }

    for (n = 0; n < NGX_CHAT_AUDIENCE_TURN; n += a->room->njoins) {

        if (ngx_queue_empty(&a->changed)) {
            return;
        }

        if (ngx_chat_audience_tell_change(a) != NGX_OK) {
            ngx_add_timer(ev, NGX_CHAT_AUDIENCE_BATCH);
            return;
        }
    }

    ngx_post_event(ev, &ngx_posted_next_events);
}


/* of the first, to all but its own sessions: those are told what it has chosen,
   see ngx_chat_choice.c.  NGX_ERROR: there is no memory, it stays */

static ngx_int_t
ngx_chat_audience_tell_change(ngx_chat_audience_t *a)
{
    ngx_str_t             user;
    ngx_chat_buffer_t    *b;
    ngx_chat_attendee_t  *e;

    e = ngx_queue_data(ngx_queue_head(&a->changed), ngx_chat_attendee_t,
                       change);

    b = ngx_chat_watch_event(e->watcher.watched);
    if (b == NULL) {
        return NGX_ERROR;
    }

    ngx_queue_remove(&e->change);
    e->changed = 0;

    user = ngx_chat_watch_user(e->watcher.watched);

    ngx_chat_shed_listeners(a->room, &user, b);
    ngx_chat_buffer_unref(b);

    return NGX_OK;
}


/* presence.count; if there is no memory, the next one is told */

static void
ngx_chat_audience_tell_count(ngx_chat_audience_t *a)
{
    chat_writer_t       w;
    ngx_chat_buffer_t  *b;

    b = ngx_chat_buffer_create(NGX_CHAT_AUDIENCE_EVENT + a->name.base.len);
    if (b == NULL) {
        return;
    }

    chat_writer_init(&w, b->payload, b->size);
    chat_write_cstr(&w, "{\"type\":\"presence.count\",\"data\":"
                        "{\"conversationId\":");
    chat_write_string(&w, ngx_chat_audience_id(a));
    chat_write_cstr(&w, ",\"online\":");
    ngx_chat_audience_write_count(a, &w);
    chat_write_cstr(&w, "}}");

    ngx_chat_buffer_finish(b, CHAT_FRAME_TEXT, w.len);
    ngx_chat_shed_listeners(a->room, NULL, b);
    ngx_chat_buffer_unref(b);
}
