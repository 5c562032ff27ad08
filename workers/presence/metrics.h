/*
 * What chat-presence counts.  The loop writes; the thread of status.c reads.
 */

#ifndef METRICS_H
#define METRICS_H


#include "metric.h"


/* the states that others are told, as look.c gets them */

typedef enum {
    METRICS_ONLINE,
    METRICS_AWAY,
    METRICS_BUSY,
    METRICS_OFFLINE,
    METRICS_STATES
} metrics_state_e;


typedef struct {
    metric_t            postgres_up;
    metric_t            redis_up;
    metric_t            postgres_lost;
    metric_t            redis_lost;

    metric_t            partitions;     /* that there are; 0: not known yet */
    metric_t            share;          /* that should be ours */
    metric_t            held;
    metric_t            holders;
    metric_t            held_lost;

    metric_t            told[METRICS_STATES];
    metric_t            lag;            /* us, the most of any partition */
    metric_t            nodes;          /*   the same */
    metric_t            users;
    metric_t            seen;
    metric_t            unstored;

    metric_t            loaded;
    metric_t            load_failed;
    metric_t            stored;
    metric_t            store_failed;
    metric_t            store_refused;
    metric_t            nodes_ended;
    metric_t            users_taken;
    metric_t            forgotten;
    metric_t            unread;
    metric_t            counts;         /* of conversations, */
    metric_t            counted;        /*   and their members */
    metric_t            counts_wait;

    metric_histogram_t  tick;
} metrics_t;


struct presence_s;


/* what is so now */
void metrics_turn(struct presence_s *p);

/* for status.c; data is a metrics_t */
void metrics_write(mem_buf_t *out, const void *data);
bool metrics_ready(mem_buf_t *out, const void *data);


#endif /* METRICS_H */
