/*
 * What chat-persist counts.  The loop alone writes, but for what watch.c finds
 * out; the thread of status.c reads.
 */

#ifndef METRICS_H
#define METRICS_H


#include "chat_id.h"
#include "metric.h"


#define METRICS_ENTRY_KINDS  10         /* of entry_kind_e */
#define METRICS_NEED_KINDS   7          /* of need_kind_e */
#define METRICS_STATES       4          /* of part_state_e */
#define METRICS_STORE_FATES  6          /* of store_rc_e */


/* why a need was not answered */

typedef enum {
    METRICS_NEED_MALFORMED,
    METRICS_NEED_TOO_MANY,
    METRICS_NEED_LATE,
    METRICS_NEED_FAILED,
    METRICS_NEED_DROPS
} metrics_need_e;


/* what was found when a partition was opened */

typedef enum {
    METRICS_OPEN_UNCHANGED,
    METRICS_OPEN_NEW,
    METRICS_OPEN_COMPLETE,
    METRICS_OPEN_LOST,
    METRICS_OPENS
} metrics_open_e;


typedef struct {
    metric_t            postgres_up;
    metric_t            redis_up;
    metric_t            postgres_lost;
    metric_t            redis_lost;

    metric_t            partitions;     /* that there are; 0: not known yet */
    metric_t            share;          /* that should be ours */
    metric_t            states[METRICS_STATES];
    metric_t            opened[METRICS_OPENS];
    metric_t            leases_lost;
    metric_t            renewed_at;     /* life_now() of the last renewal */

    metric_t            stored[METRICS_ENTRY_KINDS];
    metric_t            failed[METRICS_STORE_FATES];
    metric_t            dead_letters;
    metric_t            letters_kept;   /* in the table, up to a thousand */
    metric_histogram_t  batch;
    metric_histogram_t  commit;

    metric_t            needs_waiting;
    metric_t            answered[METRICS_NEED_KINDS];
    metric_t            dropped[METRICS_NEED_DROPS];
    metric_histogram_t  answer;

    metric_t            idle_dropped;

    /* watch.c's; of all partitions, whoever holds them */

    metric_t            watched;        /* they are known */
    metric_t            log_entries[CHAT_ID_MAX_PARTITIONS];
    metric_t            log_since[CHAT_ID_MAX_PARTITIONS];
                                        /* life_now() when the oldest came, 0:
                                           there is none */
    metric_t            marks;
    metric_t            redis_used;     /* bytes */
    metric_t            redis_max;      /*   0: no limit */
} metrics_t;


struct persist_s;


/* what is so now; at the end of a turn, and before a wait */
void metrics_turn(struct persist_s *p);

/* for status.c; data is a metrics_t */
void metrics_write(mem_buf_t *out, const void *data);
bool metrics_ready(mem_buf_t *out, const void *data);


#endif /* METRICS_H */
