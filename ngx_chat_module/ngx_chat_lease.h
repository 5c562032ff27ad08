/*
 * What a node tells of its users to Redis, so that others see who is there.
 * Included by ngx_chat.h.
 */

#ifndef NGX_CHAT_LEASE_H
#define NGX_CHAT_LEASE_H


/*
 * ngx_chat_lease.c: of each partition of users.  All that Redis knows of this
 * node's users there belongs to an incarnation of the node, "<node>.<number>",
 * which lives while its lease is renewed.
 *
 * Each user of the partition is in one of the two queues.  What was told to
 * Redis was told under this number, or it means nothing.
 */

typedef struct {
    ngx_chat_node_t   *node;
    ngx_queue_t        calm;            /* ngx_chat_user_t */
    ngx_queue_t        dirty;           /* Redis may have to be told */
    uint32_t           number;
    uint32_t           old;             /* of one that is to end when all are
                                           told under this one; 0: none */
    ngx_uint_t         told;            /* users that Redis knows under it */
    ngx_uint_t         odd;             /* renewals in a row that tell others */
    unsigned           begun:1;         /* it is there, Redis has said */
    unsigned           beginning:1;
} ngx_chat_lease_t;


/* in the node */

typedef struct {
    ngx_chat_lease_t   of[CHAT_ID_MAX_PARTITIONS];
    uint32_t           number;          /* the last one that was given */
    ngx_uint_t         calls;           /* reports under way */
    ngx_uint_t         next;            /* the partition that reports then */
    ngx_event_t        renew;
    ngx_event_t        report;          /* what has changed lately */
    unsigned           more:1;          /* would be reported, but for calls */
    unsigned           complained:1;    /* since it worked last */
} ngx_chat_leases_t;


void ngx_chat_lease_init(ngx_chat_node_t *node);
void ngx_chat_lease_done(ngx_chat_node_t *node);    /* says that we leave */
void ngx_chat_lease_on_up(ngx_chat_node_t *node);   /* the command link */
void ngx_chat_lease_on_down(ngx_chat_node_t *node);

/* another incarnation: all users are told again */
void ngx_chat_lease_begin(ngx_chat_lease_t *lease);
/* Redis does not take it: tried again with the next renewals */
void ngx_chat_lease_failed(ngx_chat_lease_t *lease, redisReply *reply);
/* the one before it is over: everybody is told under this one */
void ngx_chat_lease_end_old(ngx_chat_lease_t *lease);

/* "<node>.<number>"; returns its length */
#define NGX_CHAT_LEASE_NAME  (CHAT_ID_LEN + 1 + NGX_INT32_LEN)

size_t ngx_chat_lease_name(ngx_chat_lease_t *lease, uint32_t number,
    u_char *buf);

#define NGX_CHAT_LEASE_TIME  "8000"     /* ms */


/* ngx_chat_lease_report.c: the users, under a lease */

void ngx_chat_lease_enter(ngx_chat_user_t *user);   /* a new one */
void ngx_chat_lease_changed(ngx_chat_user_t *user); /* its sessions, or it is
                                           not known what it has chosen */
/* whether something of the user is to come, or Redis has to be told that it
   has no session any more: then ngx_chat_user_release() is called again */
ngx_uint_t ngx_chat_lease_holds(ngx_chat_user_t *user);

void ngx_chat_lease_report(ngx_chat_node_t *node);
void ngx_chat_lease_on_report(ngx_event_t *ev);


/* calls of chat_presence_v1: FCALL function 1 prefix partitions */

void ngx_chat_lease_call(ngx_chat_call_t *call, ngx_chat_node_t *node,
    const char *function, ngx_uint_t partition);

#define NGX_CHAT_LEASE_PREFIX  (CHAT_NAME_PREFIX_LEN + sizeof("presence:") - 1)

/* "chat:{p07}:presence:" */
size_t ngx_chat_lease_prefix(u_char *buf, ngx_uint_t partition);

typedef enum {                          /* redis/presence.lua: first element */
    NGX_CHAT_LEASE_OK,
    NGX_CHAT_LEASE_LOST,
    NGX_CHAT_LEASE_REFUSED,             /* not for what it asks: "refused" */
    NGX_CHAT_LEASE_AWAY                 /* all else: nobody serves presence */
} ngx_chat_lease_answer_e;

/* ok has so many elements at least */
ngx_chat_lease_answer_e ngx_chat_lease_answer(redisReply *reply,
    size_t elements);


/* ngx_chat_choice.c: what a user has chosen to be, as it is told to the user's
   own sessions */

ngx_int_t ngx_chat_choice_on_self(ngx_chat_user_t *user, ngx_str_t *payload);

/* from the answer to a report: a letter, as a capital if there is a text */
void ngx_chat_choice_learn(ngx_chat_user_t *user, u_char letter);

/* to one that has just come, if there is something to tell */
void ngx_chat_choice_tell(ngx_chat_session_t *s);

/* presence.set */
ngx_int_t ngx_chat_choice_name(ngx_chat_request_t *rq);
void ngx_chat_choice_set(ngx_chat_request_t *rq);


#endif /* NGX_CHAT_LEASE_H */
