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

/* a rate that is not configured on this level */
#define NGX_CHAT_LIMIT_UNSET  ((uint64_t) -1)


/* configuration: part of a location's; 0: off */

typedef struct {
    chat_limit_t   handshake_rate;      /* of an address */
    chat_limit_t   request_rate;        /* of a user */
    chat_limit_t   message_rate;        /* likewise */
    chat_limit_t   typing_rate;         /* likewise */
    chat_limit_t   frame_rate;          /* of a session */
    ngx_uint_t     max_per_address;     /* connections */
    ngx_uint_t     max_per_user;        /* likewise */
    ngx_uint_t     max_unauthenticated; /* likewise, in a process */
} ngx_chat_limit_conf_t;


/* what is limited: each has a bucket or a count of its own */

typedef enum {
    NGX_CHAT_LIMIT_HANDSHAKES = 1,      /* of an address */
    NGX_CHAT_LIMIT_REQUESTS,            /* of a user */
    NGX_CHAT_LIMIT_MESSAGES,
    NGX_CHAT_LIMIT_CONNECTIONS,         /* of an address, or a user */
    NGX_CHAT_LIMIT_UNAUTHENTICATED,     /* of an address */
    NGX_CHAT_LIMIT_TYPING               /* of a user */
} ngx_chat_limit_e;


/* whose, for everybody who asks: 0: nobody's, and not limited */
typedef uint64_t  ngx_chat_limit_key_t;

/* a share in a count, 0: none */
typedef uint32_t  ngx_chat_limit_claim_t;

/* what a connection has of each count */

typedef struct {
    ngx_chat_limit_claim_t   address;
    ngx_chat_limit_claim_t   user;
    ngx_chat_limit_claim_t   stranger;  /* the address, unauthenticated */
    unsigned                 unauthenticated:1;
} ngx_chat_limit_claims_t;


ngx_int_t ngx_chat_limit_zone_add(ngx_conf_t *cf, ngx_chat_main_conf_t *mcf);

/* entries of each of the two tables, and how many of them are in use now; of a
   zone with many sets an estimate, from some of them */

typedef struct {
    uint64_t   entries;
    uint64_t   rates;
    uint64_t   connections;
} ngx_chat_limit_usage_t;

void ngx_chat_limit_usage(ngx_chat_main_conf_t *mcf,
    ngx_chat_limit_usage_t *usage);

/* this process begins to count, and ends */
void ngx_chat_limit_attach(ngx_chat_node_t *node);
void ngx_chat_limit_detach(ngx_chat_node_t *node);

/* name has no zero byte, unless more is empty */
ngx_chat_limit_key_t ngx_chat_limit_hash(ngx_chat_node_t *node,
    ngx_chat_limit_e what, chat_str_t name, chat_str_t more);

/* DECLINED: there are not n left, and there will be in *wait seconds */
ngx_int_t ngx_chat_limit_take(ngx_chat_node_t *node, ngx_chat_limit_key_t key,
    const chat_limit_t *limit, ngx_uint_t n, ngx_uint_t *wait);

/* DECLINED: there is none left; takes none */
ngx_int_t ngx_chat_limit_look(ngx_chat_node_t *node, ngx_chat_limit_key_t key,
    const chat_limit_t *limit, ngx_uint_t *wait);

/* one more in this process; sum: in all that live; own: in this one */
ngx_chat_limit_claim_t ngx_chat_limit_claim(ngx_chat_node_t *node,
    ngx_chat_limit_key_t key);
void ngx_chat_limit_release(ngx_chat_node_t *node,
    ngx_chat_limit_claim_t claim);      /* 0 is fine */
ngx_uint_t ngx_chat_limit_sum(ngx_chat_node_t *node,
    ngx_chat_limit_key_t key);
ngx_uint_t ngx_chat_limit_own(ngx_chat_node_t *node,
    ngx_chat_limit_claim_t claim);


/*
 * ngx_chat_limit.c: what is limited, and what is said then.
 */

/* a session, or a handshake, has ended; it is no stranger any more */
void ngx_chat_limit_leave(ngx_chat_node_t *node,
    ngx_chat_limit_claims_t *claims);
void ngx_chat_limit_known(ngx_chat_node_t *node,
    ngx_chat_limit_claims_t *claims);

/* claims one more connection of the user; DECLINED: there are too many */
ngx_int_t ngx_chat_limit_user(ngx_chat_node_t *node,
    const ngx_chat_limit_conf_t *conf, const chat_token_t *token,
    ngx_chat_limit_claims_t *claims);

/* a frame has begun; DECLINED: there are too many, and the session is being
   closed */
ngx_int_t ngx_chat_limit_frame(ngx_chat_session_t *s);

/* DECLINED: it is refused and answered; the session may be closed */
ngx_int_t ngx_chat_limit_request(ngx_chat_session_t *s,
    const chat_request_t *rq);


#endif /* NGX_CHAT_LIMIT_H */
