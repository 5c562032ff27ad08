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


#define NGX_CHAT_FLUSH_SLICE  2000      /* us of a turn */
#define NGX_CHAT_FLUSH_STEP   16        /* sessions between looks at the clock,
                                           and the least of a queue's turn */


static void ngx_chat_flush_event(ngx_event_t *ev);
static void ngx_chat_flush_sending(ngx_chat_node_t *node);
static void ngx_chat_flush_sent(ngx_chat_node_t *node, uint64_t now);
static uint64_t ngx_chat_flush_queue(ngx_queue_t *queue, ngx_queue_t **last,
    uint64_t now, uint64_t until);
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

        ngx_chat_flush_remove(s);       /* its turn comes earlier now */
    }

    s->flushing = 1;
    s->crowded = crowd ? 1 : 0;

    ngx_queue_insert_tail(crowd ? &node->crowd : &node->flush, &s->flush);

    if (!node->flush_event.posted) {
        ngx_post_event(&node->flush_event, &ngx_posted_events);
    }
}


void
ngx_chat_flush_remove(ngx_chat_session_t *s)
{
    ngx_queue_t         *prev;
    ngx_chat_node_t     *node = s->node;

    if (!s->flushing) {
        return;
    }

    prev = ngx_queue_prev(&s->flush);

    if (prev == &node->flush || prev == &node->crowd) {
        prev = NULL;                    /* nobody is left before it */
    }

    if (node->sending.last[s->crowded] == &s->flush) {
        node->sending.last[s->crowded] = prev;
    }

    s->flushing = 0;
    ngx_queue_remove(&s->flush);
}


void
ngx_chat_flush_heard(ngx_chat_node_t *node)
{
    ngx_chat_sending_t  *sending = &node->sending;

    if (sending->heard++ == 0) {
        sending->since = node->inbox.handing ? node->inbox.came
                                             : ngx_chat_clock();
    }
}


static void
ngx_chat_flush_event(ngx_event_t *ev)
{
    uint64_t          begin, half, now, turn;
    ngx_chat_node_t  *node = ev->data;

    /* at once, so that nobody who has more to send asks for this turn */

    ngx_post_event(ev, &ngx_posted_next_events);

    begin = ngx_chat_clock();

    ngx_chat_flush_sending(node);
    half = ngx_queue_empty(&node->crowd) ? NGX_CHAT_FLUSH_SLICE
                                         : NGX_CHAT_FLUSH_SLICE / 2;

    now = ngx_chat_flush_queue(&node->flush, &node->sending.last[0], begin,
                               begin + half);
    now = ngx_chat_flush_queue(&node->crowd, &node->sending.last[1], now,
                               ngx_max(now, begin) + NGX_CHAT_FLUSH_SLICE
                               - half);

    ngx_chat_flush_sent(node, now);

    node->inbox.told = 0;

    turn = ngx_chat_flush_turn();

    ngx_chat_time_add(node, NGX_CHAT_TIME_FLUSH, now - begin);
    ngx_chat_time_add(node, NGX_CHAT_TIME_TURN, turn);
    ngx_chat_overload_turn(node, turn);

    if (ngx_queue_empty(&node->flush) && ngx_queue_empty(&node->crowd)) {
        ngx_delete_posted_event(ev);
        return;
    }

    ngx_chat_count(node, NGX_CHAT_COUNT_TURN_CUT_FLUSH);
}


/* whoever has to be sent what was heard is in one of the queues now */

static void
ngx_chat_flush_sending(ngx_chat_node_t *node)
{
    ngx_chat_sending_t  *sending = &node->sending;

    if (sending->measured > 0 || sending->heard == 0) {
        return;
    }

    sending->measured = sending->heard;
    sending->begun = sending->since;
    sending->heard = 0;

    sending->last[0] = ngx_queue_empty(&node->flush)
                       ? NULL : ngx_queue_last(&node->flush);
    sending->last[1] = ngx_queue_empty(&node->crowd)
                       ? NULL : ngx_queue_last(&node->crowd);
}


static void
ngx_chat_flush_sent(ngx_chat_node_t *node, uint64_t now)
{
    ngx_chat_sending_t  *sending = &node->sending;

    if (sending->measured == 0 || sending->last[0] != NULL
        || sending->last[1] != NULL)
    {
        return;
    }

    ngx_chat_time_add_many(node, NGX_CHAT_TIME_DELIVERY, now - sending->begun,
                           sending->measured);

    sending->measured = 0;
}


/* returns when it has ended */

static uint64_t
ngx_chat_flush_queue(ngx_queue_t *queue, ngx_queue_t **last, uint64_t now,
    uint64_t until)
{
    ngx_uint_t           n;
    ngx_queue_t         *q;
    ngx_chat_session_t  *s;

    for (n = 1; !ngx_queue_empty(queue); n++) {
        q = ngx_queue_head(queue);
        ngx_queue_remove(q);

        if (q == *last) {
            *last = NULL;
        }

        s = ngx_queue_data(q, ngx_chat_session_t, flush);
        s->flushing = 0;

        ngx_chat_write_turn(s);

        if (n % NGX_CHAT_FLUSH_STEP == 0) {
            now = ngx_chat_clock();

            if (now >= until) {
                return now;
            }
        }
    }

    return n == 1 ? now : ngx_chat_clock();
}


/*
 * How long the turn has taken, in us: nginx has looked at the clock when it
 * woke up, and has kept milliseconds.
 */

static uint64_t
ngx_chat_flush_turn(void)
{
    uint64_t        now, woken;
    struct timeval  tv;

    ngx_gettimeofday(&tv);

    woken = ngx_chat_now() * 1000;
    now = (uint64_t) tv.tv_sec * 1000000 + tv.tv_usec;

    return now > woken ? now - woken : 0;
}
