/*
 * Links to Redis.  Included by ngx_chat.h.
 */

#ifndef NGX_CHAT_REDIS_H
#define NGX_CHAT_REDIS_H


/*
 * ngx_chat_redis.c: a link to Redis on nginx's event loop.  It connects by
 * itself, again and again with back-off.  Embedded in the node.
 */

/*
 * reply is NULL when the link was lost before the answer: the command may
 * have been executed or not.  Called exactly once for each command sent; may
 * send further commands, must not close the link.
 */
typedef void (*ngx_chat_redis_reply_pt)(void *data, redisReply *reply);


typedef struct {
    /* connected, authenticated, database selected, identity read: may send
       something before anybody else does, and calls ready(); or NULL */
    void  (*prepare)(ngx_chat_redis_t *link);
    /* others may send */
    void  (*up)(ngx_chat_redis_t *link);
    /* was up and is not any more; every pending command has got its NULL */
    void  (*down)(ngx_chat_redis_t *link);
    /* subscriber only */
    void  (*subscribed)(ngx_chat_redis_t *link, ngx_str_t *channel);
    void  (*message)(ngx_chat_redis_t *link, ngx_str_t *channel,
        ngx_str_t *payload);
} ngx_chat_redis_handlers_t;


struct ngx_chat_redis_s {
    ngx_chat_node_t                  *node;
    const ngx_chat_redis_handlers_t  *handlers;
    const char                       *name;     /* "command", "subscriber" */
    redisAsyncContext                *ac;       /* NULL: not connected */
    ngx_connection_t                 *c;        /* nginx's view of its fd */
    ngx_event_t                       timer;    /* reconnect, deadline */
    ngx_event_t                       drop;     /* posted by reset() */
    const char                       *reason;   /* of a drop under way */
    u_char                            refusal[128]; /* Redis' own words */
    ngx_msec_t                        backoff;
    ngx_msec_t                        since;    /* up since then */
    ngx_queue_t                       pending;  /* commands, oldest first */
    size_t                            pending_bytes;
    ngx_uint_t                        unconfirmed;  /* channels asked for */
    ngx_msec_t                        confirmed;    /* the last one came then,
                                                       or the first was asked */
    ngx_msec_t                        answered; /* the last reply came then */
    ngx_str_t                         identity;     /* "<run id>:<replid>" */
    u_char                            identity_buf[128];
    u_char                           *text;     /* of the last command */
    size_t                            text_size;
    unsigned                          up:1;
    unsigned                          told:1;   /* up(), and not yet down() */
    unsigned                          failed:1; /* and that was logged */
    unsigned                          writing:1;    /* inside hiredis' writer */
    unsigned                          closing:1;
    unsigned                          subscriber:1;
};


void ngx_chat_redis_open(ngx_chat_redis_t *link, ngx_chat_node_t *node,
    const char *name, ngx_uint_t subscriber,
    const ngx_chat_redis_handlers_t *handlers);
void ngx_chat_redis_close(ngx_chat_redis_t *link);          /* for good */
void ngx_chat_redis_reset(ngx_chat_redis_t *link, const char *reason);
                                        /* drop and connect again; may be called
                                           anywhere, acts at the turn's end */

/*
 * NGX_OK: sent, the handler will be called.  NGX_DECLINED: not connected, or
 * more is outstanding than chat_redis max_pending allows; the handler will
 * not be called.  NGX_ERROR: out of memory, likewise.
 */
ngx_int_t ngx_chat_redis_send(ngx_chat_redis_t *link, ngx_uint_t argc,
    const char **argv, const size_t *argvlen, ngx_chat_redis_reply_pt handler,
    void *data);

/* for prepare(): the same on a link that is not up yet, and the end of that;
   if the link is lost instead, the handler gets NULL and that is all */
ngx_int_t ngx_chat_redis_send_first(ngx_chat_redis_t *link, ngx_uint_t argc,
    const char **argv, const size_t *argvlen, ngx_chat_redis_reply_pt handler,
    void *data);
void ngx_chat_redis_ready(ngx_chat_redis_t *link);

/* on the subscriber link; answers come to its handlers; NGX_DECLINED as
   above */
ngx_int_t ngx_chat_redis_subscribe(ngx_chat_redis_t *link, ngx_str_t *channels,
    ngx_uint_t n);
ngx_int_t ngx_chat_redis_unsubscribe(ngx_chat_redis_t *link,
    ngx_str_t *channel);


/* ngx_chat_redis_format.c: a command in Redis' own form, in memory of the link;
   NGX_ERROR: out of memory */

ngx_int_t ngx_chat_redis_format(ngx_chat_redis_t *link, ngx_uint_t argc,
    const char **argv, const size_t *argvlen, ngx_str_t *text);
void ngx_chat_redis_format_free(ngx_chat_redis_t *link);


/* ngx_chat_redis_event.c: hiredis on nginx's events.  Sets ac and c of the
   link; at the end of the connection it calls closed() */

ngx_int_t ngx_chat_redis_event_attach(ngx_chat_redis_t *link,
    redisAsyncContext *ac);
void ngx_chat_redis_closed(ngx_chat_redis_t *link);

/* there will be no turn of the event loop any more: what was sent leaves now,
   as far as the socket takes it */

void ngx_chat_redis_push(ngx_chat_redis_t *link);


#endif /* NGX_CHAT_REDIS_H */
