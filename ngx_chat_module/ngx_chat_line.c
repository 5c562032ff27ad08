/*
 * The line before Redis.  When a node dies, thousands of clients come to
 * another one and join all that they are in.  Answering that takes Redis
 * seconds, and what else is asked of it over the same link waits behind: so
 * positions are asked for a few at a time, and the other joins wait here.
 *
 * A few are enough to keep Redis busy.  Who waits too long is answered with
 * "unavailable" by its deadline, and has cost Redis nothing.
 */

#include "ngx_chat.h"


#define NGX_CHAT_LINE_PARALLEL  256


void
ngx_chat_line_init(ngx_chat_node_t *node)
{
    ngx_queue_init(&node->line);
}


ngx_uint_t
ngx_chat_line_pass(ngx_chat_request_t *rq)
{
    ngx_chat_node_t  *node = rq->node;

    if (node->asking < NGX_CHAT_LINE_PARALLEL) {
        return 1;
    }

    ngx_chat_line_wait(rq, &node->line);

    return 0;
}


void
ngx_chat_line_wait(ngx_chat_request_t *rq, ngx_queue_t *line)
{
    rq->in_line = 1;
    ngx_queue_insert_tail(line, &rq->wait);
    ngx_chat_count(rq->node, NGX_CHAT_COUNT_WAITING);
}


void
ngx_chat_line_leave(ngx_chat_request_t *rq)
{
    if (rq->in_line) {
        rq->in_line = 0;
        ngx_queue_remove(&rq->wait);
        ngx_chat_count_add(rq->node, NGX_CHAT_COUNT_WAITING, -1);
    }
}


void
ngx_chat_line_asked(ngx_chat_node_t *node)
{
    node->asking++;
}


void
ngx_chat_line_answered(ngx_chat_node_t *node)
{
    ngx_queue_t         *q;
    ngx_chat_request_t  *rq;

    node->asking--;

    while (node->asking < NGX_CHAT_LINE_PARALLEL
           && !ngx_queue_empty(&node->line))
    {
        q = ngx_queue_head(&node->line);

        rq = ngx_queue_data(q, ngx_chat_request_t, wait);
        ngx_chat_line_leave(rq);
        ngx_chat_request_run(rq);
    }
}
