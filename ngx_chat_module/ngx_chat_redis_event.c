/*
 * ngx_chat_redis_event.c: hiredis on nginx's events.  hiredis owns the
 * descriptor and closes it; nginx lends a connection for its events.
 */

#include "ngx_chat.h"


static void ngx_chat_redis_event_on_read(ngx_event_t *rev);
static void ngx_chat_redis_event_on_write(ngx_event_t *wev);
static void ngx_chat_redis_event_add_read(void *data);
static void ngx_chat_redis_event_add_write(void *data);
static void ngx_chat_redis_event_del_write(void *data);
static void ngx_chat_redis_event_cleanup(void *data);


ngx_int_t
ngx_chat_redis_event_attach(ngx_chat_redis_t *link, redisAsyncContext *ac)
{
    ngx_connection_t  *c;

    c = ngx_get_connection(ac->c.fd, link->node->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->number = ngx_atomic_fetch_add(ngx_connection_counter, 1);
    c->data = link;
    c->read->handler = ngx_chat_redis_event_on_read;
    c->read->log = c->log;
    c->write->handler = ngx_chat_redis_event_on_write;
    c->write->log = c->log;

    ac->ev.data = link;
    ac->ev.addRead = ngx_chat_redis_event_add_read;
    ac->ev.addWrite = ngx_chat_redis_event_add_write;
    ac->ev.delWrite = ngx_chat_redis_event_del_write;
    ac->ev.cleanup = ngx_chat_redis_event_cleanup;

    link->ac = ac;
    link->c = c;

    return NGX_OK;
}


static void
ngx_chat_redis_event_on_read(ngx_event_t *rev)
{
    ngx_connection_t  *c = rev->data;
    ngx_chat_redis_t  *link = c->data;

    if (c->close) {
        /*
         * worker_shutdown_timeout tells all connections; sessions go, and
         * the link stays for their last words, until the process ends
         */
        c->close = 0;
        c->error = 0;
        return;
    }

    if (link->subscriber && ngx_chat_inbox_waits(link->node)) {
        return;                         /* it is asked again: the loop does
                                           not sleep meanwhile */
    }

    redisAsyncHandleRead(link->ac);
}


static void
ngx_chat_redis_event_on_write(ngx_event_t *wev)
{
    ngx_connection_t  *c = wev->data;
    ngx_chat_redis_t  *link = c->data;

    link->writing = 1;
    redisAsyncHandleWrite(link->ac);
    link->writing = 0;
}


void
ngx_chat_redis_push(ngx_chat_redis_t *link)
{
    if (link->up) {
        ngx_chat_redis_event_on_write(link->c->write);
    }
}


/* level-triggered: hiredis reads once per call and hides EAGAIN */

static void
ngx_chat_redis_event_add_read(void *data)
{
    ngx_event_t       *rev;
    ngx_chat_redis_t  *link = data;

    rev = link->c->read;

    if (rev->active) {
        return;
    }

    if (ngx_add_event(rev, NGX_READ_EVENT, NGX_LEVEL_EVENT) != NGX_OK) {
        ngx_chat_redis_reset(link, "cannot wait for events");
    }
}


/*
 * All commands of a turn leave with one write() at its end.  The kernel is
 * asked only while connecting and when it did not take everything, which
 * hiredis shows by asking again from inside its writer.
 */

static void
ngx_chat_redis_event_add_write(void *data)
{
    ngx_event_t       *wev;
    ngx_chat_redis_t  *link = data;

    wev = link->c->write;

    if (wev->active) {
        return;
    }

    if ((link->ac->c.flags & REDIS_CONNECTED) && !link->writing) {
        ngx_post_event(wev, &ngx_posted_events);
        return;
    }

    if (ngx_add_event(wev, NGX_WRITE_EVENT, NGX_LEVEL_EVENT) != NGX_OK) {
        ngx_chat_redis_reset(link, "cannot wait for events");
    }
}


static void
ngx_chat_redis_event_del_write(void *data)
{
    ngx_event_t       *wev;
    ngx_chat_redis_t  *link = data;

    wev = link->c->write;

    if (!wev->active) {
        return;
    }

    if (ngx_del_event(wev, NGX_WRITE_EVENT, 0) != NGX_OK) {
        ngx_chat_redis_reset(link, "cannot wait for events");
    }
}


/* hiredis closes the descriptor when this returns */

static void
ngx_chat_redis_event_cleanup(void *data)
{
    ngx_connection_t  *c;
    ngx_chat_redis_t  *link = data;

    c = link->c;
    link->c = NULL;

    if (c->read->posted) {
        ngx_delete_posted_event(c->read);
    }

    if (c->write->posted) {
        ngx_delete_posted_event(c->write);
    }

    if (ngx_del_conn) {
        ngx_del_conn(c, NGX_CLOSE_EVENT);

    } else {
        if (c->read->active) {
            ngx_del_event(c->read, NGX_READ_EVENT, NGX_CLOSE_EVENT);
        }

        if (c->write->active) {
            ngx_del_event(c->write, NGX_WRITE_EVENT, NGX_CLOSE_EVENT);
        }
    }

    ngx_free_connection(c);
    c->fd = (ngx_socket_t) -1;

    ngx_chat_redis_closed(link);
}
