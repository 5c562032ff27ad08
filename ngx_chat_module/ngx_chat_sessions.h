/*
 * ngx_chat_sessions.c: what an operator asks of the sessions.  Included by
 * ngx_chat.h.
 */

#ifndef NGX_CHAT_SESSIONS_H
#define NGX_CHAT_SESSIONS_H


#define NGX_CHAT_SESSIONS_REASON  (CHAT_FRAME_MAX_CONTROL - 2)


/* the question that is being answered; owner: the node */

typedef struct {
    ngx_event_t   timer;                /* the next turn of a walk */
    ngx_uint_t    limit;                /* told at the most, */
    ngx_uint_t    told;                 /* and so far */
    ngx_uint_t    part;
    uint32_t      number;               /* of the question: s->asked */
    ngx_str_t     tenant;               /* "<tenant>/", or empty: all */
    u_char        tenant_buf[CHAT_NAME_MAX_ID + 1];
    u_char        id[CHAT_ID_LEN];      /* the session, if by_id */
    u_char        reason[NGX_CHAT_SESSIONS_REASON + 1];     /* ends with \0 */
    ngx_str_t     last;                 /* name of the user at hand, or "" */
    uint32_t      last_key;             /* its key in node->users */
    u_char        last_buf[CHAT_NAME_MAX_QUALIFIED];
    ngx_str_t     token;
    u_char        token_buf[NGX_CHAT_REPORT_TOKEN];
    unsigned      kick:1;               /* close them; else tell */
    unsigned      by_id:1;
    unsigned      one:1;                /* no other user than that */
} ngx_chat_sessions_t;


void ngx_chat_sessions_init(ngx_chat_node_t *node);
void ngx_chat_sessions_done(ngx_chat_node_t *node);

/* what follows "sessions " and "kick " in a message to all nodes */
void ngx_chat_sessions_list(ngx_chat_node_t *node, ngx_str_t *text);
void ngx_chat_sessions_kick(ngx_chat_node_t *node, ngx_str_t *text);


#endif /* NGX_CHAT_SESSIONS_H */
