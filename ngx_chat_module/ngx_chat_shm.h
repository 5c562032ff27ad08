/*
 * Counters that all worker processes share.  Included by ngx_chat.h.
 */

#ifndef NGX_CHAT_SHM_H
#define NGX_CHAT_SHM_H


/*
 * ngx_chat_shm.c: one zone for all nodes, kept over a reload.  Each process
 * writes to a slot of its own and who reads adds them up, so nothing has to
 * be locked, and a process that is killed leaves nothing behind.
 *
 * Counters only grow: a slot keeps them when its process ends, and the next
 * one goes on from there.  Gauges are of the process that lives: they begin
 * at 0 and count while it does.
 *
 * Name, labels and help of each: ngx_chat_metrics_table.c.
 */

typedef enum {                          /* of a request */
    NGX_CHAT_RESULT_OK,
    NGX_CHAT_RESULT_REFUSED,            /* the client's fault */
    NGX_CHAT_RESULT_FAILED,             /* ours */

    NGX_CHAT_RESULTS
} ngx_chat_result_e;


typedef enum {
    NGX_CHAT_COUNT_NODES,               /* gauges */
    NGX_CHAT_COUNT_NODES_DRAINING,
    NGX_CHAT_COUNT_SESSIONS,
    NGX_CHAT_COUNT_UNAUTHENTICATED,
    NGX_CHAT_COUNT_USERS,
    NGX_CHAT_COUNT_PRESENCE_REGISTERED,
    NGX_CHAT_COUNT_ROOMS,
    NGX_CHAT_COUNT_WAITING,
    NGX_CHAT_COUNT_REPAIRS,
    NGX_CHAT_COUNT_COMMAND_UP,
    NGX_CHAT_COUNT_SUBSCRIBER_UP,
    NGX_CHAT_COUNT_JWKS_STALE,
    NGX_CHAT_COUNT_REVOCATIONS,
    NGX_CHAT_COUNT_REVOCATIONS_STALE,
    NGX_CHAT_COUNT_QUEUED_BYTES,
    NGX_CHAT_COUNT_OVERLOAD_LEVEL,
    NGX_CHAT_COUNT_WATCHED,
    NGX_CHAT_COUNT_WATCHERS,
    NGX_CHAT_COUNT_AUDIENCES,
    NGX_CHAT_COUNT_LISTENERS,

    NGX_CHAT_COUNT_JOINS,
    NGX_CHAT_COUNT_TYPING,
    NGX_CHAT_COUNT_OUTSTANDING,
    NGX_CHAT_COUNT_REDIS_PENDING,

    NGX_CHAT_COUNT_COMMAND_LOST,        /* counters, from here on */
    NGX_CHAT_COUNT_SUBSCRIBER_LOST,
    NGX_CHAT_COUNT_GAPS,
    NGX_CHAT_COUNT_WATCH_GAPS,
    NGX_CHAT_COUNT_PRESENCE_REGISTRATIONS,
    NGX_CHAT_COUNT_PRESENCE_REPORTED,
    NGX_CHAT_COUNT_PRESENCE_FAILURES,
    NGX_CHAT_COUNT_WATCH_ENDED,
    NGX_CHAT_COUNT_CANARY_LOST,
    NGX_CHAT_COUNT_CANARY_DOUBLED,
    NGX_CHAT_COUNT_CANARY_UNSTORED,
    NGX_CHAT_COUNT_CANARY_FAILED,
    NGX_CHAT_COUNT_JWKS_LOADED,
    NGX_CHAT_COUNT_JWKS_FAILED,
    NGX_CHAT_COUNT_JWKS_REFRESH,
    NGX_CHAT_COUNT_KICKED,
    NGX_CHAT_COUNT_REVOKED_SESSIONS,
    NGX_CHAT_COUNT_REVOKED_TOKENS,

    NGX_CHAT_COUNT_LIMITED_MAX_MESSAGE_SIZE,    /* by directive: hit so often */
    NGX_CHAT_COUNT_LIMITED_MAX_OUTSTANDING,
    NGX_CHAT_COUNT_LIMITED_MAX_CONVERSATIONS,
    NGX_CHAT_COUNT_LIMITED_PRESENCE_CONVERSATIONS,
    NGX_CHAT_COUNT_LIMITED_PRESENCE_USERS,
    NGX_CHAT_COUNT_LIMITED_SEND_QUEUE,
    NGX_CHAT_COUNT_LIMITED_DEFLATE_MAX_RATIO,
    NGX_CHAT_COUNT_LIMITED_HANDSHAKE_RATE,
    NGX_CHAT_COUNT_LIMITED_PER_ADDRESS,
    NGX_CHAT_COUNT_LIMITED_PER_USER,
    NGX_CHAT_COUNT_LIMITED_UNAUTHENTICATED,
    NGX_CHAT_COUNT_LIMITED_REQUEST_RATE,
    NGX_CHAT_COUNT_LIMITED_MESSAGE_RATE,
    NGX_CHAT_COUNT_LIMITED_TYPING_RATE,
    NGX_CHAT_COUNT_LIMITED_FRAME_RATE,
    NGX_CHAT_COUNT_LIMIT_ZONE_FULL,
    NGX_CHAT_COUNT_TURN_CUT_FLUSH,
    NGX_CHAT_COUNT_TURN_CUT_PUBLISH,
    NGX_CHAT_COUNT_SHED_TYPING,
    NGX_CHAT_COUNT_SHED_PRESENCE,
    NGX_CHAT_COUNT_SHED_RECEIPT,
    NGX_CHAT_COUNT_SHED_HINT,
    NGX_CHAT_COUNT_SHED_HISTORY,
    NGX_CHAT_COUNT_SHED_READER,
    NGX_CHAT_COUNT_SHED_HANDSHAKE,

    NGX_CHAT_COUNT_COMMAND_CONNECTED,
    NGX_CHAT_COUNT_SUBSCRIBER_CONNECTED,

    NGX_CHAT_COUNT_HANDSHAKES_ACCEPTED,
    NGX_CHAT_COUNT_HANDSHAKES_REFUSED,  /* by chat_code_e */
    NGX_CHAT_COUNT_HANDSHAKES_LAST = NGX_CHAT_COUNT_HANDSHAKES_REFUSED
                                     + CHAT_CODE_INTERNAL,

    NGX_CHAT_COUNT_LOST,                /* sessions that ended: by nobody, */
    NGX_CHAT_COUNT_LEFT_NORMAL,         /* their client, */
    NGX_CHAT_COUNT_LEFT_GOING_AWAY,
    NGX_CHAT_COUNT_LEFT_NO_STATUS,
    NGX_CHAT_COUNT_LEFT_OTHER,
    NGX_CHAT_COUNT_CLOSED_STOPPED,      /* and us */
    NGX_CHAT_COUNT_CLOSED_PROTOCOL,
    NGX_CHAT_COUNT_CLOSED_UNSUPPORTED,
    NGX_CHAT_COUNT_CLOSED_INVALID,
    NGX_CHAT_COUNT_CLOSED_TOO_BIG,
    NGX_CHAT_COUNT_CLOSED_INTERNAL,
    NGX_CHAT_COUNT_CLOSED_RESTART,
    NGX_CHAT_COUNT_CLOSED_OVERLOADED,
    NGX_CHAT_COUNT_CLOSED_UNAUTHORIZED,
    NGX_CHAT_COUNT_CLOSED_REVOKED,
    NGX_CHAT_COUNT_CLOSED_NO_HEARTBEAT,
    NGX_CHAT_COUNT_CLOSED_SLOW,
    NGX_CHAT_COUNT_CLOSED_FLOODING,
    NGX_CHAT_COUNT_CLOSED_OTHER,

    NGX_CHAT_COUNT_REQUESTS,            /* by type, and the result of it */
    NGX_CHAT_COUNT_REQUESTS_LAST = NGX_CHAT_COUNT_REQUESTS
                                   + NGX_CHAT_RESULTS
                                     * (CHAT_REQUEST_UNKNOWN + 1) - 1,
    NGX_CHAT_COUNT_ERRORS,              /* by chat_code_e */
    NGX_CHAT_COUNT_ERRORS_LAST = NGX_CHAT_COUNT_ERRORS + CHAT_CODE_INTERNAL,

    NGX_CHAT_COUNT_TYPING_STARTED,
    NGX_CHAT_COUNT_TYPING_STOPPED,
    NGX_CHAT_COUNT_PUBLISHED,
    NGX_CHAT_COUNT_DELIVERED,
    NGX_CHAT_COUNT_HINT_CREATED,
    NGX_CHAT_COUNT_HINT_DELETED,
    NGX_CHAT_COUNT_HINT_MEMBER,
    NGX_CHAT_COUNT_HINT_NOTIFICATION,
    NGX_CHAT_COUNT_HINT_UNREAD,
    NGX_CHAT_COUNT_HINT_OTHER,
    NGX_CHAT_COUNT_PRESENCE_TOLD,
    NGX_CHAT_COUNT_FRAMES_RECEIVED,
    NGX_CHAT_COUNT_FRAMES_SENT,
    NGX_CHAT_COUNT_BYTES_RECEIVED,
    NGX_CHAT_COUNT_BYTES_SENT,
    NGX_CHAT_COUNT_SENDS,
    NGX_CHAT_COUNT_SESSION_LOG_FAILED,

    NGX_CHAT_COUNTS
} ngx_chat_count_e;


#define NGX_CHAT_COUNT_GAUGES  NGX_CHAT_COUNT_COMMAND_LOST


/* how long something took: buckets as in ngx_chat_time_bounds, the last one
   is for what is beyond */

typedef enum {
    NGX_CHAT_TIME_CANARY_DELIVERY,
    NGX_CHAT_TIME_CANARY_STORED,
    NGX_CHAT_TIME_TURN,
    NGX_CHAT_TIME_FLUSH,
    NGX_CHAT_TIME_HANDSHAKE,
    NGX_CHAT_TIME_REPLY_SEND,
    NGX_CHAT_TIME_REPLY_CHANGE,
    NGX_CHAT_TIME_REPLY_JOIN,
    NGX_CHAT_TIME_REPLY_READ,
    NGX_CHAT_TIME_REPLY_MARK,
    NGX_CHAT_TIME_DELIVERY,
    NGX_CHAT_TIME_REDIS,

    NGX_CHAT_TIMES
} ngx_chat_time_e;


#define NGX_CHAT_TIME_BUCKETS  16
#define NGX_CHAT_SHM_LINE      64       /* bytes: no two writers in one */


typedef struct {
    uint64_t   buckets[NGX_CHAT_TIME_BUCKETS];
    uint64_t   sum;                     /* microseconds */
} ngx_chat_time_t;


/* what a process tells of itself, once a second */

typedef struct {
    uint64_t   user;                    /* microseconds of CPU */
    uint64_t   system;
    uint64_t   resident;                /* bytes */
    uint64_t   sessions;                /* as counted */
} ngx_chat_worker_t;


/* the sums of all processes */

typedef struct {
    uint64_t          counts[NGX_CHAT_COUNTS];
    ngx_chat_time_t   times[NGX_CHAT_TIMES];
} ngx_chat_totals_t;


/* microseconds; one less than buckets */
extern const uint32_t  ngx_chat_time_bounds[NGX_CHAT_TIME_BUCKETS - 1];


typedef struct {
    ngx_atomic_t  buckets[NGX_CHAT_TIME_BUCKETS];
    ngx_atomic_t  sum;
} ngx_chat_shm_time_t;


/* owner: the zone; written by its process alone */

typedef struct {
    ngx_atomic_t          pid;          /* 0: none */
    ngx_chat_worker_t     worker;
    ngx_atomic_t          counts[NGX_CHAT_COUNTS];
    ngx_chat_shm_time_t   times[NGX_CHAT_TIMES];
} __attribute__((aligned(NGX_CHAT_SHM_LINE)))  ngx_chat_slot_t;


ngx_int_t ngx_chat_shm_add(ngx_conf_t *cf, ngx_chat_main_conf_t *mcf);

/* for the init of a zone: whether it goes on with what it has */
ngx_uint_t ngx_chat_shm_keep(ngx_shm_zone_t *zone, void *old);

/* the slot of this process, and its end */
ngx_chat_slot_t *ngx_chat_shm_attach(ngx_chat_main_conf_t *mcf);
void ngx_chat_shm_detach(ngx_chat_slot_t *slot);

/* of this process; a counter may go on from that of an earlier one */
uint64_t ngx_chat_count_own(ngx_chat_node_t *node, ngx_chat_count_e count);

void ngx_chat_time_add(ngx_chat_node_t *node, ngx_chat_time_e time,
    uint64_t us);
void ngx_chat_time_add_many(ngx_chat_node_t *node, ngx_chat_time_e time,
    uint64_t us, ngx_uint_t n);         /* as long each */

void ngx_chat_shm_look(ngx_chat_slot_t *slot, const ngx_chat_worker_t *w);

void ngx_chat_shm_read(ngx_chat_main_conf_t *mcf, ngx_chat_totals_t *totals);

/* i: below NGX_MAX_PROCESSES; NGX_DECLINED: no process is there */
ngx_int_t ngx_chat_shm_worker(ngx_chat_main_conf_t *mcf, ngx_uint_t i,
    ngx_chat_worker_t *w);


#endif /* NGX_CHAT_SHM_H */
