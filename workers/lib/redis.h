/*
 * A link to Redis.  Every wait has a deadline; whatever breaks the link closes
 * it, and redis_open() makes a new one, not before a back-off is over.  Nothing
 * is ever repeated on a new link by itself: a caller that has looked at
 * something must look again.
 */

#ifndef REDIS_H
#define REDIS_H


#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

#include "chat_rc.h"
#include "life.h"
#include "mem.h"


#define REDIS_MAX_IDENTITY  128
#define REDIS_TIMEOUT       2000        /* ms of each step; below a lease */

/* revocations, see redis/revoke.lua */

#define REDIS_REVOKED_STREAM  "chat:revoked"
#define REDIS_REVOKED_STATE   "{chat:revoked}:state"
#define REDIS_REVOKED_ENDS    "{chat:revoked}:ends"


/* a function library: what this program carries */

typedef struct {
    const char  *name;
    const char  *code;
} redis_library_t;


/* what Redis has in its place */

typedef enum {
    REDIS_LIBRARY_SAME,
    REDIS_LIBRARY_OTHER,            /* of the same version */
    REDIS_LIBRARY_OLDER,
    REDIS_LIBRARY_NEWER,
    REDIS_LIBRARY_NONE
} redis_library_e;


typedef struct {
    redis_library_e  is;
    uint64_t         version;       /* 0: it names none */
    uint64_t         own;           /* what this program carries */
} redis_look_t;


extern const redis_library_t  redis_library_chat;       /* of chat-persist */
extern const redis_library_t  redis_library_presence;   /* of chat-presence */


typedef struct {
    redisContext    *context;       /* NULL: closed */
    const char      *url;
    const redis_library_t  *keeper; /* the library that it keeps up to date in
                                       Redis, or NULL */
    const redis_library_t  *needs;  /* and one that it calls; or NULL */
    bool             quiet;         /* the caller tells what went wrong */
    life_backoff_t   backoff;
    char             told[256];     /* the error that was logged */
    uint64_t         links;         /* how many there were */
    bool             linked;        /* this one is among them */
    uint64_t         closed_at;     /* life_now() when the last one was */
    char             identity[REDIS_MAX_IDENTITY];  /* of this link's Redis */
    uint64_t         used;          /* its memory, bytes, */
    uint64_t         max;           /*   and the limit, or 0; both when it was
                                         last asked who it is */
    char             error[256];
} redis_t;


/* a command: arguments that are copied */

typedef struct {
    size_t      n;
    size_t      size;
    size_t     *ends;
    mem_buf_t   buf;
} redis_args_t;


typedef enum {                      /* how a function of chat.lua answers */
    FCALL_OK,
    FCALL_EXISTS,
    FCALL_ERROR,                    /* refused: code, message, [seconds] */
    FCALL_NEED,
    FCALL_CLOSED,
    FCALL_BUSY,
    FCALL_NOT_FOUND,
    FCALL_REFUSED,
    FCALL_BAD,
    FCALL_FAILED                    /* an error of Redis, or no such answer */
} fcall_rc_e;


CHAT_MUST_CHECK int redis_open(redis_t *r);
void redis_close(redis_t *r);
bool redis_is_open(const redis_t *r);
void redis_settle(redis_t *r);

/* whether Redis still is who it was when the link was made; closes it if not.
   A copy that becomes a master keeps its links. */
CHAT_MUST_CHECK int redis_check_identity(redis_t *r);

/* makes a library in Redis the one that this program carries, unless that is
   older */
CHAT_MUST_CHECK int redis_load_library(redis_t *r, const redis_library_t *l);

/* tells in the log if a library that another program brings is too old */
CHAT_MUST_CHECK int redis_need_library(redis_t *r, const redis_library_t *l);

/* which one Redis has in its place; -1: the link is closed */
CHAT_MUST_CHECK int redis_look_library(redis_t *r, const redis_library_t *l,
    redis_look_t *look);

/* something on this link is not as it must be: closes it, returns -1 */
int redis_fail(redis_t *r, const char *error);

/* the same, with what hiredis says is wrong */
int redis_broken(redis_t *r);

/* any number of redis_send(), then one redis_reply() for each in order.  wait:
   ms that the command itself may block, which a request to stop interrupts */
CHAT_MUST_CHECK int redis_send(redis_t *r, const redis_args_t *args);
redisReply *redis_reply(redis_t *r, uint32_t wait);

/* the same for a reply of very many parts, which all lie in the arena: it must
   not be freed by itself */
redisReply *redis_reply_into(redis_t *r, uint32_t wait, mem_arena_t *arena);

/* both; the reply may be an error of Redis, NULL: the link is closed */
redisReply *redis_call(redis_t *r, const redis_args_t *args);

/* 0: a command was answered, and not with an error; -1: the link is closed */
CHAT_MUST_CHECK int redis_demand(redis_t *r, const redis_args_t *args);

/* what an answer of the library says */
fcall_rc_e redis_answer(const redisReply *reply);

/* an element of an array as text; empty if there is none or it is no string */
chat_str_t redis_text(const redisReply *reply, size_t i);

/* the value of a field of a stream entry: names and values in turn; data is
   NULL if there is none of that name */
chat_str_t redis_field(const redisReply *fields, char name);

/* an element of an array as a number that is not negative, or 0 */
uint64_t redis_number(const redisReply *reply, size_t i);


void redis_args_done(redis_args_t *args);
void redis_args_reset(redis_args_t *args, const char *command);
void redis_args_add(redis_args_t *args, chat_str_t arg);
void redis_args_text(redis_args_t *args, const char *arg);
void redis_args_uint(redis_args_t *args, uint64_t n);

/* FCALL name nkeys */
void redis_args_fcall(redis_args_t *args, const char *name, size_t nkeys);

/* FCALL name 3, with the keys of revocations */
void redis_args_revoked(redis_args_t *args, const char *name);


#endif /* REDIS_H */
