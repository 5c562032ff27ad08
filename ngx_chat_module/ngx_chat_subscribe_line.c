/*
 * The line of those who subscribe to users.  Storage takes longest to say with
 * whom somebody shares a conversation, and when a node has died thousands ask
 * that at once.  A few are asked about at a time, and the other requests wait
 * here: who gives up has cost storage nothing, so it works only for those who
 * still wait, and what else a node needs of it does not wait behind them all.
 */

#include "ngx_chat.h"


#define NGX_CHAT_SUBSCRIBE_PARALLEL  64


static void ngx_chat_subscribe_line_on_place(ngx_event_t *ev);


void
ngx_chat_subscribe_line_init(ngx_chat_node_t *node)
{
    ngx_chat_subscribers_t  *all = &node->subscribers;

    ngx_queue_init(&all->line);

    all->place.handler = ngx_chat_subscribe_line_on_place;
    all->place.data = node;
    all->place.log = node->log;
}


void
ngx_chat_subscribe_line_done(ngx_chat_node_t *node)
{
    if (node->subscribers.place.posted) {
        ngx_delete_posted_event(&node->subscribers.place);
    }
}


ngx_uint_t
ngx_chat_subscribe_line_pass(ngx_chat_request_t *rq)
{
    ngx_chat_subscribers_t  *all = &rq->node->subscribers;

    if (rq->asking) {                   /* its turn, or asks once more */
        return 1;
    }

    if (all->asking == NGX_CHAT_SUBSCRIBE_PARALLEL
        || !ngx_queue_empty(&all->line))
    {
        ngx_chat_line_wait(rq, &all->line);
        return 0;
    }

    rq->asking = 1;
    all->asking++;

    return 1;
}


/* it may end with its session, so who is next begins later */

void
ngx_chat_subscribe_line_leave(ngx_chat_request_t *rq)
{
    ngx_chat_subscribers_t  *all = &rq->node->subscribers;

    if (!rq->asking) {
        return;
    }

    rq->asking = 0;
    all->asking--;

    if (!ngx_queue_empty(&all->line) && !all->place.posted) {
        ngx_post_event(&all->place, &ngx_posted_events);
    }
}


static void
ngx_chat_subscribe_line_on_place(ngx_event_t *ev)
{
    ngx_queue_t             *q;
    ngx_chat_node_t         *node = ev->data;
    ngx_chat_request_t      *rq;
    ngx_chat_subscribers_t  *all = &node->subscribers;

    while (all->asking < NGX_CHAT_SUBSCRIBE_PARALLEL
           && !ngx_queue_empty(&all->line))
    {
        q = ngx_queue_head(&all->line);
        rq = ngx_queue_data(q, ngx_chat_request_t, wait);

        ngx_chat_line_leave(rq);
        rq->asking = 1;
        all->asking++;

        ngx_chat_request_run(rq);
    }
}
