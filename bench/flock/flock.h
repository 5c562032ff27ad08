/*
 * flock: many clients, each in several conversations, that move to another
 * node when theirs dies.
 */

#ifndef FLOCK_H
#define FLOCK_H


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chat_json.h"
#include "wire.h"


#define FLOCK_MAX_EACH  200     /* conversations of a member: one batch */


/* what all members have seen */

typedef struct {
    uint64_t   events;          /* message.created, live or in a join */
    uint64_t   resumed;         /*   in a join */
    uint64_t   missed;          /* numbers that were passed over */
    uint64_t   doubled;
    uint64_t   resets;
    uint64_t   refused;         /* joins that are to be repeated */
    uint64_t   joins;           /* requests */
    uint64_t   cut;             /* connections that were not closed properly */
    unsigned   joined;          /* members with nothing left to join */
    unsigned   lost;            /* connections, since "away" */
    uint64_t   lost_first;      /* us */
    uint64_t   lost_last;
} tally_t;


typedef struct {
    unsigned   conversation;    /* its number */
    bool       live;
    bool       known;           /* the two below mean something */
    uint64_t   revision;        /* as far as the member has got */
    uint64_t   sequence;
} place_t;


typedef struct {
    wire_t     wire;
    char      *token;
    place_t   *places;
    unsigned   live;            /* places that are */
    bool       joined;          /* all were, on this connection */
    uint64_t   due;             /* us: to connect or join; 0: neither */
    uint64_t   lost_at;         /* 0: not since "away" */
    uint64_t   back_at;         /* when it had joined all again */
} member_t;


/* flock.c */

extern tally_t  tally;

unsigned flock_each(void);                      /* places of a member */
unsigned flock_place(unsigned member, unsigned i);  /* a conversation */
const char *flock_name(unsigned conversation);
bool flock_number(chat_str_t name, unsigned *conversation);

/* a member has something to do then (us), see member_step() */
void flock_wait(member_t *m, uint64_t at);

/* us until it may be tried again */
uint64_t flock_pause(void);


/* member.c */

void member_init(member_t *m, const char *token, unsigned number);

/* connects; or joins, if it is connected */
void member_step(member_t *m, int epoll_fd, unsigned port);


#endif /* FLOCK_H */
