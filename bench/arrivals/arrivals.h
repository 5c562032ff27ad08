/*
 * arrivals: users that come and go, and others that watch them.
 */

#ifndef ARRIVALS_H
#define ARRIVALS_H


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"


typedef struct {
    wire_t       wire;
    char        *token;
    char        *contacts;      /* to subscribe to while it comes, or NULL:
                                   names in JSON, with commas between */
    const char  *room;          /* to join while it comes, or NULL */
    unsigned     replies;       /* to come until it is there */
    bool         online;        /* is seen to be there */
    bool         there;
    bool         refused;       /* was not told of its contacts */
    uint64_t     asked_at;      /* us: about its contacts; 0: it was not */
    uint64_t     told_at;       /* us: of its contacts */
    uint64_t     moved_at;      /* us: was there, or had left */
    uint64_t     seen_at;       /* us: somebody was told */
} user_t;


typedef struct {
    wire_t     wire;
    unsigned   first;           /* of those that it watches */
    unsigned   count;
    bool       knows;           /* has been told of all */
} watcher_t;


/* arrivals.c */

/* one more user is let in */
void arrivals_there(void);

/* somebody is told of a user */
void arrivals_told(unsigned number, bool online);


/* user.c */

extern uint64_t  user_texts;    /* that users got */
extern uint64_t  user_bytes;

void user_init(user_t *u, const char *token);
void user_contacts(user_t *u, const char *numbers);
void user_come(user_t *u, int epoll_fd, unsigned port, const char *room);
void user_go(user_t *u);


/* watcher.c */

void watcher_init(watcher_t *w, unsigned first, unsigned count);


#endif /* ARRIVALS_H */
