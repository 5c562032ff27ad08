/*
 * load: many sessions that send messages at a given rate, and what becomes of
 * them.  It is a client for measurements: it believes what it reads as far as
 * it can without parsing JSON, and gives up where a client would reconnect.
 */

#ifndef LOAD_H
#define LOAD_H


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"
#include "wire.h"


#define SESSION_WINDOW  32      /* requests without a reply; a power of two */
#define MESSAGE_SIZE    200     /* bytes of a message's JSON, if not told */
#define MESSAGE_MAX     60000


/* times are us of wire_now() */

typedef struct {
    uint64_t     sent;
    uint64_t     replies;       /* good ones */
    uint64_t     refused;
    uint64_t     events;        /* message.created */
    uint64_t     typing;        /* typing.started, and .stopped */
    uint64_t     bytes;         /* of their texts */
    uint64_t     missing;       /* by their sequence numbers */
    uint64_t     doubled;       /* or out of order */
    uint64_t     began;         /* 0: nothing was sent */
    uint64_t     last;          /* of the last reply or event */
    histogram_t  reply;         /* from when it was due to the reply */
    histogram_t  receive;       /* to each session that got it */
} tally_t;


typedef struct {
    wire_t     wire;
    bool       joined;
    bool       listens;         /* to somebody who knows no requests */
    unsigned   number;
    char       conversation[65];
    uint64_t   sent;            /* requests; the id of the next one */
    uint64_t   open;            /* of them without a reply */
    uint64_t   due[SESSION_WINDOW];     /* us; by id */
    uint64_t   sequence;        /* of the last event */
} session_t;


/* load.c */

extern tally_t  tally;
extern size_t   message_size;
extern bool     types;          /* what is sent are no messages */


/* session.c */

/* connects, and sends the handshake; no conversation: it only listens */
void session_open(session_t *s, int epoll_fd, unsigned number, unsigned port,
    const char *conversation, const char *token);

/* what was due at that time; false: too many are unanswered */
bool session_send(session_t *s, uint64_t due);


#endif /* LOAD_H */
