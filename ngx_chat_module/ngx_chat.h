/*
 * ngx_chat: what more than one file of the module uses.
 *
 * One nginx worker process is one node.  It owns its sessions (live
 * connections) and rooms (conversations that at least one of its sessions
 * has joined), and two links to Redis, one for commands and one for
 * subscriptions.  All of that hangs on ngx_chat_node_t, which lives in the
 * cycle's pool and is found through the main configuration.
 *
 * Links, sessions, requests and rooms have headers of their own, included
 * below in the order in which they need each other.
 */

#ifndef NGX_CHAT_H
#define NGX_CHAT_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include "../common/chat_deflate.h"
#include "../common/chat_event.h"
#include "../common/chat_extension.h"
#include "../common/chat_frame.h"
#include "../common/chat_id.h"
#include "../common/chat_json.h"
#include "../common/chat_jwks.h"
#include "../common/chat_key.h"
#include "../common/chat_limit.h"
#include "../common/chat_name.h"
#include "../common/chat_request.h"
#include "../common/chat_revoked.h"
#include "../common/chat_siphash.h"
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
#define NGX_CHAT_CLOSE_REVOKED       4403
#define NGX_CHAT_CLOSE_NO_HEARTBEAT  4408
#define NGX_CHAT_CLOSE_SLOW          4413
#define NGX_CHAT_CLOSE_FLOODING      4429


#define NGX_CHAT_MAX_UNAUTH_MESSAGE  8192       /* contract, 1 */
#define NGX_CHAT_MAX_MESSAGE         1048576    /* as may be configured; */
#define NGX_CHAT_MAX_ECHO_MESSAGE    16777216   /* of an echo location */
#define NGX_CHAT_EXPIRING_NOTICE     60000      /* ms before exp */
#define NGX_CHAT_RECV_BUFFER         65536      /* one per node */
#define NGX_CHAT_RANDOM              64         /* ids, per call of OpenSSL */
#define NGX_CHAT_FRAME_COST          4096       /* of the budget, besides its
                                                   bytes */
#define NGX_CHAT_INFLATE_COST        4          /* likewise, of a byte that is
                                                   inflated, to whatever */
#define NGX_CHAT_MAX_EVENTS_BYTES    262144     /* of one join or history */
#define NGX_CHAT_ROLE_ADMIN          "admin"    /* token role: may choose ids */

/* chat_ack: what a reply to a change says */

#define NGX_CHAT_ACK_ACCEPTED        0          /* it is in Redis */
#define NGX_CHAT_ACK_STORED          1          /* it is in PostgreSQL */


typedef struct ngx_chat_main_conf_s  ngx_chat_main_conf_t;
typedef struct ngx_chat_loc_conf_s   ngx_chat_loc_conf_t;
typedef struct ngx_chat_node_s       ngx_chat_node_t;
typedef struct ngx_chat_session_s    ngx_chat_session_t;
typedef struct ngx_chat_subscriber_s  ngx_chat_subscriber_t;
typedef struct ngx_chat_room_s       ngx_chat_room_t;
typedef struct ngx_chat_join_s       ngx_chat_join_t;
typedef struct ngx_chat_request_s    ngx_chat_request_t;
typedef struct ngx_chat_batch_s      ngx_chat_batch_t;
typedef struct ngx_chat_element_s    ngx_chat_element_t;
typedef struct ngx_chat_buffer_s     ngx_chat_buffer_t;
typedef struct ngx_chat_out_s        ngx_chat_out_t;
typedef struct ngx_chat_redis_s      ngx_chat_redis_t;
typedef struct ngx_chat_audience_s   ngx_chat_audience_t;
typedef struct ngx_chat_canary_s     ngx_chat_canary_t;
typedef struct ngx_chat_jwks_s       ngx_chat_jwks_t;
typedef struct ngx_chat_typing_s     ngx_chat_typing_t;
typedef struct ngx_chat_user_s       ngx_chat_user_t;


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
    ngx_msec_t         compare_interval;    /* each room with Redis */
    ngx_msec_t         canary;          /* how often it sings; 0: never */
    ngx_msec_t         drain_time;      /* sessions are told to leave in it */
    ngx_flag_t         presence;
    ngx_uint_t         presence_members;    /* so many are told at once, */
    ngx_uint_t         presence_batch;  /* and up to so many by name */

    ngx_array_t       *jwks;            /* of ngx_chat_jwks_t *; NULL: none */

    ngx_uint_t         enabled;         /* some location needs a node */
    ngx_uint_t         deflate;         /* some location has chat_deflate */
    ngx_uint_t         websocket;       /* some location has chat_websocket */
    ngx_uint_t         token_query;     /* and one of them chat_token_query */
    ngx_uint_t         metrics;         /* some location has chat_status */
    ngx_shm_zone_t    *zone;            /* if enabled, or metrics */
    ngx_shm_zone_t    *limit_zone;      /* if enabled */
    size_t             limit_zone_size;
    size_t             node_queue;      /* bytes that may wait in a node */
    ngx_msec_t         node_lag;        /* turns that are too long */
    ngx_chat_node_t   *node;            /* of this process, or NULL */
    ngx_array_t       *logs;            /* ngx_log_t *, of all locations */
};


#include "ngx_chat_limit.h"


/* a file of chat_session_log: cycle pool; of each process its own */

typedef struct {
    ngx_open_file_t   *file;
    ngx_msec_t         complained;      /* of a failure; 0: not yet */
    ngx_uint_t         torn;            /* the last line is not whole */
} ngx_chat_session_log_t;


typedef struct {
    ngx_uint_t         token_query;     /* on in some location of the server */
} ngx_chat_srv_conf_t;


struct ngx_chat_loc_conf_s {
    ngx_flag_t         websocket;
    ngx_flag_t         echo;
    ngx_flag_t         auth;
    ngx_uint_t         status_json;     /* what chat_status is told as */

    ngx_array_t       *keys;            /* of chat_key_t * */
    ngx_chat_jwks_t   *jwks;            /* more of them; NULL: not set */
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
    ngx_msec_t         away_time;       /* 0: nobody is by silence */
    ngx_msec_t         request_timeout;
    size_t             max_message_set;     /* as configured; or unset */
    size_t             max_message_size;
    ngx_flag_t         deflate;
    size_t             deflate_min_length;  /* shorter ones are sent as is */
    ngx_uint_t         deflate_max_ratio;
    size_t             send_queue;
    size_t             sndbuf;          /* of the socket; 0: as it is */
    ngx_uint_t         max_outstanding;
    ngx_uint_t         max_conversations;
    ngx_uint_t         presence_conversations;
    ngx_uint_t         max_members;         /* of a group */
    ngx_uint_t         presence_users;      /* subscribed to, of a session */
    ngx_uint_t         max_reactions;       /* of a message */
    ngx_uint_t         max_mentions;        /* likewise */
    ngx_uint_t         max_attachments;     /* likewise */
    ngx_uint_t         typing_members;      /* of a conversation: more are not
                                               told who types */
    ngx_uint_t         ack;                 /* NGX_CHAT_ACK_... */
    ngx_chat_session_log_t  *session_log;   /* NULL: off */
    ngx_str_t          location;            /* its name, for that */
    ngx_uint_t         revoke_stale;        /* NGX_CHAT_REVOKE_... */
    ngx_chat_limit_conf_t  limit;
};


#include "ngx_chat_conf.h"
#include "ngx_chat_shm.h"
#include "ngx_chat_redis.h"
#include "ngx_chat_session.h"
#include "ngx_chat_user.h"
#include "ngx_chat_bus.h"
#include "ngx_chat_overload.h"
#include "ngx_chat_revoke.h"
#include "ngx_chat_watch.h"
#include "ngx_chat_request.h"
#include "ngx_chat_lease.h"
#include "ngx_chat_subscribe.h"
#include "ngx_chat_room.h"
#include "ngx_chat_typing.h"
#include "ngx_chat_audience.h"
#include "ngx_chat_sessions.h"
#include "ngx_chat_canary.h"
#include "ngx_chat_jwks.h"


/* ngx_chat_node.c: the process as a whole */

struct ngx_chat_node_s {
    ngx_chat_main_conf_t  *conf;
    ngx_cycle_t           *cycle;
    ngx_log_t             *log;
    ngx_str_t              id;          /* UUIDv7, random per process */
    u_char                 id_buf[CHAT_ID_LEN];
    ngx_chat_slot_t       *slot;        /* counters */

    uint8_t                random[NGX_CHAT_RANDOM][10];     /* of ids to come */
    ngx_uint_t             nrandom;

    uint32_t               birth;       /* among those that share limits */
    ngx_event_t            limit_timer;
    ngx_msec_t             limit_complained;    /* of no room; 0: not yet */

    ngx_chat_redis_t       command;
    ngx_chat_redis_t       subscriber;

    ngx_queue_t            sessions;
    ngx_chat_users_t       users;       /* who have sessions */
    ngx_chat_leases_t      leases;      /* what Redis knows of them */
    ngx_chat_drain_t       drain;

    ngx_rbtree_t           rooms;       /* ngx_chat_room_t by base */
    ngx_rbtree_node_t      rooms_sentinel;
    ngx_queue_t            rooms_of[CHAT_ID_MAX_PARTITIONS];    /* the same */
    ngx_queue_t            repairs;     /* stale rooms */
    ngx_uint_t             repairing;   /* comparisons under way */

    ngx_queue_t            typing;      /* ngx_chat_typing_t, by their end */
    ngx_event_t            typing_timer;

    ngx_chat_report_t      report;
    ngx_chat_sessions_t    asked;
    ngx_chat_revoke_t      revoke;
    ngx_chat_watch_t       watch;
    ngx_chat_subscribers_t  subscribers;

    ngx_event_t            compare_timer;
    ngx_uint_t             compare_partition;   /* the one whose turn it is */
    ngx_uint_t             compare_round;   /* times that all had theirs */

    ngx_queue_t            line;        /* joins that may not ask yet */
    ngx_uint_t             asking;      /* joins that do */

    ngx_rbtree_t           needs;       /* ngx_chat_need_t by <tenant>/<id> */
    ngx_rbtree_node_t      needs_sentinel;
    ngx_queue_t            ranges;      /* waiters */
    uint64_t               need_number;

    ngx_chat_ack_t         acks[CHAT_ID_MAX_PARTITIONS];
    ngx_event_t            ack_timer;

    ngx_queue_t            flush;       /* sessions with something to send, */
    ngx_queue_t            crowd;       /* and those that are many */
    ngx_event_t            flush_event;
    ngx_chat_inbox_t       inbox;
    ngx_chat_load_t        load;
    ngx_chat_sending_t     sending;
    ngx_queue_t            dead;        /* sessions to free */
    ngx_event_t            free_event;
    ngx_chat_out_t        *free_out;
    ngx_uint_t             nfree_out;

    ngx_chat_canary_t     *canary;      /* or NULL */

    ngx_event_t            jwks_timer;

    ngx_event_t            heartbeat;
    ngx_uint_t             beats;       /* that were sent, */
    ngx_uint_t             beats_said;  /* and that Redis has answered */
    ngx_uint_t             beat_timed;  /* the one that is measured; */
    uint64_t               beat_sent;   /* us: it left then; 0: none */
    ngx_uint_t             listening;   /* own channel was confirmed */
    ngx_msec_t             unheard;     /* since then Redis has published our
                                           heartbeats in vain; 0: it has not */
    ngx_uint_t             open;        /* partitions open, as last seen */
    ngx_uint_t             open_new;    /* the same, being counted */
    ngx_uint_t             open_pending;    /* answers to come */
    ngx_msec_t             open_checked;

    chat_deflate_t        *deflate;     /* of all sessions; or NULL, */
    chat_inflate_t        *inflate;     /* and this one is, too */

    ngx_int_t              budget;      /* bytes that the session which is being
                                           read may still take this turn */
    ngx_uint_t             tls_messages;    /* of TLS itself, that came */
    u_char                 recv[NGX_CHAT_RECV_BUFFER];
};


ngx_int_t ngx_chat_node_init(ngx_cycle_t *cycle, ngx_chat_main_conf_t *mcf);
void ngx_chat_node_done(ngx_chat_main_conf_t *mcf);     /* process exit: 1001 */
uint64_t ngx_chat_now(void);                            /* ms since 1970 */
uint64_t ngx_chat_clock(void);          /* us: nginx' own stands still during a
                                           turn of the event loop */
void ngx_chat_make_id(ngx_chat_node_t *node, ngx_uint_t partition, uint64_t ms,
    u_char id[CHAT_ID_LEN]);


/*
 * ngx_chat_tally.c: what is counted of handshakes, requests and sessions.
 * error: it is answered, with this code; done: without an error.  reply: how
 * long it took.  ended: a session, by whom and why.  look: once a second.
 */

void ngx_chat_tally_accepted(ngx_chat_node_t *node, ngx_http_request_t *r);
void ngx_chat_tally_refused(ngx_chat_node_t *node, chat_code_e code);
void ngx_chat_tally_done(ngx_chat_session_t *s, chat_request_type_e type);
void ngx_chat_tally_error(ngx_chat_session_t *s, chat_request_type_e type,
    chat_code_e code);
void ngx_chat_tally_reply(ngx_chat_request_t *rq);
void ngx_chat_tally_ended(ngx_chat_session_t *s);
void ngx_chat_tally_look(ngx_chat_node_t *node);


/* ngx_chat_handshake.c */

ngx_int_t ngx_chat_handshake_handler(ngx_http_request_t *r);


/* ngx_chat_origin.c: which pages may, by chat_origin or the request's own
   host.  n: how many Origin headers there are; required: one must be */

ngx_uint_t ngx_chat_origin_permitted(ngx_http_request_t *r, ngx_uint_t n,
    ngx_str_t *origin, ngx_uint_t required);


/* ngx_chat_upgrade.c: answers 101 and starts the session, which it takes over
   whatever it returns; protocol may be NULL */

ngx_int_t ngx_chat_upgrade(ngx_http_request_t *r, ngx_chat_session_t *s,
    ngx_str_t *key, const char *protocol, ngx_uint_t close_code,
    const char *reason);


/* ngx_chat_token.c: where a request has its token */

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

/* the token's bytes are zeroed where they are, when the request is over */
ngx_int_t ngx_chat_token_wipe_after(ngx_http_request_t *r, ngx_str_t *token);


/* ngx_chat_verify.c: whether it is good */

typedef enum {
    NGX_CHAT_TOKEN_GOOD,
    NGX_CHAT_TOKEN_BAD,
    NGX_CHAT_TOKEN_REVOKED,
    NGX_CHAT_TOKEN_UNSURE,              /* revocations are not known now */
    NGX_CHAT_TOKEN_FAILED               /* the check itself did */
} ngx_chat_token_result_e;


/* what is said of it, wherever the token came from */

typedef struct {
    const char   *name;                 /* in $chat_auth_status */
    ngx_uint_t    status;               /* of an answer over HTTP */
    chat_code_e   code;                 /* and its error, or a reply's */
    const char   *message;
    ngx_uint_t    close_code;           /* of a session that has no user */
    const char   *close_reason;
} ngx_chat_verdict_t;

/* token is set if GOOD; else the reason is, for the log, without any part of
   the token */
ngx_chat_token_result_e ngx_chat_token_check(ngx_chat_loc_conf_t *lcf,
    chat_str_t text, chat_token_t *token, const char **reason);
const ngx_chat_verdict_t *ngx_chat_token_verdict(
    ngx_chat_token_result_e result);


/* ngx_chat_access.c: chat_auth */

ngx_int_t ngx_chat_access_handler(ngx_http_request_t *r);


/* ngx_chat_variable.c: whom a request is of, for logs and other servers; set()
   wants a status of static storage, and NULL if it is nobody's */

ngx_int_t ngx_chat_variable_add(ngx_conf_t *cf);
ngx_int_t ngx_chat_variable_set(ngx_http_request_t *r, const char *status,
    const chat_token_t *token);

/* ngx_chat_revoke.c: GOOD, REVOKED or UNSURE of a token that is good by
   itself */

ngx_chat_token_result_e ngx_chat_revoke_judge(ngx_chat_main_conf_t *conf,
    ngx_chat_loc_conf_t *lcf, const chat_token_t *token, const char **reason);


/* ngx_chat_log.c: tokens in what nginx quotes of requests are masked, in the
   logs that were added */

ngx_int_t ngx_chat_log_add(ngx_conf_t *cf, ngx_chat_main_conf_t *mcf,
    ngx_log_t *log);
ngx_int_t ngx_chat_log_init(ngx_cycle_t *cycle, ngx_chat_main_conf_t *mcf);


/* ngx_chat_http.c: answers that are no upgrade; they return what a content
   handler returns */

ngx_int_t ngx_chat_http_send(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, ngx_str_t *body);
ngx_int_t ngx_chat_http_json(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body);
ngx_int_t ngx_chat_http_error(ngx_http_request_t *r, ngx_uint_t status,
    chat_code_e code, const char *message,
    ngx_uint_t retry);                  /* seconds, 0: nothing is said */
ngx_int_t ngx_chat_http_header(ngx_http_request_t *r, const char *name,
    const char *value);                 /* adds one; nothing is copied */


/* ngx_chat_session_log.c: a session starts, has a user who showed a token
   later, ends */

char *ngx_chat_session_log_conf(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
void ngx_chat_session_log_start(ngx_chat_session_t *s);
void ngx_chat_session_log_user(ngx_chat_session_t *s);
void ngx_chat_session_log_end(ngx_chat_session_t *s);


/* ngx_chat_status.c */

ngx_int_t ngx_chat_health_live_handler(ngx_http_request_t *r);
ngx_int_t ngx_chat_health_ready_handler(ngx_http_request_t *r);


/* ngx_chat_metrics.c */

ngx_int_t ngx_chat_metrics_handler(ngx_http_request_t *r);


extern ngx_module_t  ngx_chat_module;


/* n may be negative, of a gauge */

static ngx_inline void
ngx_chat_count_add(ngx_chat_node_t *node, ngx_chat_count_e count, ngx_int_t n)
{
    node->slot->counts[count] += n;
}

static ngx_inline void
ngx_chat_count(ngx_chat_node_t *node, ngx_chat_count_e count)
{
    ngx_chat_count_add(node, count, 1);
}

static ngx_inline void
ngx_chat_count_set(ngx_chat_node_t *node, ngx_chat_count_e count, uint64_t n)
{
    node->slot->counts[count] = n;
}

/* what a session does, but not the canary's */

static ngx_inline void
ngx_chat_session_count(ngx_chat_session_t *s, ngx_chat_count_e count,
    ngx_int_t n)
{
    if (!s->internal) {
        ngx_chat_count_add(s->node, count, n);
    }
}


static ngx_inline chat_str_t
ngx_chat_str(const ngx_str_t *s)
{
    return (chat_str_t) { s->data, s->len };
}

static ngx_inline chat_str_t
ngx_chat_id(const chat_request_id_t *id)
{
    return (chat_str_t) { id->data, id->len };
}


#endif /* NGX_CHAT_H */
