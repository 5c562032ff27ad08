/*
 * How much a node has to do, and what it leaves undone.
 *
 * Its load is the larger one of two parts: what waits in its memory, of
 * chat_node_queue; and how long turns of the event loop take, of
 * chat_node_lag.  With the load the level rises, and with it what is left
 * undone, in the order of the contract: what is ephemeral first, then what can
 * be asked for again, then readers that hold memory, and newcomers.  What was
 * acknowledged is never touched.
 *
 * The level rises at once.  It falls by one when the load has been well below
 * it for half a second, so that it does not flutter.
 */

#include "ngx_chat.h"
#include "ngx_chat_handshake.h"

#include <time.h>


#define NGX_CHAT_OVERLOAD_LOOK   100    /* ms between looks at the lag */
#define NGX_CHAT_OVERLOAD_FORGET 1000   /* ms: looks that are further apart
                                           have nothing to do with each other */
#define NGX_CHAT_OVERLOAD_STAY   500    /* ms at a level before a lower one */
#define NGX_CHAT_OVERLOAD_SLACK  100    /* of 1000: a level ends so far below */
#define NGX_CHAT_OVERLOAD_SEARCH 10     /* ms between searches for readers */
#define NGX_CHAT_OVERLOAD_RETRY  5      /* seconds */


/* load at which each level begins, of 1000 */

static const ngx_uint_t  ngx_chat_overload_begin[NGX_CHAT_OVERLOAD_LEVELS] = {
    [NGX_CHAT_OVERLOAD_NONE] = 0,
    [NGX_CHAT_OVERLOAD_TYPING] = 500,
    [NGX_CHAT_OVERLOAD_PRESENCE] = 600,
    [NGX_CHAT_OVERLOAD_RECEIPTS] = 700,
    [NGX_CHAT_OVERLOAD_HISTORY] = 800,
    [NGX_CHAT_OVERLOAD_CLOSE] = 1000
};


static void ngx_chat_overload_look_at_lag(ngx_chat_load_t *load,
    ngx_msec_t max);
static ngx_uint_t ngx_chat_overload_worked(ngx_chat_load_t *load);
static ngx_uint_t ngx_chat_overload_level(ngx_chat_load_t *load,
    ngx_uint_t part);
static void ngx_chat_overload_change(ngx_chat_node_t *node, ngx_uint_t level);
static void ngx_chat_overload_close(ngx_chat_node_t *node);
static size_t ngx_chat_overload_slowest(ngx_chat_node_t *node);
static ngx_uint_t ngx_chat_overload_is_reader(ngx_chat_session_t *s);
static void ngx_chat_overload_on_timer(ngx_event_t *ev);


void
ngx_chat_overload_init(ngx_chat_node_t *node)
{
    ngx_chat_load_t  *load = &node->load;

    ngx_chat_shed_init(node);

    load->timer.handler = ngx_chat_overload_on_timer;
    load->timer.data = node;
    load->timer.log = node->log;
    load->timer.cancelable = 1;
}


void
ngx_chat_overload_done(ngx_chat_node_t *node)
{
    ngx_chat_shed_done(node);

    if (node->load.timer.timer_set) {
        ngx_del_timer(&node->load.timer);
    }
}


/* the end of a turn that took so long, in us */

void
ngx_chat_overload_turn(ngx_chat_node_t *node, uint64_t us)
{
    node->load.worst = ngx_max(node->load.worst, us / 1000);

    ngx_chat_overload_look(node);
}


void
ngx_chat_overload_look(ngx_chat_node_t *node)
{
    size_t            bytes;
    ngx_uint_t        fill, level, lag;
    ngx_chat_load_t  *load = &node->load;

    bytes = load->bytes;

    if (bytes != load->shown) {
        ngx_chat_count_add(node, NGX_CHAT_COUNT_QUEUED_BYTES,
                           (ngx_int_t) bytes - (ngx_int_t) load->shown);
        load->shown = bytes;
    }

    ngx_chat_overload_look_at_lag(load, node->conf->node_lag);

    fill = (uint64_t) bytes * 1000 / node->conf->node_queue;
    lag = load->lag * 1000 / node->conf->node_lag;

    level = ngx_chat_overload_level(load, ngx_max(fill, lag));

    if (level != load->level) {
        ngx_chat_overload_change(node, level);
    }

    if (fill >= 1000) {
        ngx_chat_overload_close(node);
    }

    if (load->level > NGX_CHAT_OVERLOAD_NONE && !load->timer.timer_set) {
        ngx_add_timer(&load->timer, NGX_CHAT_OVERLOAD_LOOK);
    }
}


/*
 * The longest turn of each period counts, smoothed over some of them: one that
 * is long for once is no load.  Nor is one in which the process has waited for
 * the processor, or was stopped: a turn counts for no more than the time that
 * was worked in its period.
 */

static void
ngx_chat_overload_look_at_lag(ngx_chat_load_t *load, ngx_msec_t max)
{
    ngx_msec_t  period;
    ngx_uint_t  lag, worked;

    period = ngx_current_msec - load->looked;

    if (period < NGX_CHAT_OVERLOAD_LOOK) {
        return;
    }

    if (period > NGX_CHAT_OVERLOAD_FORGET + load->worst) {
        load->lag = 0;
    }

    worked = ngx_chat_overload_worked(load);
    lag = ngx_min(load->worst, worked);

    load->lag = (load->lag * 3 + ngx_min(lag, max + max / 2)) / 4;
    load->worst = 0;
    load->looked = ngx_current_msec;
}


/* ms of the processor's time since the last look */

static ngx_uint_t
ngx_chat_overload_worked(ngx_chat_load_t *load)
{
    uint64_t         now;
    ngx_uint_t       worked;
    struct timespec  ts;

    (void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

    now = (uint64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
    worked = now - load->worked;
    load->worked = now;

    return worked;
}


static ngx_uint_t
ngx_chat_overload_level(ngx_chat_load_t *load, ngx_uint_t part)
{
    ngx_uint_t  level;

    level = NGX_CHAT_OVERLOAD_LEVELS - 1;

    while (part < ngx_chat_overload_begin[level]) {
        level--;
    }

    if (level >= load->level) {
        return level;
    }

    if (part + NGX_CHAT_OVERLOAD_SLACK >= ngx_chat_overload_begin[load->level]
        || ngx_current_msec - load->changed < NGX_CHAT_OVERLOAD_STAY)
    {
        return load->level;
    }

    return load->level - 1;
}


static void
ngx_chat_overload_change(ngx_chat_node_t *node, ngx_uint_t level)
{
    ngx_uint_t        severity;
    ngx_chat_load_t  *load = &node->load;

    severity = level > load->level ? NGX_LOG_WARN : NGX_LOG_NOTICE;

    ngx_log_error(severity, node->log, 0,
                  "chat: overload level %ui, was %ui: %uz bytes wait, turns "
                  "take %ui ms", level, load->level, load->bytes, load->lag);

    ngx_chat_count_add(node, NGX_CHAT_COUNT_OVERLOAD_LEVEL,
                       (ngx_int_t) level - (ngx_int_t) load->level);

    if (level < load->level) {
        ngx_chat_shed_over(node);
    }

    load->level = level;
    load->changed = ngx_current_msec;
}


/*
 * Readers that take nothing, those with most waiting first: all that have at
 * least half as much as the one with most.  A frame that many wait for is in
 * memory once, so what becomes free is known afterwards: it goes on with those
 * that are left then.
 */

static void
ngx_chat_overload_close(ngx_chat_node_t *node)
{
    size_t               most;
    ngx_queue_t         *q;
    ngx_chat_session_t  *s;

    if (ngx_current_msec - node->load.closed < NGX_CHAT_OVERLOAD_SEARCH) {
        return;
    }

    node->load.closed = ngx_current_msec;
    most = ngx_chat_overload_slowest(node);

    if (most == 0) {
        return;
    }

    for (q = ngx_queue_head(&node->sessions);
         q != ngx_queue_sentinel(&node->sessions);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_chat_session_t, queue);

        if (ngx_chat_overload_is_reader(s) && s->out_bytes >= most / 2) {
            ngx_chat_count(node, NGX_CHAT_COUNT_SHED_READER);
            ngx_chat_session_doom(s, NGX_CHAT_CLOSE_SLOW);
        }
    }
}


static size_t
ngx_chat_overload_slowest(ngx_chat_node_t *node)
{
    size_t               most;
    ngx_queue_t         *q;
    ngx_chat_session_t  *s;

    most = 0;

    for (q = ngx_queue_head(&node->sessions);
         q != ngx_queue_sentinel(&node->sessions);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_chat_session_t, queue);

        if (ngx_chat_overload_is_reader(s)) {
            most = ngx_max(most, s->out_bytes);
        }
    }

    return most;
}


static ngx_uint_t
ngx_chat_overload_is_reader(ngx_chat_session_t *s)
{
    return s->state == NGX_CHAT_SESSION_OPEN && !s->doomed && !s->internal
           && s->out != NULL && !s->connection->write->ready;
}


static void
ngx_chat_overload_on_timer(ngx_event_t *ev)
{
    ngx_chat_overload_look(ev->data);
}


/* What is refused */


ngx_int_t
ngx_chat_overload_check(ngx_chat_handshake_t *hs)
{
    if (hs->node->load.level < NGX_CHAT_OVERLOAD_CLOSE) {
        return NGX_OK;
    }

    ngx_chat_count(hs->node, NGX_CHAT_COUNT_SHED_HANDSHAKE);
    hs->retry = NGX_CHAT_OVERLOAD_RETRY;

    return ngx_chat_handshake_dismissed(hs, NGX_HTTP_SERVICE_UNAVAILABLE,
                                        NGX_CHAT_CLOSE_OVERLOADED,
                                        CHAT_CODE_UNAVAILABLE,
                                        "the server is overloaded");
}


/* what can be read later; NGX_DONE: the request is answered */

ngx_int_t
ngx_chat_overload_history(ngx_chat_request_t *rq)
{
    if (rq->node->load.level < NGX_CHAT_OVERLOAD_HISTORY || rq->unasked) {
        return NGX_OK;
    }

    ngx_chat_count(rq->node, NGX_CHAT_COUNT_SHED_HISTORY);
    ngx_chat_request_fail_after(rq, CHAT_CODE_UNAVAILABLE,
                                "the server is overloaded",
                                NGX_CHAT_OVERLOAD_RETRY);

    return NGX_DONE;
}
