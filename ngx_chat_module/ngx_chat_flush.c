/*
 * Sending, at the end of a turn of the event loop.
 *
 * Sessions that have something to send are kept in two queues: those that were
 * answered, or told what few others were, and those that are one of a crowd,
 * which an event of a large conversation was queued to.  A turn spends no more
 * than a slice of time on them, half of it on the crowd if there is one; who
 * is left goes on in the next turn, after what was read meanwhile.  So a
 * broadcast to thousands holds nobody up for longer than that, and those who
 * wait for it get what else has come for them with the same system call.
 */

#include "ngx_chat.h"

#include <time.h>


#define NGX_CHAT_FLUSH_SLICE  2000      /* us of a turn */
#define NGX_CHAT_FLUSH_STEP   16        /* sessions between looks at the clock,
                                           and the least of a queue's turn */


static void ngx_chat_flush_event(ngx_event_t *ev);
static uint64_t ngx_chat_flush_queue(ngx_queue_t *queue, uint64_t now,
    uint64_t until);
static uint64_t ngx_chat_flush_clock(clockid_t clock);
static uint64_t ngx_chat_flush_turn(void);


void
ngx_chat_flush_init(ngx_chat_node_t *node)
{
    ngx_queue_init(&node->flush);
    ngx_queue_init(&node->crowd);

    node->flush_event.handler = ngx_chat_flush_event;
    node->flush_event.data = node;
    node->flush_event.log = node->log;
}


/* there are no sessions any more */

void
ngx_chat_flush_done(ngx_chat_node_t *node)
{
    if (node->flush_event.posted) {
        ngx_delete_posted_event(&node->flush_event);
    }
}


void
ngx_chat_flush_post(ngx_chat_session_t *s, ngx_uint_t crowd)
{
    ngx_chat_node_t  *node = s->node;

    if (s->flushing) {

        if (crowd || !s->crowded) {
            return;
        }

        ngx_queue_remove(&s->flush);    /* its turn comes earlier now */
    }

    s->flushing = 1;
    s->crowded = crowd ? 1 : 0;

    ngx_queue_insert_tail(crowd ? &node->crowd : &node->flush, &s->flush);

    if (!node->flush_event.posted) {
        ngx_post_event(&node->flush_event, &ngx_posted_events);
    }
}


static void
ngx_chat_flush_event(ngx_event_t *ev)
{
    uint64_t          begin, half, now, turn;
    ngx_chat_node_t  *node = ev->data;

    begin = ngx_chat_flush_clock(CLOCK_MONOTONIC);
    half = ngx_queue_empty(&node->crowd) ? NGX_CHAT_FLUSH_SLICE
                                         : NGX_CHAT_FLUSH_SLICE / 2;

    now = ngx_chat_flush_queue(&node->flush, begin, begin + half);
    now = ngx_chat_flush_queue(&node->crowd, now,
                               ngx_max(now, begin) + NGX_CHAT_FLUSH_SLICE
                               - half);

    node->inbox.told = 0;

    turn = ngx_chat_flush_turn();

    ngx_chat_time_add(node, NGX_CHAT_TIME_FLUSH, now - begin);
    ngx_chat_time_add(node, NGX_CHAT_TIME_TURN, turn);
    ngx_chat_overload_turn(node, turn);

    if (!ngx_queue_empty(&node->flush) || !ngx_queue_empty(&node->crowd)) {
        ngx_chat_count(node, NGX_CHAT_COUNT_TURN_CUT_FLUSH);
        ngx_post_event(ev, &ngx_posted_next_events);
    }
}


/* returns when it has ended */

static uint64_t
ngx_chat_flush_queue(ngx_queue_t *queue, uint64_t now, uint64_t until)
{
    ngx_uint_t           n;
    ngx_queue_t         *q;
    ngx_chat_session_t  *s;

    for (n = 1; !ngx_queue_empty(queue); n++) {
        q = ngx_queue_head(queue);
        ngx_queue_remove(q);

        s = ngx_queue_data(q, ngx_chat_session_t, flush);
        s->flushing = 0;

        ngx_chat_write_turn(s);

        if (n % NGX_CHAT_FLUSH_STEP == 0) {
            now = ngx_chat_flush_clock(CLOCK_MONOTONIC);

            if (now >= until) {
                return now;
            }
        }
    }

    return n == 1 ? now : ngx_chat_flush_clock(CLOCK_MONOTONIC);
}


static uint64_t
ngx_chat_flush_clock(clockid_t clock)
{
    struct timespec  ts;

    (void) clock_gettime(clock, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


/*
 * How long the turn has taken, in us: nginx has looked at the clock when it
 * woke up, and has kept milliseconds.
 */

static uint64_t
ngx_chat_flush_turn(void)
{
    uint64_t  now, woken;

    woken = ngx_chat_now() * 1000;
    now = ngx_chat_flush_clock(CLOCK_REALTIME);

    return now > woken ? now - woken : 0;
}
