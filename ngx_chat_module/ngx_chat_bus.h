/*
 * What is asked of Redis, and through it of chat-persist.  Included by
 * ngx_chat.h.
 */

#ifndef NGX_CHAT_BUS_H
#define NGX_CHAT_BUS_H


/*
 * ngx_chat_need.c: what Redis does not hold is asked of chat-persist.
 *
 * A waiter is embedded in whoever waits; its handler is called once, with the
 * range that was asked for, or NULL: try again, the conversation was loaded.
 * Deadlines are the waiter's own business; it cancels.
 */

typedef struct ngx_chat_need_s    ngx_chat_need_t;
typedef struct ngx_chat_waiter_s  ngx_chat_waiter_t;


typedef struct {
    ngx_uint_t   ok;                    /* 0: PostgreSQL could not be asked */
    ngx_uint_t   complete;
    uint64_t     reach;                 /* revision up to which it goes */
    ngx_str_t    events;                /* for ngx_chat_range_next() */
} ngx_chat_range_t;


typedef struct {
    uint64_t     revision;
    uint64_t     sequence;              /* 0: it concerns no message */
    ngx_str_t    what;                  /* ".", "-<user>", "!": chat.lua */
    ngx_str_t    text;
} ngx_chat_range_event_t;


typedef void (*ngx_chat_waiter_pt)(void *data, ngx_chat_range_t *range);


struct ngx_chat_waiter_s {
    ngx_queue_t          queue;         /* need->waiters or node->ranges */
    ngx_chat_waiter_pt   handler;
    void                *data;
    ngx_chat_need_t     *need;          /* NULL: waits for a range */
    uint64_t             number;
    unsigned             waiting:1;
};


/* a conversation by its name in Redis; who it belongs to keeps the bytes */

typedef struct {
    ngx_uint_t   partition;
    ngx_str_t    base;                  /* chat:{p07}:c:<tenant>/<id> */
} ngx_chat_name_t;


void ngx_chat_need_init(ngx_chat_node_t *node);
void ngx_chat_need_done(ngx_chat_node_t *node);

/* NGX_OK: the handler will be called; else Redis cannot be asked now */
ngx_int_t ngx_chat_need_conversation(ngx_chat_node_t *node,
    ngx_chat_name_t *name, ngx_chat_waiter_t *w);
ngx_int_t ngx_chat_need_client(ngx_chat_node_t *node, ngx_chat_name_t *name,
    ngx_str_t *user, ngx_str_t *client_id, ngx_chat_waiter_t *w);
ngx_int_t ngx_chat_need_message(ngx_chat_node_t *node, ngx_chat_name_t *name,
    ngx_str_t *id, ngx_chat_waiter_t *w);
ngx_int_t ngx_chat_need_range(ngx_chat_node_t *node, ngx_chat_name_t *name,
    uint64_t after, ngx_chat_waiter_t *w);
ngx_int_t ngx_chat_need_history(ngx_chat_node_t *node, ngx_chat_name_t *name,
    ngx_uint_t before, ngx_str_t *sequence, ngx_uint_t limit,
    ngx_chat_waiter_t *w);
ngx_int_t ngx_chat_need_list(ngx_chat_node_t *node, ngx_chat_name_t *name,
    ngx_str_t *user, ngx_str_t *cursor, ngx_uint_t limit,
    ngx_chat_waiter_t *w);              /* the range has one element: the data
                                           of the reply */
ngx_int_t ngx_chat_need_shared(ngx_chat_node_t *node, ngx_chat_name_t *name,
    ngx_str_t *user, ngx_str_t *others,
    ngx_chat_waiter_t *w);              /* name: as of a list; others: users
                                           with commas between them; the element
                                           is a digit for each */
void ngx_chat_need_cancel(ngx_chat_waiter_t *w);    /* fine if not waiting */

void ngx_chat_need_on_loaded(ngx_chat_node_t *node, ngx_str_t *qualified);
void ngx_chat_need_on_range(ngx_chat_node_t *node, ngx_str_t *payload);
void ngx_chat_need_on_up(ngx_chat_node_t *node);    /* we hear them again */

/* NGX_OK; NGX_DONE: no more; NGX_ERROR: not what chat-persist writes */
ngx_int_t ngx_chat_range_next(ngx_chat_range_t *range,
    ngx_chat_range_event_t *e);


/*
 * ngx_chat_bus.c: what the module asks of Redis, and what it hears from it.
 */

typedef enum {                          /* redis/chat.lua: first element */
    NGX_CHAT_ANSWER_OK,
    NGX_CHAT_ANSWER_EXISTS,
    NGX_CHAT_ANSWER_NEED_CONVERSATION,
    NGX_CHAT_ANSWER_NEED_CLIENT,
    NGX_CHAT_ANSWER_NEED_MESSAGE,
    NGX_CHAT_ANSWER_NEED_RANGE,
    NGX_CHAT_ANSWER_NOT_FOUND,
    NGX_CHAT_ANSWER_ERROR,              /* code and message for the client */
    NGX_CHAT_ANSWER_UNAVAILABLE,        /* closed, busy, no link, loading ... */
    NGX_CHAT_ANSWER_FAILED              /* nothing that we know: logged */
} ngx_chat_answer_e;


/* a command being put together; it points to what was added, copies numbers */

#define NGX_CHAT_CALL_MAX  (16 + 2 * (CHAT_REQUEST_MAX_MEMBERS + 1))

typedef struct {
    ngx_uint_t   n;
    u_char      *pos;                   /* in numbers */
    const char  *argv[NGX_CHAT_CALL_MAX];
    size_t       len[NGX_CHAT_CALL_MAX];
    u_char       prefix[CHAT_NAME_PREFIX_LEN];
    u_char       numbers[2048];
} ngx_chat_call_t;


/* FCALL function 2 prefix base identity partitions */
void ngx_chat_call_begin(ngx_chat_call_t *call, ngx_chat_node_t *node,
    const char *function, ngx_chat_name_t *name);
void ngx_chat_call_add(ngx_chat_call_t *call, const void *data, size_t len);
void ngx_chat_call_add_cstr(ngx_chat_call_t *call, const char *s);
void ngx_chat_call_add_uint(ngx_chat_call_t *call, uint64_t n);
/* NGX_OK: the handler will be called once, perhaps with NULL; else it will
   not be: Redis cannot be asked now */
ngx_int_t ngx_chat_call_send(ngx_chat_call_t *call, ngx_chat_node_t *node,
    ngx_chat_redis_reply_pt handler, void *data);

/* name: the conversation that it is about, for the log, which names who has
   asked; or NULL */
ngx_chat_answer_e ngx_chat_bus_answer(ngx_log_t *log, ngx_str_t *name,
    redisReply *reply, size_t elements);
                                        /* OK has so many elements at least */
static ngx_inline uint64_t
ngx_chat_bus_uint(redisReply *reply, size_t i)
{
    return reply->element[i]->type == REDIS_REPLY_INTEGER
           ? (uint64_t) reply->element[i]->integer : 0;
}

static ngx_inline ngx_str_t
ngx_chat_bus_str(redisReply *reply, size_t i)
{
    if (reply->element[i]->type == REDIS_REPLY_STRING) {
        return (ngx_str_t) { reply->element[i]->len,
                             (u_char *) reply->element[i]->str };
    }

    return (ngx_str_t) { 0, NULL };
}

/* whether all from the first on are groups of n, each of which ends with a
   text that is JSON, as far as one can see: not empty */
ngx_uint_t ngx_chat_bus_has_texts(redisReply *reply, size_t first, size_t n);


#define NGX_CHAT_BUS_NODES  "chat:nodes"
#define NGX_CHAT_BUS_NODE   "chat:node:"

/* buf: room for NGX_CHAT_BUS_NODE and an id */
ngx_str_t ngx_chat_bus_own_channel(ngx_chat_node_t *node, u_char *buf);

/* what the inbox has kept: a message, or with NULL a confirmation */
void ngx_chat_bus_hand(ngx_chat_node_t *node, ngx_str_t *channel,
    ngx_str_t *payload);

void ngx_chat_bus_open(ngx_chat_node_t *node);
void ngx_chat_bus_close(ngx_chat_node_t *node);

/* what an answer of Redis tells of a partition: repairs what we have not heard,
   and answers what waits for that */
void ngx_chat_bus_seen(ngx_chat_node_t *node, ngx_uint_t partition,
    uint64_t generation, ngx_str_t *stored);


/* ngx_chat_heartbeat.c: whether links and partitions are well */

void ngx_chat_heartbeat_begin(ngx_chat_node_t *node);
void ngx_chat_heartbeat_end(ngx_chat_node_t *node);
void ngx_chat_heartbeat_look(ngx_chat_node_t *node);    /* at all partitions */


/* ngx_chat_report.c: what a node holds, told in parts; owner: the node */

#define NGX_CHAT_REPORT_TOKEN  64       /* characters */

typedef struct {
    ngx_event_t   timer;                /* the next part */
    ngx_msec_t    begun;                /* 0: never yet */
    ngx_uint_t    part;                 /* told so far */
    ngx_uint_t    parts;
    ngx_str_t     last;                 /* base of the last room told */
    uint32_t      last_key;             /* its key in node->rooms */
    u_char        last_buf[CHAT_NAME_MAX_BASE];
    u_char        token[NGX_CHAT_REPORT_TOKEN];
    size_t        token_len;
} ngx_chat_report_t;


void ngx_chat_report_init(ngx_chat_node_t *node);
void ngx_chat_report_done(ngx_chat_node_t *node);
void ngx_chat_report_begin(ngx_chat_node_t *node, ngx_str_t *token);

/* whether it may be part of a channel's name */
ngx_uint_t ngx_chat_report_is_token(ngx_str_t *token);

/* the first one of a tree of names after the last that was seen, which may be
   gone; an empty one: the first of all */
ngx_str_node_t *ngx_chat_report_next(ngx_rbtree_t *tree, uint32_t key,
    ngx_str_t *last);


/* what /readyz tells, refreshed by the heartbeat */

typedef struct {
    ngx_uint_t  command;                /* link is up */
    ngx_uint_t  subscriber;
    ngx_uint_t  open;                   /* partitions open for our identity */
    ngx_uint_t  partitions;
    ngx_uint_t  revocations;            /* have been read */
} ngx_chat_health_t;

void ngx_chat_bus_health(ngx_chat_node_t *node, ngx_chat_health_t *health);


#endif /* NGX_CHAT_BUS_H */
