/*
 * chat-presence: looks after who is there, see redis/presence.lua.
 *
 * One loop; what it does is a table of jobs.  Each is short: it does a bounded
 * part of what there is, and never waits for PostgreSQL, which a thread of its
 * own asks (desk.h).  Whatever fails closes the link to Redis and ends the
 * turn; nothing is kept here that Redis does not tell again.
 */

#ifndef PRESENCE_H
#define PRESENCE_H


#include "chat_id.h"
#include "chat_name.h"
#include "count.h"
#include "desk.h"
#include "metrics.h"
#include "redis.h"


#define PRESENCE_LEASE       4000   /* ms; a dead holder's partitions move */
#define PRESENCE_STANDSTILL  5000   /* ms to settle after one, at most */


/* a partition */

typedef struct part_s {
    unsigned       p;
    bool           held;        /* by us, as far as we know */
    bool           more;        /* there is more to do at once */
    bool           unread;      /* there is more to tell of what is unread */
    char           epoch[24];   /* as the last look told */
    uint64_t       looked;      /*   and Redis' clock then, ms */
    uint64_t       lag;         /* ms; how late that was for who was due */
    uint64_t       nodes;
    uint64_t       users;
    uint64_t       seen;
    uint64_t       unstored;
    char           prefix[CHAT_NAME_PREFIX_LEN + sizeof("presence:")];
} part_t;


typedef struct presence_s {
    redis_t          redis;
    desk_t           desk;
    metrics_t        metrics;

    char             holder[LIFE_NAME];     /* names this process */
    uint64_t         grace;         /* s */
    uint64_t         settle;        /* s */
    uint64_t         forget;        /* s */

    unsigned         npartitions;   /* 0: not known yet */
    part_t           parts[CHAT_ID_MAX_PARTITIONS];
    unsigned         share;         /* partitions that should be ours */
    unsigned         place;         /*   our place among so many holders */
    unsigned         nholders;
    uint64_t         hold_link;     /* the link on which that was asked, */
    uint64_t         alive_at;      /*   and when to ask again */
    uint64_t         store_at;      /* when to look for what is not stored */
    uint64_t         unread_at;     /* when to tell what is unread, */
    unsigned         unread_from;   /*   and where to go on meanwhile */

    count_t          count;

    redis_args_t     args;          /* scratch */
} presence_t;


/* What the loop does.  run: 0, or -1 if the link to Redis is closed.  It may be
   called earlier than its interval says. */

typedef struct {
    const char  *name;
    uint32_t     interval;          /* ms between two runs; 0: each turn */
    int        (*run)(presence_t *p);
} job_t;


/* part.c */

/* the head of a call: FCALL chat_presence_v1_<name> 1 <prefix> */
void part_fcall(presence_t *p, const part_t *part, const char *name);

/* that <partitions> follows as an argument, as most want it */
void part_fcall_open(presence_t *p, const part_t *part, const char *name);

/* the next reply, which is to be ok; another answer of the function: *reply is
   NULL and *rc what it says.  -1: the link is closed */
CHAT_MUST_CHECK int part_reply(presence_t *p, redisReply **reply,
    fcall_rc_e *rc);

/* the same of a function of chat_v1.  That is brought by chat-persist, which
   may not be there yet, or be an older one: whatever is not ok is NULL */
CHAT_MUST_CHECK int part_reply_chat(presence_t *p, redisReply **reply);

/* how many there are, from PostgreSQL or else from Redis */
CHAT_MUST_CHECK int part_learn(presence_t *p);


/* hold.c: which partitions are ours */

CHAT_MUST_CHECK int hold_keep(presence_t *p);
void hold_leave(presence_t *p);


/* look.c: looks at the users of a partition that are due */

/* any number of look_send(), then as many look_read(); part->held tells
   whether it is ours */
CHAT_MUST_CHECK int look_send(presence_t *p, const part_t *part);
CHAT_MUST_CHECK int look_read(presence_t *p, part_t *part);
CHAT_MUST_CHECK int look_keep(presence_t *p);


/* load.c: what PostgreSQL knows of users */

/* how many more may be asked for now */
size_t load_room(const presence_t *p);
void load_want(presence_t *p, part_t *part, chat_str_t name);
CHAT_MUST_CHECK int load_keep(presence_t *p);


/* store.c: what PostgreSQL is to know */

CHAT_MUST_CHECK int store_keep(presence_t *p);


/* unread.c: members are told how much they have not read */

CHAT_MUST_CHECK int unread_keep(presence_t *p);


#endif /* PRESENCE_H */
