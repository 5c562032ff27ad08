/*
 * What chat-jwks counts; written by its loop, read by the thread of status.c.
 */

#ifndef METRICS_H
#define METRICS_H


#include "metric.h"


/* what came of a fetch */

typedef enum {
    METRICS_NONE,               /* there was none yet */
    METRICS_SAME,
    METRICS_NEW,
    METRICS_NO_ANSWER,
    METRICS_NO_KEYS,
    METRICS_NOT_WRITTEN,
    METRICS_FATES
} metrics_fate_e;


typedef struct {
    metric_t            fetches[METRICS_FATES];
    metric_histogram_t  fetch;
    metric_t            last;           /* metrics_fate_e */
    metric_t            good_at;        /* us since 1970, of the last good */
    metric_t            keys;
    metric_t            asked;
} metrics_t;


void metrics_fetched(metrics_t *m, metrics_fate_e fate, uint64_t us);

/* for status.c; data is a metrics_t */
void metrics_write(mem_buf_t *out, const void *data);
bool metrics_ready(mem_buf_t *out, const void *data);


#endif /* METRICS_H */
