/*
 * Rooms, joins and their repair.  Included by ngx_chat.h.
 */

#ifndef NGX_CHAT_ROOM_H
#define NGX_CHAT_ROOM_H


/*
 * ngx_chat_room.c: a conversation that sessions of this node have joined.
 * Owner: node->rooms; freed when it has no joins and nothing under way.
 */

typedef enum {
    NGX_CHAT_JOIN_OPENING,              /* events wait in room->held */
    NGX_CHAT_JOIN_PARTIAL,              /* the client has to join again */
    NGX_CHAT_JOIN_LIVE
} ngx_chat_join_state_e;


#define NGX_CHAT_ROOM_CROWD  256           /* joins: its events can wait for
                                              those of smaller rooms */
#define NGX_CHAT_ROOM_LOST  UINT64_MAX     /* as a suspect: must be compared */


/* a session in a room; owner: both queues, ended by either side */

struct ngx_chat_join_s {
    ngx_queue_t                room_queue;
    ngx_queue_t                session_queue;
    ngx_chat_room_t           *room;
    ngx_chat_session_t        *session;
    ngx_chat_request_t        *request;     /* that opens it, if OPENING */
    ngx_chat_element_t        *element;     /* events wait for its reply; or
                                               NULL */
    ngx_chat_typing_t         *typing;      /* it types; or NULL */
    uint64_t                   revision;    /* that the session has got; the
                                               room's own if that is higher */
    uint64_t                   admitted;    /* of Redis' last answer that let it
                                               in: who was put out up to there
                                               has come back */
    ngx_chat_join_state_e      state;
    unsigned                   own:1;       /* revision is of a later generation
                                               than the room's: it counts, even
                                               if it is lower */
    unsigned                   gap:1;       /* was not told what is ephemeral;
                                               in front of session's joins */
    unsigned                   listens:1;   /* is told of the audience */
};


/* an event that waits; owner: room->held */

typedef struct {
    ngx_queue_t         queue;
    uint64_t            revision;
    ngx_chat_buffer_t  *buffer;
    ngx_str_t           what;           /* its bytes follow */
} ngx_chat_held_t;


struct ngx_chat_room_s {
    ngx_str_node_t             node;        /* base, in ngx_chat_node_t.rooms */
    ngx_chat_node_t           *owner;
    ngx_chat_name_t            name;
    ngx_queue_t                joins;
    ngx_uint_t                 njoins;
    ngx_queue_t                waiting;     /* requests, for the subscription */
    ngx_queue_t                held;        /* ngx_chat_held_t, as they came */
    ngx_queue_t                repair;      /* node->repairs, if queued */
    ngx_queue_t                peers;       /* node->rooms_of[partition] */
    ngx_queue_t                shed_queue;  /* node->load.rooms, if shed */
    size_t                     held_bytes;
    uint64_t                   revision;    /* the last one fanned out */
    uint64_t                   generation;  /* of the last comparison */
    ngx_uint_t                 epoch;       /* grows when events may be missing
                                               from held */
    ngx_uint_t                 opening;     /* joins in that state */
    ngx_uint_t                 tries;       /* comparisons that failed */
    ngx_chat_waiter_t          waiter;
    uint64_t                  *compared;    /* revisions that were sent */
    ngx_uint_t                 ncompared;
    ngx_uint_t                 compared_epoch;
    ngx_chat_audience_t       *audience;    /* or NULL */
    uint64_t                   members;     /* revision of the last change of
                                               members that was handed out */
    ngx_event_t                timer;       /* when to compare again */
    ngx_uint_t                 round;       /* of the last look at it */
    uint64_t                   suspect;     /* revision that Redis has, and we
                                               must when the subscription is
                                               confirmed again; 0: none */
    uint64_t                   gap_from;    /* what we had when we found one */
    ngx_uint_t                 missed;      /* events that repair has fetched */

    unsigned                   subscribed:1;
    unsigned                   subscribing:1;
    unsigned                   positioned:1;    /* revision means something */
    unsigned                   stale:1;         /* must be compared */
    unsigned                   comparing:1;     /* and is being */
    unsigned                   queued:1;        /* in node->repairs */
    unsigned                   looking:1;       /* an answer about it comes */
    unsigned                   gap:1;           /* a publish may be lost */
    unsigned                   shed:1;          /* what was ephemeral is */

    u_char                     base[1];
};


void ngx_chat_room_init(ngx_chat_node_t *node);
void ngx_chat_room_done(ngx_chat_node_t *node);

ngx_chat_room_t *ngx_chat_room_find(ngx_chat_node_t *node,
    ngx_str_t *base);                   /* NULL: nobody has joined it */

/* found or made; NULL: out of memory */
ngx_chat_room_t *ngx_chat_room_get(ngx_chat_node_t *node,
    ngx_chat_name_t *name);

/* a join ends, and with the last one the room */
void ngx_chat_room_leave(ngx_chat_join_t *join);

void ngx_chat_room_on_subscribed(ngx_chat_node_t *node, ngx_str_t *base);
void ngx_chat_room_on_publish(ngx_chat_node_t *node, ngx_str_t *base,
    ngx_str_t *payload);
void ngx_chat_room_on_down(ngx_chat_node_t *node);  /* subscriptions are lost */
void ngx_chat_room_on_up(ngx_chat_node_t *node);    /* subscribe to all again */

/*
 * fan_out: hands an event out to whom it is new, and ends the joins of whom it
 * puts out; the room is there on return, but may be empty.  settle: goes on
 * with what is held, and releases a room that is empty.  release: nobody is in
 * it any more.
 */
void ngx_chat_room_fan_out(ngx_chat_room_t *room, uint64_t revision,
    ngx_str_t *what, ngx_chat_buffer_t *b);
void ngx_chat_room_settle(ngx_chat_room_t *room);

/* whether it is the very next one of the room's generation */
ngx_uint_t ngx_chat_room_is_next(ngx_chat_room_t *room, uint64_t revision);

/* what is held is dropped, to be told again */
void ngx_chat_room_forget(ngx_chat_room_t *room);

/* the publishes after what the room has got may be lost */
void ngx_chat_room_found_gap(ngx_chat_room_t *room);

/* the highest revision that it has got, held ones included */
uint64_t ngx_chat_room_heard(ngx_chat_room_t *room);

/* also if it is there already: what was published before comes before the
   confirmation */
void ngx_chat_room_subscribe(ngx_chat_room_t *room);

void ngx_chat_room_release(ngx_chat_room_t *room);


/* ngx_chat_join.c: who is in a room */

/* finds or makes room and join; it is OPENING then, unless it is LIVE.  NULL:
   out of memory */
ngx_chat_join_t *ngx_chat_join_begin(ngx_chat_session_t *s,
    ngx_chat_request_t *rq);
ngx_chat_join_t *ngx_chat_join_find(ngx_chat_session_t *s,
    ngx_str_t *base);                   /* NULL: not joined */

/* the answer to open: the reply is in the session's queue, live events may
   follow.  complete: 0 if the client has to join again.  The join may have
   ended on return, and the room with it */
void ngx_chat_join_opened(ngx_chat_join_t *join, uint64_t generation,
    uint64_t revision, uint64_t reach, ngx_uint_t complete);

/* an event for a live one; always: it may not be left out */
void ngx_chat_join_tell(ngx_chat_join_t *join, ngx_chat_buffer_t *b,
    ngx_uint_t always);

/* whether an event puts it out of the room: what is as in redis/chat.lua */
ngx_uint_t ngx_chat_join_is_put_out(ngx_chat_join_t *join, uint64_t revision,
    ngx_str_t *what);

/* frees it, without a look at what is left of the room */
void ngx_chat_join_end(ngx_chat_join_t *join);


/* ngx_chat_held.c: events that wait in a room */

void ngx_chat_held_add(ngx_chat_room_t *room, uint64_t revision,
    ngx_str_t *what, ngx_chat_buffer_t *b);     /* too many: room_forget() */
void ngx_chat_held_free(ngx_chat_room_t *room, ngx_chat_held_t *h);
void ngx_chat_held_drop(ngx_chat_room_t *room);
ngx_uint_t ngx_chat_held_has(ngx_chat_room_t *room, uint64_t revision);
ngx_uint_t ngx_chat_held_has_gap(ngx_chat_room_t *room);    /* before them */


/* ngx_chat_seen.c: what the live sessions of a room have got */

#define NGX_CHAT_SEEN_MAX  64           /* different ones per comparison */

/* the different revisions; returns how many */
ngx_uint_t ngx_chat_seen_list(ngx_chat_room_t *room, uint64_t *revisions);

/* whether the comparison that was answered has asked about all of them */
ngx_uint_t ngx_chat_seen_covered(ngx_chat_room_t *room);

/* by that answer: writes down what each has got, and tells who has seen what
   was lost to start over; returns the lowest of those that go on */
uint64_t ngx_chat_seen_reset_bad(ngx_chat_room_t *room, redisReply *reply);
void ngx_chat_seen_tell_reset(ngx_chat_join_t *join);


/* ngx_chat_repair.c: comparing rooms with Redis */

void ngx_chat_repair_init(ngx_chat_room_t *room);
void ngx_chat_repair_room(ngx_chat_room_t *room);       /* it is stale */
void ngx_chat_repair_cancel(ngx_chat_room_t *room);
void ngx_chat_repair_all(ngx_chat_node_t *node);        /* now, not later */
void ngx_chat_repair_partition(ngx_chat_node_t *node, ngx_uint_t partition,
    uint64_t generation);               /* it was opened with this one */


/* ngx_chat_compare.c: looks at the revisions of all rooms, in turn */

void ngx_chat_compare_init(ngx_chat_node_t *node);
void ngx_chat_compare_done(ngx_chat_node_t *node);
void ngx_chat_compare_on_subscribed(ngx_chat_room_t *room);


#endif /* NGX_CHAT_ROOM_H */
