/*
 * When an accepted change is answered.
 */

#include "ngx_chat.h"


void
ngx_chat_ack_reply(ngx_chat_request_t *rq, ngx_chat_buffer_t *reply,
    ngx_str_t place, uint64_t generation)
{
    (void) place;
    (void) generation;

    ngx_chat_request_done(rq, reply);
}


void
ngx_chat_ack_cancel(ngx_chat_request_t *rq)
{
    (void) rq;
}


void
ngx_chat_ack_on_stored(ngx_chat_node_t *node, ngx_uint_t partition,
    uint64_t generation, ngx_str_t *position)
{
    (void) node;
    (void) partition;
    (void) generation;
    (void) position;
}


void
ngx_chat_ack_on_open(ngx_chat_node_t *node, ngx_uint_t partition,
    uint64_t generation)
{
    (void) node;
    (void) partition;
    (void) generation;
}


void
ngx_chat_ack_beat(ngx_chat_node_t *node)
{
    (void) node;
}
