#include "crowd.h"

#include <inttypes.h>
#include <stdio.h>


#define STEPS  32


void
delays_add(delays_t *d, uint64_t us)
{
    unsigned  power = 0, i;

    while ((us >> power) >= 2 * STEPS) {
        power++;
    }

    i = power * STEPS + (unsigned) (us >> power);

    d->count[i < DELAYS_BUCKETS ? i : DELAYS_BUCKETS - 1]++;
}


void
delays_print(const delays_t *d, const char *name)
{
    unsigned     i;
    const char  *comma = "";

    printf(" %s=", name);

    for (i = 0; i < DELAYS_BUCKETS; i++) {
        if (d->count[i] != 0) {
            printf("%s%u:%" PRIu64, comma, i, d->count[i]);
            comma = ",";
        }
    }
}
