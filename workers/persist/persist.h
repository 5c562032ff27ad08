/*
 * chat-persist: carries the log of each partition from Redis into PostgreSQL,
 * and brings back what Redis does not hold.
 *
 * One loop, one thread.  A turn keeps the leases, opens what has to be opened,
 * reads the logs and needs of all open partitions at once, stores, and answers
 * needs.  Whatever fails closes its link and ends the turn; nothing but what
 * stands in PostgreSQL is believed afterwards.
 */

#ifndef PERSIST_H
#define PERSIST_H


#include "chat_id.h"
#include "chat_name.h"
#include "db.h"
#include "metrics.h"
#include "redis.h"
#include "stream_id.h"


#define PERSIST_LEASE    4000   /* ms; a dead holder's partitions move then */
#define PERSIST_RENEW    1000   /* ms between renewals */
#define PERSIST_STANDBY  500    /* ms between looks for what became free */

#define PART_KEY_LEN     (CHAT_NAME_PREFIX_LEN + 8)


typedef enum {
    PART_FREE,                  /* not ours */
    PART_HELD,                  /* ours; Redis has to be looked at first */
    PART_OPEN,                  /* ours, and open in Redis for our link */
    PART_STOPPED                /* ours; something is wrong, hands off */
} part_state_e;


/* a partition, as its row in PostgreSQL says */

typedef struct part_s {
    unsigned       p;
    part_state_e   state;
    bool           seen;        /* by the renewal under way */
    bool           refused;     /* Redis has seen a higher fence */
    bool           marked;      /* its row says that it is stopped */
    uint64_t       fence;
    uint64_t       generation;
    char           identity[REDIS_MAX_IDENTITY];
    stream_id_t    stored;      /* everything up to here is in PostgreSQL */
    stream_id_t    told;        /* so far Redis knows it */
    uint64_t       tell_at;     /* not before */
    stream_id_t    need;        /* the last need that was read */
    unsigned       nneeds;      /* that wait */
    redisReply    *marks;       /* that wait to be stored, or NULL */
    stream_id_t    marks_until; /*   once this is */
    char           prefix[CHAT_NAME_PREFIX_LEN + 1];
} part_t;


struct need_s;
struct past_s;


typedef struct persist_s {
    db_t             db;
    redis_t          redis;
    metrics_t        metrics;
    uint64_t         db_link;       /* the links that the parts below were */
    uint64_t         redis_link;    /*   last looked at on */

    char             holder[LIFE_NAME];     /* names this process */
    uint64_t         backlog;       /* entries of a log at most */
    uint64_t         lease_at;      /* when to renew */
    uint64_t         look_at;       /* when to look_check() */
    uint64_t         marks_at;      /* when to ask for marks */
    uint64_t         erase_at;      /* when to erase what was deleted */
    uint64_t         versions_at;   /*   and former contents */
    uint64_t         letters_at;    /* when to look for dead letters */
    uint64_t         letters_count_at;  /*   and to count them */
    uint64_t         revoke_at;     /* when to look for revocations, */
    uint64_t         revoke_link;   /*   and the link where that was done */
    uint64_t         revoke_expire_at;  /* when to forget what has ended */

    uint64_t         idle_timeout;  /* s */
    uint64_t         idle_at;       /* when to look for what is idle */
    uint64_t         idle_cursor;   /*   from where in Redis' keys */
    uint64_t         idle_dropped;  /*   how many have gone in this walk */

    unsigned         count;         /* entries of the next batch at most */
    unsigned         first;         /* partition to read first */
    unsigned         logs;          /* that had something, the last time */

    unsigned         npartitions;
    part_t           parts[CHAT_ID_MAX_PARTITIONS];

    struct need_s   *needs;         /* waiting, in the order of arrival */
    struct need_s  **needs_end;

    struct past_s   *past;          /* see past.h */

    unsigned         share;         /* partitions that should be ours */
    stream_id_t      handover;      /* the last that was read, see share.c */

    uint64_t         stored;        /* entries, since the start */
    redis_args_t     args;          /* scratch */
} persist_t;


/* part.c: calls that every holder makes in the same way */

/* <prefix><name> */
const char *part_key(const part_t *part, const char *name,
    char key[PART_KEY_LEN]);

/* the partition that a key is of, and what follows the prefix; or NULL */
part_t *part_find(persist_t *p, chat_str_t key, chat_str_t *name);

/* the head of a call: FCALL name 1 <prefix> <fence> */
void part_fcall(persist_t *p, const part_t *part, const char *name);

/* the same with identity and generation, for calls that need it open; base:
   of a conversation, or NULL */
void part_fcall_open(persist_t *p, const part_t *part, const char *name,
    const char *base);

/* Redis did not accept a call: whatever the reason, look again */
void part_look_again(persist_t *p, part_t *part);

/* our bug or somebody's hand: says so, and does no more for it */
void part_stop(persist_t *p, part_t *part, const char *reason);

/* it is not stopped any more */
void part_unmark(persist_t *p, part_t *part);


/* lease.c */

bool lease_is_due(const persist_t *p);
CHAT_MUST_CHECK int lease_keep(persist_t *p);    /* if it is due */


/* open.c: what a holder does when it gets a partition or Redis comes back */

CHAT_MUST_CHECK int open_held(persist_t *p);


/* look.c */

typedef struct {
    fcall_rc_e   rc;
    chat_str_t   identity;
    uint64_t     generation;
    stream_id_t  stored;
    stream_id_t  last;          /* 0-0: there is no log */
    redisReply  *reply;         /* owner of the above */
} look_t;

/* what Redis says of a partition: any number of look_send(), then as many
   look_read(), each followed by look_done() unless it is -1 */
CHAT_MUST_CHECK int look_send(persist_t *p, const part_t *part);
CHAT_MUST_CHECK int look_read(persist_t *p, look_t *look);
void look_done(look_t *look);

/* whether it is open for this link, as the row says */
bool look_is_open(const persist_t *p, const part_t *part, const look_t *look);

/* looks at all open partitions: still open?  does Redis know what is stored? */
CHAT_MUST_CHECK int look_check(persist_t *p);

/* tells Redis that everything up to part->stored is, where it does not know
   and was not told just now: while much comes, each call of it would be for a
   message or two */
CHAT_MUST_CHECK int look_tell_stored(persist_t *p);

/* the same, even if it was told just now */
CHAT_MUST_CHECK int look_tell_all_stored(persist_t *p);

/* when that is due, if it is before `until` (life_now()) */
uint64_t look_due(const persist_t *p, uint64_t until);


/* marks.c: read and delivered marks, a second or so after they were made */

/* asks for marks if that is due, stores those that need not wait any more */
CHAT_MUST_CHECK int marks_keep(persist_t *p);

/* all marks of a partition that is not open, whose log is stored; 1: done,
   0: it is to be looked at again, -1: a link is closed */
CHAT_MUST_CHECK int marks_store_rest(persist_t *p, part_t *part);

/* once more, before a partition that is open is given away; as far as that can
   be done at once */
void marks_store_last(persist_t *p);

void marks_forget(part_t *part);


/* erase.c: what was deleted and what is too old, in small steps */

CHAT_MUST_CHECK int erase_keep(persist_t *p);


/* idle.c: conversations that nobody uses leave Redis, in small steps */

CHAT_MUST_CHECK int idle_keep(persist_t *p);

/* on a new link: walks from the start, and not at once */
void idle_reset(persist_t *p);


/* letter.c: dead letters that are to be tried again */

CHAT_MUST_CHECK int letter_keep(persist_t *p);


/* revoke.c: revocations, from PostgreSQL into Redis, if it is time to look */

CHAT_MUST_CHECK int revoke_keep(persist_t *p);


#endif /* PERSIST_H */
