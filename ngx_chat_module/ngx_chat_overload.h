/*
 * What keeps a node going when there is more to do than it can: work that is
 * cut into turns.  Included by ngx_chat.h.
 */

#ifndef NGX_CHAT_OVERLOAD_H
#define NGX_CHAT_OVERLOAD_H


/* ngx_chat_inbox.c: publishes that wait for the next turn; in the node */

typedef struct {
    ngx_queue_t   items;
    ngx_event_t   event;
    ngx_uint_t    told;                 /* queued to sessions in this turn */
    unsigned      handing:1;            /* one of them, now */
} ngx_chat_inbox_t;


void ngx_chat_inbox_init(ngx_chat_node_t *node);
void ngx_chat_inbox_done(ngx_chat_node_t *node);
void ngx_chat_inbox_drop(ngx_chat_node_t *node);
ngx_uint_t ngx_chat_inbox_waits(ngx_chat_node_t *node);     /* is not empty */

/* whether it keeps that for later.  payload: NULL: the channel is confirmed */
ngx_uint_t ngx_chat_inbox_takes(ngx_chat_node_t *node, ngx_str_t *channel,
    ngx_str_t *payload);


#endif /* NGX_CHAT_OVERLOAD_H */
