/*
 * A worker process that is told to leave, by a reload or a graceful stop.
 *
 *      served ──its turn──▶ reads nothing more ──all is answered──▶ 1012
 *
 * Until its turn a session is served as ever.  The turns are spread over
 * chat_drain_time, but no more than is needed: where there are few sessions,
 * ten milliseconds for each will do.  The turn is one of the things that a
 * session's own timer looks for, so nobody has to walk the sessions, and
 * whoever goes by itself leaves nothing behind here.  That timer also keeps
 * nginx from ending the process before the last one has gone.
 */

#include "ngx_chat.h"


#define NGX_CHAT_DRAIN_SLOWEST  10      /* ms from one turn to the next */
#define NGX_CHAT_DRAIN_FASTEST  10      /* turns in one ms */
#define NGX_CHAT_DRAIN_GRACE    500     /* ms: a request's own deadline, which
                                           answers it, comes first */


static ngx_msec_t ngx_chat_drain_span(ngx_chat_node_t *node);


/* nginx tells connections, one after the other; the first one tells us */

void
ngx_chat_drain_begin(ngx_chat_node_t *node)
{
    ngx_chat_drain_t  *drain = &node->drain;

    if (drain->active) {
        return;
    }

    drain->active = 1;
    drain->began = ngx_current_msec;
    drain->sessions = ngx_chat_count_own(node, NGX_CHAT_COUNT_SESSIONS);
    drain->span = ngx_chat_drain_span(node);

    ngx_chat_count(node, NGX_CHAT_COUNT_NODES_DRAINING);

    ngx_log_error(NGX_LOG_NOTICE, node->log, 0,
                  "chat: node %V leaves, %ui sessions are told to within %M ms",
                  &node->id, drain->sessions, drain->span);

    ngx_chat_canary_done(node);
}


/* ms over which the turns are spread */

static ngx_msec_t
ngx_chat_drain_span(ngx_chat_node_t *node)
{
    ngx_msec_t  span;
    ngx_uint_t  n = node->drain.sessions;

    span = ngx_min(node->conf->drain_time, n * NGX_CHAT_DRAIN_SLOWEST);

    return ngx_max(span, n / NGX_CHAT_DRAIN_FASTEST);
}


void
ngx_chat_drain_enrol(ngx_chat_session_t *s)
{
    ngx_chat_drain_t  *drain = &s->node->drain;

    s->connection->close = 0;           /* heard */

    ngx_chat_drain_begin(s->node);

    if (s->state != NGX_CHAT_SESSION_OPEN || s->internal) {
        return;                         /* it ends by itself */
    }

    if (drain->enrolled < drain->sessions) {
        s->leave = drain->span * drain->enrolled / drain->sessions;
        drain->enrolled++;

    } else {
        s->leave = drain->span;
    }

    ngx_chat_session_wake(s, s->leave);
}


/* NGX_DECLINED: the session is closed */

ngx_int_t
ngx_chat_drain_check(ngx_chat_session_t *s, ngx_msec_t *next)
{
    ngx_msec_t         passed, end;
    ngx_chat_drain_t  *drain = &s->node->drain;

    if (!drain->active || s->internal) {
        return NGX_OK;
    }

    passed = ngx_current_msec - drain->began;

    if (passed < s->leave) {
        *next = ngx_min(*next, s->leave - passed);
        return NGX_OK;
    }

    if (!s->draining && !ngx_queue_empty(&s->requests)) {
        ngx_log_error(NGX_LOG_INFO, s->connection->log, 0,
                      "chat: session leaves, %ui requests are to be answered",
                      (ngx_uint_t) s->nrequests);
    }

    s->draining = 1;

    end = s->leave + s->conf->request_timeout + NGX_CHAT_DRAIN_GRACE;

    if (ngx_queue_empty(&s->requests) || passed >= end) {
        ngx_chat_session_restart(s);
        return NGX_DECLINED;
    }

    *next = ngx_min(*next, end - passed);

    return NGX_OK;
}


void
ngx_chat_drain_answered(ngx_chat_session_t *s)
{
    if (s->draining && s->state == NGX_CHAT_SESSION_OPEN
        && ngx_queue_empty(&s->requests))
    {
        ngx_chat_session_restart(s);
    }
}
