#include "histogram.h"

#include <inttypes.h>
#include <stdio.h>


/*
 * The buckets: 0 to 255 have one each; then 128 for each doubling, so that
 * bucket 128 * shift + n holds what is n (128 to 255) after so many shifts.
 */

unsigned
histogram_bucket(uint64_t us)
{
    unsigned  shift = 0;

    if (us > UINT32_MAX) {
        us = UINT32_MAX;
    }

    if (us > 255) {
        shift = 56 - (unsigned) __builtin_clzll(us);
    }

    return 128 * shift + (unsigned) (us >> shift);
}


uint64_t
histogram_upper(unsigned bucket)
{
    unsigned  shift = bucket < 256 ? 0 : bucket / 128 - 1;

    return ((uint64_t) (bucket - 128 * shift + 1) << shift) - 1;
}


void
histogram_add(histogram_t *h, uint64_t us)
{
    h->counts[histogram_bucket(us)]++;
}


void
histogram_print(const histogram_t *h, const char *name)
{
    unsigned     i;
    const char  *comma = "";

    printf(" %s=", name);

    for (i = 0; i < HISTOGRAM_BUCKETS; i++) {

        if (h->counts[i] == 0) {
            continue;
        }

        printf("%s%" PRIu64 ":%" PRIu64, comma, histogram_upper(i),
               h->counts[i]);
        comma = ",";
    }
}
