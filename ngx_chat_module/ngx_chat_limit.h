/*
 * Limits of who may be a stranger: by address, by user, by connection.
 * Included by ngx_chat.h.
 */

#ifndef NGX_CHAT_LIMIT_H
#define NGX_CHAT_LIMIT_H


/*
 * ngx_chat_limit_zone.c: buckets and counts that all worker processes share,
 * kept over a reload.
 */

/* what is limited: each has a bucket or a count of its own */

typedef enum {
    NGX_CHAT_LIMIT_HANDSHAKES = 1,      /* of an address */
    NGX_CHAT_LIMIT_REQUESTS,            /* of a user */
    NGX_CHAT_LIMIT_MESSAGES,
    NGX_CHAT_LIMIT_CONNECTIONS,         /* of an address, or a user */
    NGX_CHAT_LIMIT_UNAUTHENTICATED      /* of an address */
} ngx_chat_limit_e;


/* whose, for everybody who asks: 0: nobody's, and not limited */
typedef uint64_t  ngx_chat_limit_key_t;

/* a share in a count, 0: none */
typedef uint32_t  ngx_chat_limit_claim_t;

ngx_int_t ngx_chat_limit_zone_add(ngx_conf_t *cf, ngx_chat_main_conf_t *mcf);

/* this process begins to count, and ends */
void ngx_chat_limit_attach(ngx_chat_node_t *node);
void ngx_chat_limit_detach(ngx_chat_node_t *node);

/* parts of a name have no zero byte but the last */
ngx_chat_limit_key_t ngx_chat_limit_hash(ngx_chat_node_t *node,
    ngx_chat_limit_e what, chat_str_t name, chat_str_t more);

/* DECLINED: there are not n left, and there will be in *wait seconds */
ngx_int_t ngx_chat_limit_take(ngx_chat_node_t *node, ngx_chat_limit_key_t key,
    const chat_limit_t *limit, ngx_uint_t n, ngx_uint_t *wait);

/* one more in this process; sum: in all that live; own: in this one */
ngx_chat_limit_claim_t ngx_chat_limit_claim(ngx_chat_node_t *node,
    ngx_chat_limit_key_t key);
void ngx_chat_limit_release(ngx_chat_node_t *node,
    ngx_chat_limit_claim_t claim);      /* 0 is fine */
ngx_uint_t ngx_chat_limit_sum(ngx_chat_node_t *node,
    ngx_chat_limit_key_t key);
ngx_uint_t ngx_chat_limit_own(ngx_chat_node_t *node,
    ngx_chat_limit_claim_t claim);


#endif /* NGX_CHAT_LIMIT_H */
