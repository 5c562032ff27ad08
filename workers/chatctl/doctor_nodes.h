/*
 * What nodes report.
 */

#ifndef DOCTOR_NODES_H
#define DOCTOR_NODES_H


#include "doctor.h"

#include <string.h>


typedef enum {
    ROOM_OK,
    ROOM_STALE,
    ROOM_OPENING
} room_state_e;


typedef struct {
    char       id[CHAT_ID_LEN + 1];
    uint64_t   sessions;
    uint64_t   rooms;
    uint64_t   gaps;            /* that it has repaired */
    bool       unsure;          /* of what is revoked */
    uint64_t   pid;
    char       host[65];        /* "": it does not tell, nor what follows */
    uint64_t   master;          /* process id */
    bool       leaves;
    uint64_t   lost;            /* by canaries of all nodes of that nginx */
    uint64_t   doubled;         /*   likewise */
    uint64_t   repaired;        /* gaps, by all nodes of that nginx */
    uint64_t   parts;           /* of its report */
    uint64_t   got;             /*   that came */
} node_t;


typedef struct {
    char           base[CHAT_NAME_MAX_BASE + 1];
    const char    *node_id;     /* sorted by these two */
    size_t         node;
    unsigned       partition;
    bool           placed;      /* that is where its name belongs */
    uint64_t       revision;
    uint64_t       live;        /* joins */
    room_state_e   state;
} room_t;


typedef struct {
    uint64_t   asked;           /* nodes that listen */
    node_t    *nodes;
    size_t     nnodes;
    room_t    *rooms;
    size_t     nrooms;
    size_t     size;            /* of rooms */
} report_t;


/* asks all nodes, waits until all have told everything, or no more comes; -1:
   told */
CHAT_MUST_CHECK int report_read(doctor_t *d, report_t *report);
void report_done(report_t *report);


/* as strcmp() */

static inline int
report_order(const room_t *a, const room_t *b)
{
    int  order = strcmp(a->base, b->base);

    return order != 0 ? order : strcmp(a->node_id, b->node_id);
}


#endif /* DOCTOR_NODES_H */
