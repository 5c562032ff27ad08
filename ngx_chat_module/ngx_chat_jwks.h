/*
 * Keys that come from files which somebody else writes: JWK Sets.  Included by
 * ngx_chat.h.
 */

#ifndef NGX_CHAT_JWKS_H
#define NGX_CHAT_JWKS_H


/* a file as it was looked at last, so that a change is seen */

typedef struct {
    ngx_err_t         err;              /* why it cannot be looked at, or 0 */
    ino_t             inode;
    off_t             size;
    struct timespec   changed;          /* its content, owner or mode */
} ngx_chat_jwks_state_t;


/* one for each file, however many locations name it; owner: the cycle's pool */

struct ngx_chat_jwks_s {
    ngx_str_t               file;       /* with '\0' */
    ngx_str_t               refresh;    /* path of a socket, with '\0'; or
                                           empty */
    ngx_chat_main_conf_t   *conf;
    chat_jwks_t            *set;        /* or NULL: there are no keys yet */
    ngx_chat_jwks_state_t   state;
    ngx_uint_t              stale;      /* set is not what the file holds */
    ngx_msec_t              asked;      /* when refresh was asked, or 0 */
    unsigned                wanted:1;   /* and is to be again */
    unsigned                deaf:1;     /* and could not be, which was told */
};


/*
 * ngx_chat_jwks.c: reads them at start, and again in each process when they
 * change.  A set takes the place of the other as a whole, or not at all.
 */

/* for the setter: the one for this file, read if it is new */
char *ngx_chat_jwks_add(ngx_conf_t *cf, ngx_str_t *file, ngx_str_t *refresh,
    ngx_chat_jwks_t **jwks);

void ngx_chat_jwks_init(ngx_chat_node_t *node);
void ngx_chat_jwks_done(ngx_chat_node_t *node);


/* ngx_chat_jwks_ask.c */

/* a token names a key that the set has not: asks for a newer one, not often */
void ngx_chat_jwks_ask(ngx_chat_jwks_t *jwks);

/* once a second: asks if it was too soon to do so */
void ngx_chat_jwks_ask_again(ngx_chat_jwks_t *jwks);


#endif /* NGX_CHAT_JWKS_H */
