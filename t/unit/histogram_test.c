/*
 * The histogram of bench/: every duration is in a bucket that is hardly longer
 * than itself, and buckets follow one another without a gap.
 */

#include "../../bench/lib/histogram.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>


static void
a_bucket_is_no_wider_than_a_128th(void **state)
{
    unsigned  bucket;
    uint64_t  us, upper;

    (void) state;

    for (us = 0; us <= UINT32_MAX; us += 1 + us / 1000) {
        bucket = histogram_bucket(us);
        upper = histogram_upper(bucket);

        assert_true(bucket < HISTOGRAM_BUCKETS);
        assert_true(upper >= us);
        assert_true(upper - us <= us / 128);
    }
}


static void
buckets_follow_one_another(void **state)
{
    unsigned  bucket;

    (void) state;

    for (bucket = 0; bucket + 1 < HISTOGRAM_BUCKETS; bucket++) {
        assert_int_equal(histogram_bucket(histogram_upper(bucket)), bucket);
        assert_int_equal(histogram_bucket(histogram_upper(bucket) + 1),
                         bucket + 1);
    }
}


static void
what_is_too_long_counts_as_the_longest(void **state)
{
    (void) state;

    assert_int_equal(histogram_bucket(UINT32_MAX), HISTOGRAM_BUCKETS - 1);
    assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_bucket_is_no_wider_than_a_128th),
        cmocka_unit_test(buckets_follow_one_another),
        cmocka_unit_test(what_is_too_long_counts_as_the_longest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
