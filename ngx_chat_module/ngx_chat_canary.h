/*
 * The canary.  Included by ngx_chat.h.
 */

#ifndef NGX_CHAT_CANARY_H
#define NGX_CHAT_CANARY_H


/*
 * ngx_chat_canary_link.c: a client of this node inside of this node.  The other
 * end is a session like any other; only the handshake is left out.  Embedded
 * in the canary.
 */

#define NGX_CHAT_CANARY_BUFFER  8192    /* the longest frame that is taken */


typedef struct {
    ngx_connection_t  *connection;      /* the client's end; NULL: none */
    void              *data;            /* of the handlers */
    void             (*text)(void *data, chat_str_t text);
    void             (*lost)(void *data);   /* the connection is, not closed */
    size_t             len;
    u_char             buffer[NGX_CHAT_CANARY_BUFFER];
} ngx_chat_canary_link_t;


ngx_int_t ngx_chat_canary_link_open(ngx_chat_canary_link_t *link,
    ngx_chat_node_t *node, ngx_chat_loc_conf_t *conf);
ngx_int_t ngx_chat_canary_link_send(ngx_chat_canary_link_t *link,
    chat_str_t text);
void ngx_chat_canary_link_close(ngx_chat_canary_link_t *link);


/* ngx_chat_canary.c: measures what users feel, all the time.  init: does
   nothing with chat_canary off; NGX_ERROR: out of memory */

ngx_int_t ngx_chat_canary_init(ngx_chat_node_t *node);
void ngx_chat_canary_done(ngx_chat_node_t *node);


#endif /* NGX_CHAT_CANARY_H */
