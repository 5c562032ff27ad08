/*
 * An entry of a log, read: an event to be stored.  The fields are told in
 * redis/chat.lua, where they are written.
 */

#ifndef ENTRY_H
#define ENTRY_H


#include "redis.h"
#include "stream_id.h"
#include "uuid.h"


typedef enum {
    ENTRY_MESSAGE,
    ENTRY_CREATE
} entry_kind_e;


typedef enum {
    ENTRY_GOOD,
    ENTRY_REFUSED,      /* its row goes to the dead letters, counters move */
    ENTRY_DEAD          /* nothing else of it is read, counters move */
} entry_fate_e;


struct part_s;


/* slices point into the reply that it came in */

typedef struct {
    struct part_s     *part;
    stream_id_t        id;
    const redisReply  *fields;      /* name and value in turn */

    entry_kind_e       kind;
    entry_fate_e       fate;
    char               reason[160]; /* why not good */

    bool               counts;              /* the next two are known */
    uint8_t            key[UUID_LEN];       /* of the conversation */
    uint64_t           revision;
    chat_str_t         tenant;
    chat_str_t         conversation;
    chat_str_t         user;
    uint64_t           time;                /* ms since 1970 */

    /* a message */
    uint8_t            message[UUID_LEN];
    uint64_t           sequence;
    chat_str_t         client_id;           /* empty: none */
    uint64_t           client_time;         /* 0: the id tells none */
    chat_str_t         content;
    bool               joins;               /* the sender becomes a member */

    /* a creation */
    chat_str_t         type;
    chat_str_t         name;
    chat_str_t         members;             /* "user role,user role" */
} entry_t;


typedef struct {
    chat_str_t  user;
    chat_str_t  role;
} entry_member_t;


typedef enum {
    ENTRY_READ,
    ENTRY_MALFORMED,        /* e->reason says why; its fate is ENTRY_DEAD */
    ENTRY_UNKNOWN           /* a kind that this version does not know */
} entry_rc_e;


/* reads e->fields */
CHAT_MUST_CHECK entry_rc_e entry_read(entry_t *e);

/* the next of e->members; false: no more */
bool entry_next_member(chat_str_t *rest, entry_member_t *member);

void entry_refuse(entry_t *e, entry_fate_e fate, const char *reason);


#endif /* ENTRY_H */
