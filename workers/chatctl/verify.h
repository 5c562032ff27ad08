/*
 * chatctl verify: whether nothing is missing in a conversation, nothing is
 * there twice, and PostgreSQL and Redis agree.
 *
 * A look reads Redis, then a snapshot of PostgreSQL, then Redis once more.  So
 * whatever of the first reading was not stored when the snapshot was taken is
 * known by its place in the log, and all that the snapshot has is known to
 * Redis by the second.  Beside traffic, a look may still find what was under
 * way: it counts if another look finds it again, in whose snapshot everything
 * is stored that Redis had at the first.
 */

#ifndef VERIFY_H
#define VERIFY_H


#include "chatctl.h"

#include "chat_name.h"
#include "findings.h"
#include "stream_id.h"


#define VERIFY_HOT  2048        /* events of hot that are looked at, the last */


typedef enum {
    VERIFY_CLOSED,              /* Redis is not open for the partition */
    VERIFY_ABSENT,              /* it does not hold the conversation */
    VERIFY_HELD
} verify_held_e;


/* an event of hot; slices point into the reply */

typedef struct {
    uint64_t     revision;
    uint64_t     sequence;      /* of the message concerned, or 0 */
    stream_id_t  place;         /* in the log */
    char         kind;
    chat_str_t   more;
    chat_str_t   event;
} verify_event_t;


/* what Redis says */

typedef struct {
    verify_held_e    held;
    char             identity[REDIS_MAX_IDENTITY];
    uint64_t         generation;
    stream_id_t      stored;
    bool             gone;              /* a deleted conversation's stub */
    char             key[40];
    uint64_t         sequence;
    uint64_t         revision;
    uint64_t         owners;
    stream_id_t      last;              /* place of its last change */
    uint64_t         hot_from;
    uint64_t         hot_events;        /* as it counts them */
    uint64_t         hot_bytes;
    uint64_t         hot_length;        /* that there are */
    chat_str_t       gens;
    chat_str_t       type;
    chat_str_t       name;
    chat_str_t       description;
    chat_str_t       slow_mode;
    bool             read_only;
    verify_event_t  *events;            /* in their order */
    size_t           n;
    redisReply      *reply;             /* owner of all slices */
} verify_redis_t;


/* the row of the conversation, as the snapshot has it */

enum {
    VERIFY_COLUMN_KEY, VERIFY_COLUMN_DELETED, VERIFY_COLUMN_SEQUENCE,
    VERIFY_COLUMN_REVISION, VERIFY_COLUMN_CREATED_REVISION,
    VERIFY_COLUMN_SETTINGS_REVISION, VERIFY_COLUMN_DELETED_REVISION,
    VERIFY_COLUMN_PARTITION, VERIFY_COLUMN_GENERATION, VERIFY_COLUMN_STORED,
    VERIFY_COLUMN_TYPE, VERIFY_COLUMN_NAME, VERIFY_COLUMN_DESCRIPTION,
    VERIFY_COLUMN_SLOW_MODE, VERIFY_COLUMN_READ_ONLY, VERIFY_COLUMN_GENS,
    VERIFY_COLUMN_HOLES
};


typedef struct {
    bool         known;
    bool         deleted;
    char         key[40];
    uint64_t     sequence;
    uint64_t     revision;
    uint64_t     created_revision;
    uint64_t     settings_revision;
    uint64_t     deleted_revision;
    uint64_t     holes;                 /* dead letters that were dropped */
    uint64_t     generation;            /* these of the partition */
    stream_id_t  stored;
    PGresult    *res;                   /* name and so on are in it */
} verify_row_t;


typedef struct {
    db_t            db;
    redis_t         redis;
    const char     *tenant;
    const char     *id;
    unsigned        partitions;
    unsigned        p;
    char            prefix[CHAT_NAME_PREFIX_LEN + 1];
    char            base[CHAT_NAME_MAX_BASE + 1];
    redis_args_t    args;

    verify_redis_t  before;
    verify_redis_t  after;              /* without events */
    verify_row_t    row;
    findings_t      findings;           /* of this look */

    /* of all looks */
    findings_t      faults;
    bool            undecided;          /* too little was stored, or nothing
                                           held still, to be sure of members */
} verify_t;


/* says what does not answer, -1 */
CHAT_MUST_CHECK int verify_open(verify_t *v);
void verify_done(verify_t *v);

/* looks as often as need be; v->faults has what is certain.  EXIT_OK if that is
   nothing, EXIT_FAILED, EXIT_NOT_FOUND, EXIT_UNAVAILABLE */
CHAT_MUST_CHECK int verify_conversation(verify_t *v, const char *id);


/* parts of a look; -1: a link failed */

/* verify_redis.c */
CHAT_MUST_CHECK int verify_read_redis(verify_t *v, verify_redis_t *r,
    bool events);
void verify_redis_done(verify_redis_t *r);

/* verify_stored.c: PostgreSQL by itself; what the hot history should have */
CHAT_MUST_CHECK int verify_stored(verify_t *v);
CHAT_MUST_CHECK int verify_lacking(verify_t *v);

/* verify_held.c: Redis by itself, and its counters with the row */
void verify_held(verify_t *v);

/* verify_events.c: what Redis has of events, each with what is stored */
CHAT_MUST_CHECK int verify_events(verify_t *v);

/* verify_state.c: the events that tell of members and settings */
CHAT_MUST_CHECK int verify_state(verify_t *v);

/* These two read Redis, and what is stored after that: outside of the snapshot,
   which is older. */

/* verify_members.c */
CHAT_MUST_CHECK int verify_members(verify_t *v);

/* verify_ids.c: client ids */
CHAT_MUST_CHECK int verify_ids(verify_t *v);


static inline bool
verify_is_stored(const verify_t *v, stream_id_t place)
{
    return stream_id_compare(place, v->row.stored) <= 0;
}


#endif /* VERIFY_H */
