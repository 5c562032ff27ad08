/*
 * Sessions of users, each in one conversation, and what has become of them.
 */

#ifndef CROWD_H
#define CROWD_H


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"
#include "wire.h"


#define CROWD_NAME  64          /* of a conversation */


typedef struct {
    wire_t     wire;
    bool       joined;
    uint64_t   sequence;            /* of the last message that came */
    unsigned   pings;               /* that were there when last asked */
    char       conversation[CROWD_NAME + 1];
} member_t;


typedef struct {
    size_t     joined;
    uint64_t   sent;
    uint64_t   accepted;
    uint64_t   refused;
    uint64_t   events;              /* messages that came to members */
    uint64_t   missed;              /* numbers that were left out */
    uint64_t   doubled;             /* that came again, or too late */
    histogram_t  replies;           /* from the time that a message was due */
    histogram_t  deliveries;        /* the same, for each event */
} crowd_tally_t;

extern crowd_tally_t  tally;


/* connects; joins when that is done */
void member_open(member_t *m, int epoll_fd, unsigned port,
    const char *conversation, const char *token);

/* a message that was due then (us) */
void member_send(member_t *m, uint64_t due);


#endif /* CROWD_H */
