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
    ENTRY_EDIT,
    ENTRY_DELETE,
    ENTRY_REACT,
    ENTRY_UNREACT,
    ENTRY_CREATE,
    ENTRY_UPDATE,
    ENTRY_CLOSE,        /* the conversation is deleted */
    ENTRY_MEMBER,       /* a role is given or taken */
    ENTRY_JOIN          /* a reader has become a member, nobody is told */
} entry_kind_e;


typedef enum {
    ENTRY_GOOD,
    ENTRY_REFUSED,      /* its row goes to the dead letters, counters move */
    ENTRY_DEAD          /* nothing else of it is read, counters move */
} entry_fate_e;


struct part_s;


/* slices point into the reply that it came in; what a kind does not have is
   empty or zero */

typedef struct {
    struct part_s     *part;
    stream_id_t        id;
    uint64_t           letter;              /* the dead letter it was; 0: it
                                               comes from the log */
    const redisReply  *fields;              /* name and value in turn */

    entry_kind_e       kind;
    entry_fate_e       fate;

    bool               counts;              /* the next two are known */
    uint8_t            key[UUID_LEN];       /* of the conversation */
    uint64_t           revision;
    chat_str_t         tenant;
    chat_str_t         conversation;
    chat_str_t         user;                /* empty: the operator */
    uint64_t           time;                /* ms since 1970 */

    bool               concerns;            /* the next one is known */
    uint8_t            message[UUID_LEN];
    uint64_t           sequence;            /* of the message; of a member:
                                               the last one there is */
    chat_str_t         content;
    chat_str_t         emoji;

    /* a message */
    chat_str_t         client_id;           /* empty: none */
    uint64_t           client_time;         /* 0: the id tells none */
    bool               replies;             /* the next one is given */
    uint8_t            reply_to[UUID_LEN];
    chat_str_t         mentions;            /* "user,user"; empty: none */
    chat_str_t         attachments;         /* empty: none */

    /* a creation, an update: name */
    chat_str_t         type;
    chat_str_t         name;
    chat_str_t         members;             /* "user role,user role" */
    chat_str_t         description;
    bool               read_only;
    uint64_t           slow_mode;           /* seconds */

    /* who is concerned, by a message too */
    bool               joins;               /* was no member before */
    chat_str_t         target;
    chat_str_t         role;                /* empty: none from now on */

    char               reason[160];         /* why not good */
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


void entry_init(entry_t *e, struct part_s *part, const redisReply *fields);

/* reads e->fields */
CHAT_MUST_CHECK entry_rc_e entry_read(entry_t *e);

/* the next of e->members; false: no more */
bool entry_next_member(chat_str_t *rest, entry_member_t *member);

/* the next of e->mentions; false: no more */
bool entry_next_mention(chat_str_t *rest, chat_str_t *user);

void entry_refuse(entry_t *e, entry_fate_e fate, const char *reason);

/* the time in ms that a client id tells; false: it tells none */
bool entry_client_time(chat_str_t client_id, uint64_t *ms);


#endif /* ENTRY_H */
