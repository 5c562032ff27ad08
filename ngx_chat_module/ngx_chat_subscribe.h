/*
 * Sessions that are told when users come and go: presence.subscribe.  Included
 * by ngx_chat.h.
 */

#ifndef NGX_CHAT_SUBSCRIBE_H
#define NGX_CHAT_SUBSCRIBE_H


/* one user whom a session has subscribed to; owner: the subscriber */

typedef struct {
    ngx_chat_watcher_t      watcher;
    ngx_rbtree_node_t       node;       /* in subscriber->tree, by the place of
                                           the watched one */
    ngx_queue_t             queue;      /* subscriber->subscriptions */
    ngx_queue_t             missed_queue;   /* subscriber->missed, if missed */
    ngx_chat_subscriber_t  *subscriber;
    uint64_t                asked;      /* the need that it was asked with */
    uint16_t                index;      /* its place there */
    unsigned                fresh:1;    /* the reply that tells of it is not
                                           out */
    unsigned                awaited:1;  /* that waits until it is known */
    unsigned                missed:1;   /* not told of the last change */
    unsigned                due:1;      /* to be asked whether it may stay */
} ngx_chat_subscription_t;


/* owner: its session */

struct ngx_chat_subscriber_s {
    ngx_queue_t             queue;      /* subscribers->all, those who were
                                           checked longest ago first */
    ngx_chat_session_t     *session;
    ngx_rbtree_t            tree;
    ngx_rbtree_node_t       sentinel;
    ngx_queue_t             subscriptions;  /* those that are due first */
    ngx_uint_t              n;
    ngx_queue_t             missed;
    ngx_queue_t             shed;       /* subscribers->shed, if is_shed */
    ngx_chat_request_t     *request;    /* that waits until all are known */
    ngx_uint_t              awaited;    /* so many are not */

    ngx_chat_waiter_t       waiter;     /* of a check under way */
    ngx_event_t             timer;      /* its deadline */
    ngx_queue_t             check;      /* subscribers->checks, if queued */
    ngx_uint_t              asked;      /* users that it is about */
    ngx_msec_t              checked;    /* all were asked about then */
    ngx_uint_t              round;      /* subscribers->round then */
    unsigned                is_shed:1;
    unsigned                queued:1;
};


typedef struct {                        /* in the node */
    ngx_queue_t             all;
    ngx_queue_t             shed;       /* those who missed something as the
                                           node had too much to do */
    ngx_event_t             told;       /* to tell them */
    ngx_queue_t             checks;     /* those who wait to be asked about */
    ngx_uint_t              checking;   /* needs under way */
    ngx_uint_t              round;      /* grows when all are to be asked about
                                           soon */
    ngx_uint_t              outs;       /* changes that were heard of by which
                                           somebody may be due */
    ngx_event_t             timer;      /* looks who is due */

    ngx_queue_t             line;       /* requests that wait to be asked
                                           about */
    ngx_uint_t              asking;     /* requests that are */
    ngx_event_t             place;      /* there is a place for one more */
} ngx_chat_subscribers_t;


/* ngx_chat_subscribe.c: the requests */

ngx_int_t ngx_chat_subscribe_name(ngx_chat_request_t *rq);
void ngx_chat_subscribe_run(ngx_chat_request_t *rq);
void ngx_chat_subscribe_run_range(ngx_chat_request_t *rq,
    ngx_chat_range_t *range);
void ngx_chat_unsubscribe_run(ngx_chat_request_t *rq);
void ngx_chat_subscribe_cancel(ngx_chat_request_t *rq); /* fine if it does not
                                                           wait */

/* all that it waited for is known */
void ngx_chat_subscribe_known(ngx_chat_request_t *rq);


/* ngx_chat_subscribe_line.c: which of them are asked about.  pass: 0: it waits,
   and is run again.  leave: it has been answered; fine if it was not asked */

void ngx_chat_subscribe_line_init(ngx_chat_node_t *node);
void ngx_chat_subscribe_line_done(ngx_chat_node_t *node);
ngx_uint_t ngx_chat_subscribe_line_pass(ngx_chat_request_t *rq);
void ngx_chat_subscribe_line_leave(ngx_chat_request_t *rq);


/* ngx_chat_subscriber.c: who has subscribed to whom, and is told */

void ngx_chat_subscriber_init(ngx_chat_node_t *node);
void ngx_chat_subscriber_done(ngx_chat_node_t *node);
void ngx_chat_subscriber_leave(ngx_chat_session_t *s);

/* qualified: <tenant>/<user>; NULL: there is none, is no memory */
ngx_chat_subscription_t *ngx_chat_subscriber_find(ngx_chat_session_t *s,
    ngx_str_t *qualified);
ngx_chat_subscription_t *ngx_chat_subscriber_add(ngx_chat_session_t *s,
    ngx_str_t *qualified);
void ngx_chat_subscriber_remove(ngx_chat_subscription_t *sub);

/* whether the watcher is one of these */
ngx_uint_t ngx_chat_subscriber_is(ngx_chat_watcher_t *w);

/* a reply tells of it, as it is now */
void ngx_chat_subscriber_replied(ngx_chat_subscription_t *sub);

/* the client may not know any more: the user looks offline from now on */
void ngx_chat_subscriber_end(ngx_chat_subscription_t *sub);

/* the level has fallen; the session's queue is empty.  drained: NGX_AGAIN:
   there is more to tell than fits */
void ngx_chat_subscriber_over(ngx_chat_node_t *node);
ngx_int_t ngx_chat_subscriber_drained(ngx_chat_session_t *s);


/*
 * ngx_chat_entitle.c: whether those who were let in may still know.  out: the
 * user has left a conversation; gone: a conversation of these was deleted; all:
 * anybody may have.  begin: a subscriber is new.  due: it is to be asked about;
 * advance asks.
 */

void ngx_chat_entitle_init(ngx_chat_node_t *node);
void ngx_chat_entitle_done(ngx_chat_node_t *node);
void ngx_chat_entitle_begin(ngx_chat_subscriber_t *sr);
void ngx_chat_entitle_end(ngx_chat_subscriber_t *sr);
void ngx_chat_entitle_on_out(ngx_chat_node_t *node, ngx_str_t *qualified);
void ngx_chat_entitle_on_gone(ngx_chat_node_t *node, ngx_str_t *names);
void ngx_chat_entitle_all(ngx_chat_node_t *node);
void ngx_chat_entitle_due(ngx_chat_subscription_t *sub);
void ngx_chat_entitle_advance(ngx_chat_node_t *node);

/* the answer to a need "shared": whether the i-th user shares something;
   NGX_ERROR: there is no such answer of n users */
ngx_int_t ngx_chat_entitle_parse(ngx_chat_range_t *range, ngx_uint_t n,
    ngx_str_t *shared);


#endif /* NGX_CHAT_SUBSCRIBE_H */
