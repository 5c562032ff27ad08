/*
 * What clients see of a reload: sessions that chatctl itself has with nginx, in
 * a conversation of their own, which talk all the time, come back when they are
 * told to, and count what is missing.
 */

#ifndef RELOAD_WATCH_H
#define RELOAD_WATCH_H


#include <stdbool.h>

#include "socket.h"


#define WATCH_MAX  64           /* sessions */


/* one session; it has at most one message that is not answered */

typedef struct {
    socket_t   socket;
    bool       joined;
    bool       waits;           /* for a reply to its message */
    uint64_t   number;          /* of the message; 0: none */
    uint64_t   due;             /* ms: to connect, join or send again */
    uint64_t   revision;        /* as far as it has got */
    uint64_t   sequence;
    uint64_t   left_at;         /* ms: it was there until then; 0: it is */
} watcher_t;


typedef struct {
    socket_url_t  url;
    const char   *token;
    char          name[32];     /* of the conversation */
    char          client[32];   /* ids of messages begin with it */
    watcher_t     watchers[WATCH_MAX];
    size_t        n;
    bool          made;         /* the conversation is */
    bool          deleted;
    watcher_t    *deletes;      /* who has asked for that; NULL: nobody, */
    uint64_t      delete_at;    /* ms: and is not to ask before */
    bool          last;         /* nothing new is said */
    uint64_t      next;         /* ms: the next message */

    uint64_t      messages;     /* said */
    uint64_t      accepted;     /*   and answered */
    uint64_t      sequence;     /* the highest that anybody knows */
    uint64_t      moved;        /* sessions that were told to come back */
    uint64_t      cut;          /* that lost their connection otherwise */
    uint64_t      away;         /* ms: the longest that one was */
    uint64_t      missed;       /* messages, by all sessions */
    uint64_t      doubled;
    uint64_t      resets;       /* sessions that were told to start over */
    char          why[256];     /* a session cannot come back, the latest */
} watch_t;


/* opens n sessions; -1: why tells.  To be closed in any case */
CHAT_MUST_CHECK int watch_open(watch_t *w, size_t n);

/* does what there is to do for so many ms */
void watch_run(watch_t *w, uint64_t ms);

/* nothing new is said, and everybody is given ms to hear it all; what was not
   heard then is missed */
void watch_end(watch_t *w, uint64_t ms);

/* deletes the conversation, too; -1: it is left, who was there cannot come
   back */
CHAT_MUST_CHECK int watch_close(watch_t *w);


/* requests, by their ids */

enum {
    ID_CREATE  = 1,
    ID_JOIN    = 2,
    ID_DELETE  = 3,
    ID_MESSAGE = 100            /* and its number */
};


/* asks for what came after what the session has */
void watch_join(watch_t *w, watcher_t *s);

/* reload_hear.c: a text that came for a session */
void watch_take(watch_t *w, watcher_t *s, chat_str_t text);


#endif /* RELOAD_WATCH_H */
