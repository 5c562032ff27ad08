/*
 * ngx_chat: what more than one file of the module uses.
 *
 * One nginx worker process is one node.  It owns its sessions (live
 * connections) and rooms (conversations that at least one of its sessions
 * has joined), and two links to Redis, one for commands and one for
 * subscriptions.  All of that hangs on ngx_chat_node_t, which lives in the
 * cycle's pool and is found through the main configuration.
 */

#ifndef NGX_CHAT_H
#define NGX_CHAT_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include "../common/chat_event.h"
#include "../common/chat_frame.h"
#include "../common/chat_id.h"
#include "../common/chat_json.h"
#include "../common/chat_key.h"
#include "../common/chat_name.h"
#include "../common/chat_request.h"
#include "../common/chat_token.h"
#include "../common/chat_utf8.h"


/* close codes: RFC 6455, 7.4.1, and the contract's own */

#define NGX_CHAT_CLOSE_NORMAL        1000
#define NGX_CHAT_CLOSE_STOPPED       1001
#define NGX_CHAT_CLOSE_PROTOCOL      1002
#define NGX_CHAT_CLOSE_UNSUPPORTED   1003
#define NGX_CHAT_CLOSE_NO_STATUS     1005
#define NGX_CHAT_CLOSE_ABNORMAL      1006    /* never sent: the peer vanished */
#define NGX_CHAT_CLOSE_INVALID       1007
#define NGX_CHAT_CLOSE_TOO_BIG       1009
#define NGX_CHAT_CLOSE_INTERNAL      1011
#define NGX_CHAT_CLOSE_RESTART       1012
#define NGX_CHAT_CLOSE_OVERLOADED    1013
#define NGX_CHAT_CLOSE_UNAUTHORIZED  4401
#define NGX_CHAT_CLOSE_NO_HEARTBEAT  4408
#define NGX_CHAT_CLOSE_SLOW          4413


#define NGX_CHAT_MAX_UNAUTH_MESSAGE  8192       /* contract, 1 */
#define NGX_CHAT_EXPIRING_NOTICE     60         /* seconds before exp */
#define NGX_CHAT_RECV_BUFFER         65536      /* one per node */
#define NGX_CHAT_MAX_EVENTS_BYTES    262144     /* of one join or history */
#define NGX_CHAT_ROLE_ADMIN          "admin"    /* token role: may choose ids */


typedef struct ngx_chat_main_conf_s  ngx_chat_main_conf_t;
typedef struct ngx_chat_loc_conf_s   ngx_chat_loc_conf_t;
typedef struct ngx_chat_node_s       ngx_chat_node_t;
typedef struct ngx_chat_session_s    ngx_chat_session_t;
typedef struct ngx_chat_room_s       ngx_chat_room_t;
typedef struct ngx_chat_join_s       ngx_chat_join_t;
typedef struct ngx_chat_request_s    ngx_chat_request_t;
typedef struct ngx_chat_buffer_s     ngx_chat_buffer_t;
typedef struct ngx_chat_out_s        ngx_chat_out_t;
typedef struct ngx_chat_redis_s      ngx_chat_redis_t;


/* configuration: cycle pool */

struct ngx_chat_main_conf_s {
    ngx_str_t          redis;           /* as written, for logs */
    ngx_str_t          redis_host;      /* numeric address or path; with '\0' */
    in_port_t          redis_port;      /* 0: host is the path of a socket */
    ngx_uint_t         redis_db;
    ngx_str_t          redis_password;
    ngx_msec_t         redis_timeout;   /* unanswered: the link ends */
    size_t             redis_max_pending;   /* bytes sent and not answered */
    ngx_uint_t         partitions;

    ngx_uint_t         enabled;         /* some location needs a node */
    ngx_uint_t         websocket;       /* some location has chat_websocket */
    ngx_uint_t         token_query;     /* and one of them chat_token_query */
    ngx_chat_node_t   *node;            /* of this process, or NULL */
};


typedef struct {
    ngx_uint_t         token_query;     /* on in some location of the server */
} ngx_chat_srv_conf_t;


struct ngx_chat_loc_conf_s {
    ngx_flag_t         websocket;
    ngx_flag_t         echo;

    ngx_array_t       *keys;            /* of chat_key_t * */
    ngx_str_t          issuer;
    ngx_str_t          audience;
    time_t             leeway;
    ngx_str_t          token_cookie;
    ngx_flag_t         token_query;
    ngx_array_t       *origins;         /* of ngx_str_t; NULL: not set */
    ngx_uint_t         origin_any;

    ngx_msec_t         auth_timeout;
    ngx_msec_t         ping_interval;
    ngx_msec_t         ping_timeout;
    ngx_msec_t         request_timeout;
    size_t             max_message_size;
    size_t             send_queue;
    ngx_uint_t         max_outstanding;
    ngx_uint_t         max_conversations;
};


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
    /* connected, authenticated, database selected, identity read */
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
    ngx_str_t                         identity;     /* "<run id>:<replid>" */
    u_char                            identity_buf[128];
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

/* on the subscriber link; answers come to its handlers; NGX_DECLINED as
   above */
ngx_int_t ngx_chat_redis_subscribe(ngx_chat_redis_t *link, ngx_str_t *channels,
    ngx_uint_t n);
ngx_int_t ngx_chat_redis_unsubscribe(ngx_chat_redis_t *link,
    ngx_str_t *channel);


/* ngx_chat_redis_event.c: hiredis on nginx's events.  Sets ac and c of the
   link; at the end of the connection it calls closed() */

ngx_int_t ngx_chat_redis_event_attach(ngx_chat_redis_t *link,
    redisAsyncContext *ac);
void ngx_chat_redis_closed(ngx_chat_redis_t *link);


/*
 * ngx_chat_buffer.c: one encoded frame, shared by all who get it.
 * Owner: its references.  Frame and payload are one allocation:
 *
 *      | unused | head | payload ... |
 *               ^ data  ^ payload
 */

struct ngx_chat_buffer_s {
    ngx_uint_t   refs;
    u_char      *data;                  /* the frame, head first */
    size_t       len;                   /* of the frame */
    u_char      *payload;
    size_t       size;                  /* room for payload */
};


/* room for a payload of size bytes, one reference; NULL: out of memory */
ngx_chat_buffer_t *ngx_chat_buffer_create(size_t size);
/* ends it: n bytes of payload were written */
void ngx_chat_buffer_finish(ngx_chat_buffer_t *b, chat_frame_opcode_e opcode,
    size_t n);
/* both at once, from a payload that somebody has */
ngx_chat_buffer_t *ngx_chat_buffer_copy(chat_frame_opcode_e opcode,
    const u_char *payload, size_t n);
void ngx_chat_buffer_ref(ngx_chat_buffer_t *b);
void ngx_chat_buffer_unref(ngx_chat_buffer_t *b);          /* NULL is fine */


/* one place in a session's send queue; kept in the node's free list */

struct ngx_chat_out_s {
    ngx_chat_out_t     *next;
    ngx_chat_buffer_t  *buffer;
};


/*
 * ngx_chat_session.c: a live connection.
 *
 *      OPEN ──close()──▶ CLOSING ──flushed──▶ LINGERING ──EOF, time──▶ freed
 *
 * Owner: itself; freed by its own end-of-turn event.  close() is the only
 * door out: it unlinks at once, queues the close frame and lets the event
 * loop do the rest.
 */

typedef enum {
    NGX_CHAT_SESSION_OPEN,
    NGX_CHAT_SESSION_CLOSING,           /* the close frame is in the queue */
    NGX_CHAT_SESSION_LINGERING,         /* sent and shut down; waits for EOF */
    NGX_CHAT_SESSION_DEAD               /* freed at the end of this turn */
} ngx_chat_session_state_e;


/* who it is: one allocation with all its strings */

typedef struct {
    ngx_str_t   user;
    ngx_str_t   tenant;
    ngx_str_t   name;
    ngx_uint_t  admin;                  /* has the token role "admin" */
} ngx_chat_identity_t;


struct ngx_chat_session_s {
    ngx_connection_t      *connection;
    ngx_chat_node_t       *node;
    ngx_chat_loc_conf_t   *conf;
    ngx_chat_identity_t   *identity;    /* NULL: not authenticated */

    ngx_queue_t            queue;       /* node->sessions */
    ngx_queue_t            flush;       /* node->flush, if flushing */
    ngx_queue_t            joins;       /* ngx_chat_join_t */
    ngx_queue_t            requests;    /* ngx_chat_request_t, oldest first */

    chat_frame_t           frame;
    chat_utf8_t            utf8;

    u_char                *message;     /* a message that came in parts */
    size_t                 message_len;
    size_t                 message_size;
    u_char                *control;     /* a control frame that did, likewise */
    size_t                 control_len;

    ngx_chat_out_t        *out;         /* send queue */
    ngx_chat_out_t       **out_last;
    size_t                 out_bytes;   /* in it, not yet sent */
    size_t                 out_sent;    /* of its first buffer */

    time_t                 expires;     /* of the token */
    ngx_msec_t             opened;
    ngx_msec_t             heard;       /* when bytes came last */
    ngx_str_t              addr_text;   /* the client's address */
    u_char                 id[CHAT_ID_LEN];

    ngx_uint_t             nrequests;
    ngx_uint_t             njoins;
    uint16_t               close_code;  /* that we sent, or 1006 */
    uint16_t               doomed;      /* to be closed with, at the flush */
    uint8_t                state;       /* ngx_chat_session_state_e */

    unsigned               flushing:1;
    unsigned               pinged:1;    /* and nothing was heard since */
    unsigned               expiring:1;  /* token.expiring was sent */
    unsigned               draining:1;  /* closes when its requests are done */
    unsigned               advancing:1; /* its requests are being run */
};


/*
 * A session before its connection: made by the handshake, in time to refuse
 * when memory is short.  NULL: out of memory.
 */
ngx_chat_session_t *ngx_chat_session_create(ngx_chat_node_t *node,
    ngx_chat_loc_conf_t *conf, ngx_str_t *addr_text);
void ngx_chat_session_free(ngx_chat_session_t *s);  /* never started; NULL ok */

/* takes the identity over from a checked token; again at each renewal */
ngx_int_t ngx_chat_session_identify(ngx_chat_session_t *s,
    const chat_token_t *token);

/*
 * The connection is detached from its request and is ours.  early: bytes that
 * came with the handshake.  close_code: not 0 if all there is to do is to say
 * good-bye with it.
 */
void ngx_chat_session_start(ngx_chat_session_t *s, ngx_connection_t *c,
    u_char *early, size_t nearly, ngx_uint_t close_code, const char *reason);

void ngx_chat_session_close(ngx_chat_session_t *s, ngx_uint_t code,
    const char *reason);
void ngx_chat_session_doom(ngx_chat_session_t *s, ngx_uint_t code);
                                        /* gets nothing more, is closed when
                                           the turn ends: for callers that
                                           walk sessions or rooms */
void ngx_chat_session_finish(ngx_chat_session_t *s);    /* no more words: the
                                        connection failed or is done */
void ngx_chat_session_drain(ngx_chat_session_t *s);
void ngx_chat_session_stop(ngx_chat_session_t *s);      /* 1001, now or never */
void ngx_chat_session_linger(ngx_chat_session_t *s);    /* the queue is empty */
void ngx_chat_session_schedule(ngx_chat_session_t *s);  /* its timer */
void ngx_chat_session_answered(ngx_chat_session_t *s);  /* a request is done */

/* the authenticated event; with an id, the reply to authenticate */
void ngx_chat_session_authenticated(ngx_chat_session_t *s, chat_str_t *raw_id);


/* ngx_chat_read.c: socket -> frames -> messages */

void ngx_chat_read_handler(ngx_event_t *rev);
void ngx_chat_read_early(ngx_chat_session_t *s, u_char *data, size_t n);


/* ngx_chat_write.c: the send queue, flushed once per turn */

void ngx_chat_write_handler(ngx_event_t *wev);
void ngx_chat_write_queue(ngx_chat_session_t *s, ngx_chat_buffer_t *b);
                                        /* takes a reference of its own */
ngx_int_t ngx_chat_write_flush(ngx_chat_session_t *s);  /* NGX_OK, NGX_AGAIN,
                                           NGX_ERROR: the connection failed */
void ngx_chat_write_turn(ngx_chat_session_t *s);    /* flush and what follows */
void ngx_chat_write_post(ngx_chat_session_t *s); /* that, at the turn's end */
void ngx_chat_write_discard(ngx_chat_session_t *s);     /* but what has begun */
void ngx_chat_write_clear(ngx_chat_session_t *s);       /* all of it */
void ngx_chat_write_flush_event(ngx_event_t *ev);


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
    uint64_t     sequence;              /* 0: no message.created */
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
ngx_int_t ngx_chat_need_range(ngx_chat_node_t *node, ngx_chat_name_t *name,
    uint64_t after, ngx_chat_waiter_t *w);
ngx_int_t ngx_chat_need_history(ngx_chat_node_t *node, ngx_chat_name_t *name,
    ngx_uint_t before, ngx_str_t *sequence, ngx_uint_t limit,
    ngx_chat_waiter_t *w);
void ngx_chat_need_cancel(ngx_chat_waiter_t *w);    /* fine if not waiting */

void ngx_chat_need_on_loaded(ngx_chat_node_t *node, ngx_str_t *qualified);
void ngx_chat_need_on_range(ngx_chat_node_t *node, ngx_str_t *payload);

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
    NGX_CHAT_ANSWER_NEED_RANGE,
    NGX_CHAT_ANSWER_NOT_FOUND,
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

ngx_chat_answer_e ngx_chat_bus_answer(ngx_chat_node_t *node,
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


void ngx_chat_bus_open(ngx_chat_node_t *node);
void ngx_chat_bus_close(ngx_chat_node_t *node);


/* what /readyz tells, refreshed by the heartbeat */

typedef struct {
    ngx_uint_t  command;                /* link is up */
    ngx_uint_t  subscriber;
    ngx_uint_t  open;                   /* partitions open for our identity */
    ngx_uint_t  partitions;
} ngx_chat_health_t;

void ngx_chat_bus_health(ngx_chat_node_t *node, ngx_chat_health_t *health);


/*
 * ngx_chat_request.c: one request of a client, from its text to its reply.
 * Requests of one session for one conversation run one after the other, so
 * that they take effect in the order sent; others side by side.
 *
 * Owner: its session's queue until it is answered; while a reply of Redis is
 * to come (pending), the callback; the later of the two frees it.
 */

struct ngx_chat_request_s {
    ngx_queue_t            queue;       /* session->requests */
    ngx_queue_t            wait;        /* room->waiting, if in_room */
    ngx_chat_session_t    *session;     /* NULL: answered, or it has gone */
    ngx_chat_node_t       *node;
    chat_request_t         parsed;      /* slices point into text */
    ngx_event_t            timer;       /* its deadline */
    ngx_chat_waiter_t      waiter;

    ngx_chat_name_t        name;
    u_char                 base[CHAT_NAME_MAX_BASE];

    ngx_chat_join_t       *join;        /* conversation.join; NULL: ended */
    ngx_uint_t             epoch;       /* of the room when open was sent */
    uint64_t               after;       /* join: revision to go on from */
    ngx_chat_buffer_t     *events;      /* join: "{...},{...}" from storage */
    size_t                 events_len;

    uint64_t               time;        /* ms: of what it makes */
    u_char                 id[CHAT_ID_LEN];

    unsigned               running:1;
    unsigned               in_room:1;
    unsigned               pending:1;
    unsigned               fresh:1;     /* the id was made here, just now */
    unsigned               partial:1;   /* join: there are more events */

    size_t                 len;
    u_char                 text[1];
};


/* a whole text message of a session */
void ngx_chat_request_handle(ngx_chat_session_t *s, chat_str_t text);

/* each answers and ends it: it may be freed when they return.  done: takes
   the reply over, which may be NULL if the answer is out already */
void ngx_chat_request_fail(ngx_chat_request_t *rq, chat_code_e code,
    const char *message);
void ngx_chat_request_done(ngx_chat_request_t *rq, ngx_chat_buffer_t *reply);

/* runs it, or runs it again: a conversation was loaded, a room subscribed */
void ngx_chat_request_run(ngx_chat_request_t *rq);

/* all requests of a session that ends */
void ngx_chat_request_abandon(ngx_chat_session_t *s);

/* for those who carry requests out */
ngx_int_t ngx_chat_request_name(ngx_chat_request_t *rq);
void ngx_chat_request_set_name(ngx_chat_request_t *rq, chat_str_t tenant,
    chat_str_t id);
void ngx_chat_request_call(ngx_chat_request_t *rq, ngx_chat_call_t *call,
    ngx_chat_redis_reply_pt handler);
ngx_int_t ngx_chat_request_answer(ngx_chat_request_t *rq, redisReply *reply,
    size_t elements, ngx_chat_answer_e *answer);
void ngx_chat_request_need(ngx_chat_request_t *rq, ngx_int_t rc);
ngx_chat_buffer_t *ngx_chat_request_reply(ngx_chat_request_t *rq, size_t size,
    chat_writer_t *w);
void ngx_chat_request_reply_end(ngx_chat_buffer_t *b, chat_writer_t *w);


/* ngx_chat_message.c, ngx_chat_conversation.c: the requests themselves */

void ngx_chat_message_send(ngx_chat_request_t *rq);
void ngx_chat_history_get(ngx_chat_request_t *rq);
void ngx_chat_history_get_range(ngx_chat_request_t *rq,
    ngx_chat_range_t *range);
void ngx_chat_conversation_join(ngx_chat_request_t *rq);
void ngx_chat_conversation_join_range(ngx_chat_request_t *rq,
    ngx_chat_range_t *range);
void ngx_chat_conversation_leave(ngx_chat_request_t *rq);
ngx_int_t ngx_chat_conversation_create_name(ngx_chat_request_t *rq);
void ngx_chat_conversation_create(ngx_chat_request_t *rq);


/*
 * ngx_chat_room.c: a conversation that sessions of this node have joined.
 * Owner: node->rooms; freed when it has no joins and nothing under way.
 */

typedef enum {
    NGX_CHAT_JOIN_OPENING,              /* events wait in room->held */
    NGX_CHAT_JOIN_PARTIAL,              /* the client has to join again */
    NGX_CHAT_JOIN_LIVE
} ngx_chat_join_state_e;


/* a session in a room; owner: both queues, ended by either side */

struct ngx_chat_join_s {
    ngx_queue_t                room_queue;
    ngx_queue_t                session_queue;
    ngx_chat_room_t           *room;
    ngx_chat_session_t        *session;
    ngx_chat_request_t        *request;     /* that opens it, if OPENING */
    uint64_t                   revision;    /* that the session has got; the
                                               room's own if that is higher */
    ngx_chat_join_state_e      state;
    unsigned                   own:1;       /* revision is of a later generation
                                               than the room's: it counts, even
                                               if it is lower */
};


struct ngx_chat_room_s {
    ngx_str_node_t             node;        /* base, in ngx_chat_node_t.rooms */
    ngx_chat_node_t           *owner;
    ngx_chat_name_t            name;
    ngx_queue_t                joins;
    ngx_queue_t                waiting;     /* requests, for the subscription */
    ngx_queue_t                held;        /* ngx_chat_held_t, as they came */
    ngx_queue_t                repair;      /* node->repairs, if queued */
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
    ngx_event_t                timer;       /* when to compare again */

    unsigned                   subscribed:1;
    unsigned                   subscribing:1;
    unsigned                   positioned:1;    /* revision means something */
    unsigned                   stale:1;         /* must be compared */
    unsigned                   comparing:1;     /* and is being */
    unsigned                   queued:1;        /* in node->repairs */

    u_char                     base[1];
};


void ngx_chat_room_init(ngx_chat_node_t *node);
void ngx_chat_room_done(ngx_chat_node_t *node);

/* finds or makes room and join; the join is OPENING then.  NULL: memory */
ngx_chat_join_t *ngx_chat_room_join(ngx_chat_session_t *s,
    ngx_chat_request_t *rq);
ngx_chat_join_t *ngx_chat_room_joined(ngx_chat_session_t *s,
    ngx_str_t *base);                   /* NULL: not joined */
void ngx_chat_room_leave(ngx_chat_join_t *join);

/* the answer to open: the reply is in the session's queue, live events may
   follow.  complete: 0 if the client has to join again */
void ngx_chat_room_opened(ngx_chat_join_t *join, uint64_t generation,
    uint64_t revision, uint64_t reach, ngx_uint_t complete);

void ngx_chat_room_on_subscribed(ngx_chat_node_t *node, ngx_str_t *base);
void ngx_chat_room_on_publish(ngx_chat_node_t *node, ngx_str_t *base,
    ngx_str_t *payload);
void ngx_chat_room_on_down(ngx_chat_node_t *node);  /* subscriptions are lost */
void ngx_chat_room_on_up(ngx_chat_node_t *node);    /* subscribe to all again */

/* for the repair: hands an event out to whom it is new, and goes on with what
   is held; release: the last join has ended */
void ngx_chat_room_fan_out(ngx_chat_room_t *room, uint64_t revision,
    ngx_chat_buffer_t *b);
void ngx_chat_room_settle(ngx_chat_room_t *room);
void ngx_chat_room_release(ngx_chat_room_t *room);


/* ngx_chat_repair.c: comparing rooms with Redis */

void ngx_chat_repair_init(ngx_chat_room_t *room);
void ngx_chat_repair_room(ngx_chat_room_t *room);       /* it is stale */
void ngx_chat_repair_cancel(ngx_chat_room_t *room);
void ngx_chat_repair_all(ngx_chat_node_t *node);        /* now, not later */
void ngx_chat_repair_partition(ngx_chat_node_t *node, ngx_uint_t partition,
    uint64_t generation);               /* it was opened with this one */


/* ngx_chat_node.c: the process as a whole */

struct ngx_chat_node_s {
    ngx_chat_main_conf_t  *conf;
    ngx_cycle_t           *cycle;
    ngx_log_t             *log;
    ngx_str_t              id;          /* UUIDv7, random per process */
    u_char                 id_buf[CHAT_ID_LEN];

    ngx_chat_redis_t       command;
    ngx_chat_redis_t       subscriber;

    ngx_queue_t            sessions;
    ngx_uint_t             nsessions;

    ngx_rbtree_t           rooms;       /* ngx_chat_room_t by base */
    ngx_rbtree_node_t      rooms_sentinel;
    ngx_queue_t            repairs;     /* stale rooms */
    ngx_uint_t             repairing;   /* comparisons under way */

    ngx_rbtree_t           needs;       /* ngx_chat_need_t by <tenant>/<id> */
    ngx_rbtree_node_t      needs_sentinel;
    ngx_queue_t            ranges;      /* waiters */
    uint64_t               need_number;

    ngx_queue_t            flush;       /* sessions with something to send */
    ngx_event_t            flush_event;
    ngx_queue_t            dead;        /* sessions to free */
    ngx_event_t            free_event;
    ngx_chat_out_t        *free_out;
    ngx_uint_t             nfree_out;

    ngx_event_t            heartbeat;
    ngx_msec_t             heard;       /* own heartbeat came back */
    ngx_uint_t             open;        /* partitions open, as last seen */
    ngx_uint_t             open_new;    /* the same, being counted */
    ngx_uint_t             open_pending;    /* answers to come */
    ngx_msec_t             open_checked;

    u_char                 recv[NGX_CHAT_RECV_BUFFER];
};


ngx_int_t ngx_chat_node_init(ngx_cycle_t *cycle, ngx_chat_main_conf_t *mcf);
void ngx_chat_node_done(ngx_chat_main_conf_t *mcf);     /* process exit: 1001 */
uint64_t ngx_chat_now(void);                            /* ms since 1970 */
void ngx_chat_make_id(ngx_uint_t partition, uint64_t ms,
    u_char id[CHAT_ID_LEN]);


/* ngx_chat_handshake.c */

ngx_int_t ngx_chat_handshake_handler(ngx_http_request_t *r);


/* ngx_chat_origin.c: by chat_origin, or the request's own host */

ngx_uint_t ngx_chat_origin_allowed(ngx_http_request_t *r, ngx_str_t *origin);


/* ngx_chat_upgrade.c: answers 101 and starts the session, which it takes over
   whatever it returns; protocol may be NULL */

ngx_int_t ngx_chat_upgrade(ngx_http_request_t *r, ngx_chat_session_t *s,
    ngx_str_t *key, const char *protocol, ngx_uint_t close_code,
    const char *reason);


/*
 * ngx_chat_token.c: where a handshake has its token, and whether it is good.
 */

typedef enum {                          /* in the order of precedence */
    NGX_CHAT_TOKEN_HEADER,              /* Authorization: Bearer */
    NGX_CHAT_TOKEN_PROTOCOL,            /* bearer.<jwt> */
    NGX_CHAT_TOKEN_COOKIE,
    NGX_CHAT_TOKEN_QUERY,
    NGX_CHAT_TOKEN_NONE
} ngx_chat_token_place_e;

/* protocol: the token that came as a subprotocol, or an empty one */
ngx_chat_token_place_e ngx_chat_token_find(ngx_http_request_t *r,
    ngx_str_t *protocol, ngx_str_t *token);

/* takes ?token= out of all that could be logged; find() still finds it.  The
   handler does so early, in servers that have chat_token_query somewhere */
ngx_int_t ngx_chat_token_hide(ngx_http_request_t *r);
ngx_int_t ngx_chat_token_hide_handler(ngx_http_request_t *r);
ngx_int_t ngx_chat_token_log_handler(ngx_http_request_t *r);

/* NGX_OK; NGX_DECLINED: the token is bad; NGX_ERROR: the check failed.  The
   reason, for the log, holds no part of the token */
ngx_int_t ngx_chat_token_check(ngx_chat_loc_conf_t *lcf, chat_str_t text,
    chat_token_t *token, const char **reason);


/* ngx_chat_conf.c: setters of directives, and what a number must be */

typedef struct {
    ngx_conf_post_handler_pt   handler;         /* first, as ngx_conf_post_t */
    const char                *name;
    size_t                     min;
    size_t                     max;
    const char                *text;            /* "1k and 1m" */
} ngx_chat_conf_range_t;

char *ngx_chat_conf_check_num(ngx_conf_t *cf, void *post, void *data);
char *ngx_chat_conf_check_size(ngx_conf_t *cf, void *post, void *data);
char *ngx_chat_conf_check_msec(ngx_conf_t *cf, void *post, void *data);
char *ngx_chat_conf_check_sec(ngx_conf_t *cf, void *post, void *data);

char *ngx_chat_conf_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_chat_conf_health(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_chat_conf_token_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_chat_conf_origin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


/* ngx_chat_http.c: answers that are no upgrade; they return what a content
   handler returns */

ngx_int_t ngx_chat_http_json(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body);
ngx_int_t ngx_chat_http_error(ngx_http_request_t *r, ngx_uint_t status,
    chat_code_e code, const char *message);
ngx_int_t ngx_chat_http_header(ngx_http_request_t *r, const char *name,
    const char *value);                 /* adds one; nothing is copied */


/* ngx_chat_status.c */

ngx_int_t ngx_chat_health_live_handler(ngx_http_request_t *r);
ngx_int_t ngx_chat_health_ready_handler(ngx_http_request_t *r);


extern ngx_module_t  ngx_chat_module;


static ngx_inline chat_str_t
ngx_chat_str(const ngx_str_t *s)
{
    return (chat_str_t) { s->data, s->len };
}


#endif /* NGX_CHAT_H */
