/*
 * What keeps a node going when there is more to do than it can: work that is
 * cut into turns, and what is left undone.  Included by ngx_chat.h.
 */

#ifndef NGX_CHAT_OVERLOAD_H
#define NGX_CHAT_OVERLOAD_H


/* ngx_chat_inbox.c: publishes that wait for the next turn; in the node */

typedef struct {
    ngx_queue_t   items;
    ngx_event_t   event;
    ngx_uint_t    told;                 /* queued to sessions in this turn */
    uint64_t      came;                 /* us: the one that is handed out did */
    unsigned      handing:1;            /* one of them, now */
} ngx_chat_inbox_t;


/*
 * How long it takes from an event's coming to its having been sent to all who
 * are to get it, as far as their sockets take it.  What comes while others are
 * being sent waits for its own measurement.  In the node.
 */

typedef struct {
    ngx_uint_t    heard;                /* events that came, */
    uint64_t      since;                /* us: the first of them then */
    ngx_uint_t    measured;             /* those that are being sent, */
    uint64_t      begun;                /* the first of which came then; */
    ngx_queue_t  *last[2];              /* in flush and in crowd: up to these;
                                           NULL: that is done */
} ngx_chat_sending_t;


void ngx_chat_inbox_init(ngx_chat_node_t *node);
void ngx_chat_inbox_done(ngx_chat_node_t *node);
void ngx_chat_inbox_drop(ngx_chat_node_t *node);
ngx_uint_t ngx_chat_inbox_waits(ngx_chat_node_t *node);     /* is not empty */

/* whether it keeps that for later.  payload: NULL: the channel is confirmed */
ngx_uint_t ngx_chat_inbox_takes(ngx_chat_node_t *node, ngx_str_t *channel,
    ngx_str_t *payload);


/* ngx_chat_overload.c: the load of the node; each level leaves undone what
   those before do, too */

typedef enum {
    NGX_CHAT_OVERLOAD_NONE,
    NGX_CHAT_OVERLOAD_TYPING,
    NGX_CHAT_OVERLOAD_PRESENCE,
    NGX_CHAT_OVERLOAD_RECEIPTS,
    NGX_CHAT_OVERLOAD_HISTORY,
    NGX_CHAT_OVERLOAD_CLOSE,            /* slow readers; and newcomers */

    NGX_CHAT_OVERLOAD_LEVELS
} ngx_chat_overload_e;


typedef struct {
    size_t        bytes;                /* that wait, in memory: to be sent, in
                                           rooms, in requests */
    size_t        shown;                /* the same, as last counted */
    ngx_uint_t    level;                /* ngx_chat_overload_e */
    ngx_msec_t    changed;              /* it was, then */
    ngx_msec_t    closed;               /* readers were, then */

    ngx_uint_t    worst;                /* ms: the longest turn lately */
    ngx_uint_t    lag;                  /* that, smoothed */
    ngx_msec_t    looked;               /* at worst */
    uint64_t      worked;               /* ms of the processor's, until then */
    ngx_event_t   timer;

    ngx_queue_t   rooms;                /* that were not told something */
    ngx_event_t   gaps;                 /* to tell them */
} ngx_chat_load_t;


void ngx_chat_overload_init(ngx_chat_node_t *node);
void ngx_chat_overload_done(ngx_chat_node_t *node);
void ngx_chat_overload_turn(ngx_chat_node_t *node, uint64_t us);
void ngx_chat_overload_look(ngx_chat_node_t *node);     /* bytes may be many */

/* for requests of what is past */
ngx_int_t ngx_chat_overload_history(ngx_chat_request_t *rq);


/* ngx_chat_shed.c: ephemeral events */

#define NGX_CHAT_SHED_PART  4           /* of chat_send_queue: one of these is
                                           too much for what is ephemeral */

void ngx_chat_shed_init(ngx_chat_node_t *node);
void ngx_chat_shed_done(ngx_chat_node_t *node);

/* to all who are live in the room, and can take it.  what: as Redis says it */
void ngx_chat_shed_tell(ngx_chat_room_t *room, ngx_str_t *what,
    ngx_chat_buffer_t *b);

/* what is ephemeral is not for this one */
ngx_uint_t ngx_chat_shed_is_slow(ngx_chat_session_t *s);

/* presence, to those in the room who listen to it, but for this user's own
   sessions, or NULL; the node has time */
void ngx_chat_shed_listeners(ngx_chat_room_t *room, ngx_str_t *user,
    ngx_chat_buffer_t *b);
void ngx_chat_shed_drained(ngx_chat_session_t *s);  /* its queue is empty */
void ngx_chat_shed_forget(ngx_chat_room_t *room);
void ngx_chat_shed_over(ngx_chat_node_t *node);     /* some are told again */


#endif /* NGX_CHAT_OVERLOAD_H */
