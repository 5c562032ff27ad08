#include "histogram.h"

#include <inttypes.h>
#include <stdio.h>


/*
 * The buckets: 0 to 255 have one each; then 128 for each doubling, so that
 * bucket 128 * shift + n holds what is n (128 to 255) after so many shifts.
 */

void
histogram_add(histogram_t *h, uint64_t us)
{
    unsigned  shift = 0;

    if (us > UINT32_MAX) {
        us = UINT32_MAX;
    }

    if (us > 255) {
        shift = 56 - (unsigned) __builtin_clzll(us);
    }

    h->counts[128 * shift + (us >> shift)]++;
}


void
histogram_print(const histogram_t *h, const char *name)
{
    unsigned     i, shift;
    uint64_t     us;
    const char  *comma = "";

    printf(" %s=", name);

    for (i = 0; i < HISTOGRAM_BUCKETS; i++) {

        if (h->counts[i] == 0) {
            continue;
        }

        shift = i < 256 ? 0 : i / 128 - 1;
        us = ((uint64_t) (i - 128 * shift + 1) << shift) - 1;

        printf("%s%" PRIu64 ":%" PRIu64, comma, us, h->counts[i]);
        comma = ",";
    }
}
