/*
 * Users whose presence somebody on this node wants to know.  Included by
 * ngx_chat.h.
 */

#ifndef NGX_CHAT_WATCH_H
#define NGX_CHAT_WATCH_H


/* what is seen of a user: status as chat_presence_v1 writes it */

#define NGX_CHAT_PRESENCE_UNKNOWN  '?'      /* not read yet, or not loaded */
#define NGX_CHAT_PRESENCE_ONLINE   'o'
#define NGX_CHAT_PRESENCE_AWAY     'a'
#define NGX_CHAT_PRESENCE_BUSY     'b'
#define NGX_CHAT_PRESENCE_INVISIBLE  'i'    /* told to the user alone */
#define NGX_CHAT_PRESENCE_OFFLINE  'f'


typedef struct {
    uint64_t    last_seen;              /* ms since 1970; 0: none is told */
    ngx_str_t   text;                   /* the inside of a JSON string */
    u_char      status;
} ngx_chat_presence_t;


typedef struct ngx_chat_watched_s  ngx_chat_watched_t;
typedef struct ngx_chat_watcher_s  ngx_chat_watcher_t;


/*
 * One who wants to know of a user: embedded in whoever does.  The handler is
 * called at the end of a turn when what is seen has changed, with what it was
 * when this watcher heard of it last; changes in between are not told.  It may
 * remove any watcher, and add some.
 */

typedef void (*ngx_chat_watcher_pt)(ngx_chat_watcher_t *w, u_char old);

struct ngx_chat_watcher_s {
    ngx_queue_t            queue;       /* watched->watchers */
    ngx_chat_watched_t    *watched;     /* NULL: of nobody */
    ngx_chat_watcher_pt    handler;
    void                  *data;
    uint32_t               version;     /* of watched, that it knows */
    u_char                 status;      /* what it was then */
};


/* a user who is watched; owner: node->watch, while there is a watcher */

struct ngx_chat_watched_s {
    ngx_str_node_t         node;        /* <tenant>/<user>, in watch->users */
    ngx_chat_node_t       *owner;
    ngx_queue_t            watchers;
    ngx_uint_t             nwatchers;
    ngx_queue_t            peers;       /* part->users */
    ngx_queue_t            ask;         /* part->asking, or part->unloaded */
    ngx_queue_t            change;      /* watch->changed, if changed */
    ngx_queue_t            cursor;      /* in watchers, if changed: those in
                                           front of it have been told */
    ngx_chat_presence_t    presence;
    uint64_t               n;           /* of the partition, as of then */
    ngx_chat_buffer_t     *event;       /* presence.changed, while changed */
    uint32_t               version;     /* of presence */
    uint32_t               partition;
    unsigned               asking:1;
    unsigned               unloaded:1;  /* Redis has to be asked once more */
    unsigned               reading:1;   /* an answer is to come */
    unsigned               changed:1;
    u_char                 name[1];
};


#define NGX_CHAT_WATCH_EPOCH  64        /* bytes at the most */

typedef struct {
    ngx_chat_node_t       *node;
    ngx_queue_t            users;
    ngx_queue_t            asking;      /* of them, those to be read */
    ngx_queue_t            unloaded;    /* that Redis did not hold */
    ngx_event_t            timer;       /* to ask again */
    uint64_t               n;           /* the last publish that was heard */
    uint64_t               suspect;     /* one that was not, perhaps; 0: none */
    size_t                 epoch_len;
    u_char                 epoch[NGX_CHAT_WATCH_EPOCH];
    unsigned               subscribing:1;
    unsigned               subscribed:1;
    unsigned               positioned:1;    /* n means something */
    unsigned               reading:1;
    unsigned               closed:1;    /* nothing can be read now */
} ngx_chat_watch_part_t;


typedef struct {                        /* in the node */
    ngx_rbtree_t           users;
    ngx_rbtree_node_t      sentinel;
    ngx_queue_t            changed;     /* of whom watchers are to be told */
    ngx_event_t            event;       /* to tell them */
    ngx_chat_watch_part_t  parts[CHAT_ID_MAX_PARTITIONS];
} ngx_chat_watch_t;


/* ngx_chat_watch.c: who is watched, and by whom */

void ngx_chat_watch_init(ngx_chat_node_t *node);
void ngx_chat_watch_done(ngx_chat_node_t *node);

/* w->handler and w->data are set.  qualified: <tenant>/<user>.  What is seen
   is in w->watched->presence then, and may be UNKNOWN.  NGX_ERROR: out of
   memory */
ngx_int_t ngx_chat_watch_add(ngx_chat_watcher_t *w, ngx_chat_node_t *node,
    ngx_str_t *qualified);
void ngx_chat_watch_remove(ngx_chat_watcher_t *w);  /* fine if of nobody */

ngx_chat_watched_t *ngx_chat_watch_find(ngx_chat_node_t *node,
    ngx_str_t *qualified);

/* whether what is not known cannot be read at this moment */
ngx_uint_t ngx_chat_watch_is_closed(ngx_chat_watched_t *u);

/* the id alone */
ngx_str_t ngx_chat_watch_user(ngx_chat_watched_t *u);

/* presence.changed, as it is now, one reference of it: those who are told in
   one walk share the frame; NULL: out of memory */
ngx_chat_buffer_t *ngx_chat_watch_event(ngx_chat_watched_t *u);

/* {"userId":...,"status":...,"lastSeen":...,"text":...}; what is not known
   looks like offline */
void ngx_chat_watch_write(chat_writer_t *w, ngx_str_t *user,
    const ngx_chat_presence_t *p);

/* presence.changed of it */
void ngx_chat_watch_write_event(chat_writer_t *w, ngx_str_t *user,
    const ngx_chat_presence_t *p);

#define NGX_CHAT_WATCH_STATE  256       /* room for either, but for the text */

/* what is seen is this now, as of n */
void ngx_chat_watch_set(ngx_chat_watched_t *u, const ngx_chat_presence_t *p,
    uint64_t n);

/* frees it, if nobody watches and no answer is to come */
void ngx_chat_watch_release(ngx_chat_watched_t *u);


/* ngx_chat_watch_read.c: reading them.  read: a new one.  ask_all: once more,
   all of a partition; call: those who wait to be.  parse: "<status> <last seen>
   <text>", the text may be empty */

void ngx_chat_watch_read_init(ngx_chat_node_t *node);
void ngx_chat_watch_read_done(ngx_chat_node_t *node);
void ngx_chat_watch_read(ngx_chat_watched_t *u);
void ngx_chat_watch_ask_all(ngx_chat_watch_part_t *part);
void ngx_chat_watch_call(ngx_chat_watch_part_t *part);
ngx_int_t ngx_chat_watch_parse(u_char *p, u_char *last,
    ngx_chat_presence_t *presence);


/* ngx_chat_watch_hear.c: what is published of them */

#define NGX_CHAT_WATCH_CHANNEL  "presence"  /* after the partition's prefix */

void ngx_chat_watch_subscribe(ngx_chat_watch_part_t *part);

/* buf: room for a prefix, that, and one more */
ngx_str_t ngx_chat_watch_channel(ngx_chat_watch_part_t *part, u_char *buf);

/* whether the epoch is another one than was known: all are asked for again
   then */
ngx_uint_t ngx_chat_watch_epoch(ngx_chat_watch_part_t *part,
    ngx_str_t *epoch);

/* whether the channel is one of presence; payload: NULL: it is confirmed */
ngx_uint_t ngx_chat_watch_on_message(ngx_chat_node_t *node, ngx_str_t *channel,
    ngx_str_t *payload);
void ngx_chat_watch_on_up(ngx_chat_node_t *node);   /* the links, either */
void ngx_chat_watch_on_down(ngx_chat_node_t *node); /* the subscriber */

/* what Redis says of a partition at a renewal: finds publishes that did not
   come */
void ngx_chat_watch_renewed(ngx_chat_node_t *node, ngx_uint_t partition,
    ngx_str_t *epoch, uint64_t n);


#endif /* NGX_CHAT_WATCH_H */
