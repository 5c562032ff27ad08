/*
 * Who is there in a conversation: presence.get, and who is told of changes.
 * Included by ngx_chat.h.
 */

#ifndef NGX_CHAT_AUDIENCE_H
#define NGX_CHAT_AUDIENCE_H


typedef enum {
    NGX_CHAT_AUDIENCE_NEW,              /* Redis has not told yet */
    NGX_CHAT_AUDIENCE_LISTED,           /* each member is watched */
    NGX_CHAT_AUDIENCE_COUNTED,          /* many: how many are there */
    NGX_CHAT_AUDIENCE_CLOSED            /* a channel of few: nothing is told */
} ngx_chat_audience_state_e;


/* a member; owner: the audience, in both its tree and its list */

typedef struct {
    ngx_str_node_t         node;        /* <tenant>/<user>, bytes of watched */
    ngx_queue_t            queue;       /* audience->members */
    ngx_queue_t            change;      /* audience->changed, if changed */
    ngx_chat_watcher_t     watcher;
    ngx_chat_audience_t   *audience;
    ngx_uint_t             round;       /* of the last list that it was in */
    unsigned               changed:1;
} ngx_chat_attendee_t;


/*
 * Owner: the room whose sessions are told; or it is made for one request.  It
 * is there while somebody listens or a request waits for it.
 */

struct ngx_chat_audience_s {
    ngx_chat_node_t       *node;
    ngx_chat_room_t       *room;        /* NULL: of one request, or gone */
    ngx_chat_name_t        name;
    ngx_chat_audience_state_e  state;
    ngx_uint_t             size;        /* members */
    ngx_int_t              online;      /* if COUNTED; -1: not yet */

    ngx_rbtree_t           tree;        /* ngx_chat_attendee_t, if LISTED */
    ngx_rbtree_node_t      sentinel;
    ngx_queue_t            members;     /* the same */
    ngx_uint_t             unknown;     /* of them, those not known yet */
    ngx_uint_t             round;
    ngx_queue_t            changed;     /* those of whom nobody was told yet */

    ngx_uint_t             nlisteners;  /* joins in the room */
    ngx_queue_t            waiting;     /* requests: wait */
    ngx_event_t            answer;      /* to them, as soon as may be, */
    ngx_event_t            patience;    /* or then */
    ngx_event_t            tell;        /* to the listeners */

    ngx_event_t            timer;       /* to ask Redis again */
    ngx_msec_t             asked;       /* when that was last */
    uint64_t               revision;    /* as of which the members are right */
    ngx_chat_waiter_t      waiter;

    unsigned               own:1;       /* of one request */
    unsigned               channel:1;
    unsigned               batched:1;   /* changes are told once a second */
    unsigned               recounted:1; /* online is to be told */
    unsigned               asking:1;    /* an answer is to come */
    unsigned               again:1;     /* then it is asked once more */
    unsigned               gone:1;      /* the answer frees it */
    unsigned               held:1;      /* is not freed now */

    u_char                 base[1];
};


/* ngx_chat_audience.c: who is in it, and how they are */

/* the room's, made if there is none; NULL: out of memory */
ngx_chat_audience_t *ngx_chat_audience_get(ngx_chat_room_t *room);
/* of a request */
ngx_chat_audience_t *ngx_chat_audience_create(ngx_chat_node_t *node,
    ngx_chat_name_t *name);
void ngx_chat_audience_release(ngx_chat_audience_t *a);     /* if nobody
                                           listens or waits, it is freed */

/* an answer to chat_v1_audience with NGX_CHAT_AUDIENCE_ANSWER elements
   or more; NGX_AGAIN: members are listed, a change of them that was heard is
   not in it, and nothing was taken, unless it is the last that is waited for;
   NGX_ERROR: it makes no sense, or there is no memory */
ngx_int_t ngx_chat_audience_take(ngx_chat_audience_t *a, redisReply *reply,
    ngx_uint_t last);

/* a member; qualified: <tenant>/<user>, which the second one makes of the id */
ngx_chat_attendee_t *ngx_chat_audience_find(ngx_chat_audience_t *a,
    ngx_str_t *qualified);              /* NULL: none */
ngx_str_t ngx_chat_audience_qualified(ngx_chat_audience_t *a, ngx_str_t *user,
    u_char buf[CHAT_NAME_MAX_QUALIFIED]);
void ngx_chat_audience_remove(ngx_chat_attendee_t *e);

#define NGX_CHAT_AUDIENCE_ANSWER  6     /* elements, but for members */

/* whether all is known that a reply tells */
ngx_uint_t ngx_chat_audience_is_known(ngx_chat_audience_t *a);


/* ngx_chat_audience_ask.c: it is kept up to date */

void ngx_chat_audience_ask_init(ngx_chat_audience_t *a);
#define NGX_CHAT_AUDIENCE_COUNTS  200   /* ms: then what is counted for somebody
                                           who waits may have been */

/* an answer was taken; counted: ms until the next count.  later: or earlier, if
   it is to be asked earlier already */
void ngx_chat_audience_ask_next(ngx_chat_audience_t *a, ngx_msec_t counted);
void ngx_chat_audience_ask_later(ngx_chat_audience_t *a, ngx_msec_t ms);
/* as soon as it may be: members have changed */
void ngx_chat_audience_ask_soon(ngx_chat_audience_t *a);
/* what a room has handed out: members may have changed */
void ngx_chat_audience_on_event(ngx_chat_room_t *room, uint64_t revision,
    ngx_str_t *what, ngx_chat_buffer_t *b);
/* the room has been compared in another generation: changes of members may have
   been lost, or made before, and are told by no event */
void ngx_chat_audience_on_loss(ngx_chat_room_t *room);


/* ngx_chat_audience_tell.c: who is told */

void ngx_chat_audience_tell_init(ngx_chat_audience_t *a);
ngx_int_t ngx_chat_audience_listen(ngx_chat_join_t *join);  /* NGX_DECLINED:
                                           the session does so too often */
void ngx_chat_audience_leave(ngx_chat_join_t *join);    /* fine if it does not
                                           listen */
void ngx_chat_audience_changed(ngx_chat_attendee_t *e);
void ngx_chat_audience_recounted(ngx_chat_audience_t *a);


/* ngx_chat_audience_get.c: presence.get */

void ngx_chat_audience_get_init(ngx_chat_audience_t *a);
void ngx_chat_audience_get_run(ngx_chat_request_t *rq);
void ngx_chat_audience_cancel(ngx_chat_request_t *rq);  /* it waits no more */
void ngx_chat_audience_known(ngx_chat_audience_t *a);   /* who waits is
                                           answered when the turn ends */
void ngx_chat_audience_orphan(ngx_chat_audience_t *a);  /* its room goes */

chat_str_t ngx_chat_audience_id(ngx_chat_audience_t *a);
/* how many are there, or null */
void ngx_chat_audience_write_count(ngx_chat_audience_t *a, chat_writer_t *w);


#endif /* NGX_CHAT_AUDIENCE_H */
