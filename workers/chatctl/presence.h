/*
 * Who is there, as others see it: asked of Redis, as a node would.
 */

#ifndef PRESENCE_H
#define PRESENCE_H


#include "chatctl.h"

#include "chat_name.h"
#include "chat_presence.h"


typedef struct {
    char             *name;         /* <tenant>/<user> */
    bool              known;        /* what follows was told */
    chat_presence_e   state;
    uint64_t          last;         /* ms; 0: never, or not told */
    char             *text;         /* the inside of a JSON string */
} presence_user_t;


typedef struct {
    db_t              db;
    redis_t           redis;
    redis_args_t      args;
    const char       *id;
    const char       *tenant;
    uint64_t          wait;         /* s */
    bool              json;

    unsigned          partitions;
    size_t            n;
    presence_user_t  *users;
} presence_t;


/* what is seen of all users; who must be loaded first is waited for.  -1: said
   why not */
CHAT_MUST_CHECK int presence_read(presence_t *p);

/* the head of a call about a user */
void presence_fcall(presence_t *p, const char *function, unsigned partition);

/* "2026-11-22T20:52:46.946Z" */
#define PRESENCE_TIME  32

const char *presence_time(uint64_t ms, char text[PRESENCE_TIME]);


#endif /* PRESENCE_H */
