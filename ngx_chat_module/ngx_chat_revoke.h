/*
 * Revocations, as a node knows them.  Included by ngx_chat.h.
 */

#ifndef NGX_CHAT_REVOKE_H
#define NGX_CHAT_REVOKE_H


/*
 * ngx_chat_revoke.c: reads what is revoked from Redis (redis/revoke.lua).
 * Owner: the node.
 *
 * A node is sure while it has read all that Redis has, chat-persist has said
 * of this Redis that it has all that PostgreSQL has, and both was so a moment
 * ago.
 */

#define NGX_CHAT_REVOKE_PLACE  160      /* bytes of epoch and of a place */

/* chat_revoke_stale: what is done with a token while the node is not sure */

#define NGX_CHAT_REVOKE_ACCEPT  0
#define NGX_CHAT_REVOKE_REFUSE  1


typedef struct {
    chat_revoked_t   table;
    ngx_uint_t       version;           /* of the table, as sessions note it */
    ngx_event_t      timer;             /* the next look */
    ngx_event_t      walk;              /* sessions that are left to look at */

    ngx_str_t        identity;          /* Redis that was read from */
    ngx_str_t        epoch;             /*   and its stream, */
    ngx_str_t        place;             /*   up to this entry */
    u_char           identity_buf[NGX_CHAT_REVOKE_PLACE];
    u_char           epoch_buf[NGX_CHAT_REVOKE_PLACE];
    u_char           place_buf[NGX_CHAT_REVOKE_PLACE];
    uint64_t         mark;              /* the last change that it had */

    ngx_msec_t       asked;             /* when the last answer was asked for */
    ngx_msec_t       known;             /* when it was sure last */
    ngx_uint_t       counted;           /* in the metrics */

    unsigned         preparing:1;       /* the link is not up before that */
    unsigned         reading:1;         /* an answer is to come */
    unsigned         again:1;           /* there were news meanwhile */
    unsigned         fresh:1;           /* it reads from the start */
    unsigned         changed:1;         /* what it read has to be looked at */
    unsigned         read:1;            /* all, on this link */
    unsigned         confirmed:1;       /* and that is all there is */
    unsigned         full:1;            /* something did not fit */
    unsigned         failed:1;          /* and that was logged */
    unsigned         stale:1;           /* in the metrics */
} ngx_chat_revoke_t;


void ngx_chat_revoke_init(ngx_chat_node_t *node);
void ngx_chat_revoke_done(ngx_chat_node_t *node);

/* the command link: is set up but for this, ngx_chat_redis_ready() follows; is
   down */
void ngx_chat_revoke_prepare(ngx_chat_node_t *node);
void ngx_chat_revoke_on_down(ngx_chat_node_t *node);
void ngx_chat_revoke_on_news(ngx_chat_node_t *node);

/* whether all was read since the link came up: before that requests, of whom
   somebody may have been revoked meanwhile, are not served */
ngx_uint_t ngx_chat_revoke_is_read(ngx_chat_node_t *node);
ngx_uint_t ngx_chat_revoke_is_sure(ngx_chat_node_t *node);


/*
 * ngx_chat_revoke_session.c: sessions whose tokens were revoked are closed.
 */

void ngx_chat_revoke_walk(ngx_chat_node_t *node);
void ngx_chat_revoke_on_walk(ngx_event_t *ev);

/* whether it may go on; asked before each of its requests.  If not it gets
   nothing more and is closed when the turn ends */
ngx_uint_t ngx_chat_revoke_pass(ngx_chat_session_t *s);


#endif /* NGX_CHAT_REVOKE_H */
