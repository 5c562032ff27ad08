/*
 * ngx_chat_typing.c: who types.  Included by ngx_chat.h.
 */

#ifndef NGX_CHAT_TYPING_H
#define NGX_CHAT_TYPING_H


/* a session that types in a room; owner: its join */

struct ngx_chat_typing_s {
    ngx_queue_t        queue;           /* node->typing, by the end */
    ngx_chat_join_t   *join;
    ngx_msec_t         asked;           /* Redis, the last time */
    ngx_msec_t         ends;
    unsigned           allowed:1;       /* Redis has said so */
    unsigned           asking:1;        /* others may be told any moment, */
    unsigned           told:1;          /* or were */
};


void ngx_chat_typing_init(ngx_chat_node_t *node);
void ngx_chat_typing_done(ngx_chat_node_t *node);

/* typing.start, typing.stop */
void ngx_chat_typing_start(ngx_chat_request_t *rq);
void ngx_chat_typing_stop(ngx_chat_request_t *rq);

/* the join does not type any more, if it does: others are told.  sent: what it
   typed; the request's session may have left the room */
void ngx_chat_typing_end(ngx_chat_join_t *join);
void ngx_chat_typing_sent(ngx_chat_request_t *rq);
void ngx_chat_typing_hide(ngx_chat_user_t *user);       /* it is invisible */


#endif /* NGX_CHAT_TYPING_H */
