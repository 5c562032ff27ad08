/*
 * Users who have sessions here.  Included by ngx_chat.h.
 */

#ifndef NGX_CHAT_USER_H
#define NGX_CHAT_USER_H


/*
 * ngx_chat_user.c: a user, all of whose sessions on this node are in one
 * place: for what is published to the user's own channel, which the node
 * listens to once for all of them, and for what is told of the user to others.
 *
 * Owner: node->users; it goes with its last session, but for what is still to
 * come about it, see ngx_chat_user_release().
 */

#define NGX_CHAT_USER_CHANNEL  "chat:user:"     /* <tenant>/<id> */


typedef enum {                          /* as in redis/presence.lua */
    NGX_CHAT_CHOICE_UNKNOWN = '?',
    NGX_CHAT_CHOICE_ONLINE = 'o',
    NGX_CHAT_CHOICE_AWAY = 'a',
    NGX_CHAT_CHOICE_BUSY = 'b',
    NGX_CHAT_CHOICE_INVISIBLE = 'i'
} ngx_chat_choice_e;


struct ngx_chat_user_s {
    ngx_str_node_t      node;           /* <tenant>/<id>, in users->tree */
    ngx_chat_node_t    *owner;
    ngx_queue_t         peers;          /* users->all; those whose subscription
                                           is of an older link come first */
    ngx_queue_t         sessions;       /* open ones: session->user_queue */
    ngx_queue_t         waiting;        /* requests, for the subscription */
    ngx_str_t           text;           /* of the choice, as it stands between
                                           the quotes of JSON; ours to free */
    uint32_t            nsessions;
    uint32_t            nactive;        /* of them, those that are not idle */
    uint32_t            link;           /* users->link when it subscribed */
    uint8_t             partition;
    uint8_t             choice;         /* ngx_chat_choice_e */
    unsigned            subscribing:1;  /* a confirmation is to come, */
    unsigned            subscribed:1;   /* has come: if link is the present */
    unsigned            fresh:1;        /* what was chosen is as the channel
                                           tells it */

    /* of ngx_chat_lease_report.c */

    unsigned            dirty:1;        /* it is in lease->dirty */
    unsigned            known:1;        /* Redis was told of the user */
    uint32_t            number;         /* of the lease, under which there */
    uint32_t            told;           /* are so many sessions */
    uint32_t            told_active;
    uint32_t            reporting;      /* answers to come */
    ngx_queue_t         report;         /* lease->calm or lease->dirty */

    u_char              channel[1];     /* its bytes; node.str is in there */
};


/* in the node */

typedef struct {
    ngx_rbtree_t        tree;           /* ngx_chat_user_t by <tenant>/<id> */
    ngx_rbtree_node_t   sentinel;
    ngx_queue_t         all;            /* the same */
    ngx_uint_t          link;           /* how often the link of subscriptions
                                           has come up */
    ngx_event_t         subscribe;      /* to those that are left */
} ngx_chat_users_t;


void ngx_chat_user_init(ngx_chat_node_t *node);
void ngx_chat_user_done(ngx_chat_node_t *node);

/* the session has an identity, is closed; leave: fine if it never had.
   NGX_ERROR: out of memory */
ngx_int_t ngx_chat_user_enter(ngx_chat_session_t *s);
void ngx_chat_user_leave(ngx_chat_session_t *s);

/* what has kept the entry is over: it goes, if there is no session */
void ngx_chat_user_release(ngx_chat_user_t *user);

/* whether what is published to the user is heard */
ngx_uint_t ngx_chat_user_is_heard(ngx_chat_user_t *user);

/* 0: the request waits, and is run again when that is so: what it is told of
   must not change unheard */
ngx_uint_t ngx_chat_user_pass(ngx_chat_request_t *rq);

/* NULL: there are no sessions of that user here */
ngx_chat_user_t *ngx_chat_user_find(ngx_chat_node_t *node,
    ngx_str_t *qualified);

/* the client has asked for something: it is active, if that is what clients do
   not do by themselves */
void ngx_chat_user_acted(ngx_chat_session_t *s, chat_request_type_e type);

/* for the session's timer: whether it has become idle, or when it will be */
void ngx_chat_user_check(ngx_chat_session_t *s, ngx_msec_t *next);

/* whether others may not be told that the user is here: one whose choice is
   not known yet is taken for one that is invisible */
ngx_uint_t ngx_chat_user_is_invisible(ngx_chat_user_t *user);

/* the link of subscriptions; what comes over it of users' channels */
ngx_uint_t ngx_chat_user_is_channel(ngx_str_t *channel);
void ngx_chat_user_on_up(ngx_chat_node_t *node);
void ngx_chat_user_on_subscribed(ngx_chat_node_t *node, ngx_str_t *channel);
void ngx_chat_user_on_message(ngx_chat_node_t *node, ngx_str_t *channel,
    ngx_str_t *payload);


/* ngx_chat_hint.c: what the user is told of conversations that sessions have
   not joined.  NGX_DECLINED: it is something else */

ngx_int_t ngx_chat_hint_on_message(ngx_chat_user_t *user, ngx_str_t *payload);


#endif /* NGX_CHAT_USER_H */
