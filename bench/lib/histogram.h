/*
 * How often each duration was seen, in buckets that are never wider than a
 * 128th of what they hold: as fine as a percentile needs, and of one size
 * whatever is measured.  After the idea of HdrHistogram (hdrhistogram.org).
 */

#ifndef HISTOGRAM_H
#define HISTOGRAM_H


#include <stdint.h>


#define HISTOGRAM_SHIFTS   24           /* up to 2^32 us, a bit over an hour */
#define HISTOGRAM_BUCKETS  ((HISTOGRAM_SHIFTS + 2) * 128)


typedef struct {
    uint64_t  counts[HISTOGRAM_BUCKETS];
} histogram_t;


/* what is longer counts as the longest there is */
void histogram_add(histogram_t *h, uint64_t us);

/* the bucket of a duration, and the longest one that it holds */
unsigned histogram_bucket(uint64_t us);
uint64_t histogram_upper(unsigned bucket);

/* " NAME=US:COUNT,US:COUNT", where us is the longest that a bucket holds */
void histogram_print(const histogram_t *h, const char *name);


#endif /* HISTOGRAM_H */
