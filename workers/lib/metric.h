/*
 * What a program counts, as Prometheus reads it (text format 0.0.4).
 *
 * One thread counts and another one reads, without locks: each number is right
 * by itself at any moment, two of them need not be of the same one.
 */

#ifndef METRIC_H
#define METRIC_H


#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"


#define METRIC_BUCKETS  14


typedef _Atomic uint64_t  metric_t;


/* how often up to each bound, the rest comes last */

typedef struct {
    metric_t  buckets[METRIC_BUCKETS + 1];
    metric_t  sum;
} metric_histogram_t;


typedef enum {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_SECONDS,         /* histogram of microseconds */
    METRIC_NUMBERS          /* histogram of powers of two */
} metric_type_e;


/* those of one name differ in their label and stand together */

typedef struct {
    const char     *name;
    const char     *label;      /* "" or name="value" */
    const char     *help;       /* NULL: as the one before */
    metric_type_e   type;
    size_t          offset;     /* of the number or histogram in a struct */
} metric_row_t;


static inline void
metric_add(metric_t *m, uint64_t n)
{
    (void) atomic_fetch_add_explicit(m, n, memory_order_relaxed);
}


static inline void
metric_set(metric_t *m, uint64_t n)
{
    atomic_store_explicit(m, n, memory_order_relaxed);
}


static inline uint64_t
metric_get(const metric_t *m)
{
    return atomic_load_explicit(m, memory_order_relaxed);
}


void metric_seconds(metric_histogram_t *h, uint64_t us);
void metric_number(metric_histogram_t *h, uint64_t n);


/* all rows, of the struct at base */
void metric_write(mem_buf_t *out, const metric_row_t *rows, size_t n,
    const void *base);

/* one by one; type as the format calls it */
void metric_write_head(mem_buf_t *out, const char *name, const char *help,
    const char *type);
void metric_write_uint(mem_buf_t *out, const char *name, const char *label,
    uint64_t n);
void metric_write_us(mem_buf_t *out, const char *name, const char *label,
    uint64_t us);


#endif /* METRIC_H */
