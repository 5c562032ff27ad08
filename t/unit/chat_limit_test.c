#include "chat_test.h"

#include "chat_limit.h"


#define SECOND  1000000ull
#define NOW     (5000 * SECOND)


/* ten a second, three at once */

static chat_limit_t
ten(void)
{
    chat_limit_t  limit;

    assert_int_equal(chat_limit_set(&limit, 10, SECOND, 3), CHAT_OK);

    return limit;
}


static void
limits_are_set_or_refused(void **state)
{
    size_t        i;
    chat_limit_t  limit;

    static const struct {
        const char  *name;
        uint64_t     tokens, period, burst;
        chat_rc_e    rc;
    } cases[] = {
        { "one a second", 1, SECOND, 1, CHAT_OK },
        { "one a minute", 1, 60 * SECOND, 1, CHAT_OK },
        { "as many as there can be", 1000000, SECOND, 1000000, CHAT_OK },
        { "none", 0, SECOND, 1, CHAT_ERROR },
        { "no burst", 1, SECOND, 0, CHAT_ERROR },
        { "no time", 1, 0, 1, CHAT_ERROR },
        { "too many", 1000001, 60 * SECOND, 1, CHAT_ERROR },
        { "too large a burst", 1, SECOND, 1000001, CHAT_ERROR },
        { "more than microseconds", 1000, 999, 1, CHAT_ERROR },
        { "too long a time", 1, UINT64_MAX, 1000000, CHAT_ERROR },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        chat_test_case(cases[i].name,
                       chat_limit_set(&limit, cases[i].tokens,
                                      cases[i].period, cases[i].burst)
                       == cases[i].rc);
    }
}


static void
burst_is_taken_at_once_and_grows_again(void **state)
{
    int           i;
    uint64_t      full, wait;
    chat_limit_t  limit = ten();

    (void) state;

    full = 0;

    for (i = 0; i < 3; i++) {
        assert_int_equal(chat_limit_take(&limit, &full, NOW, 1, &wait),
                         CHAT_OK);
    }

    assert_int_equal(chat_limit_take(&limit, &full, NOW, 1, &wait),
                     CHAT_DECLINED);
    assert_int_equal(wait, SECOND / 10);

    /* one who is refused pays nothing */

    assert_int_equal(chat_limit_take(&limit, &full, NOW + wait - 1, 1, &wait),
                     CHAT_DECLINED);
    assert_int_equal(wait, 1);
    assert_int_equal(chat_limit_take(&limit, &full, NOW + SECOND / 10, 1,
                                     &wait), CHAT_OK);
    assert_int_equal(chat_limit_take(&limit, &full, NOW + SECOND / 10, 1,
                                     &wait), CHAT_DECLINED);
}


static void
no_more_than_the_burst_is_saved(void **state)
{
    int           i;
    uint64_t      full, wait;
    chat_limit_t  limit = ten();

    (void) state;

    full = NOW;

    for (i = 0; i < 3; i++) {
        assert_int_equal(chat_limit_take(&limit, &full, NOW + 1000 * SECOND, 1,
                                         &wait), CHAT_OK);
    }

    assert_int_equal(chat_limit_take(&limit, &full, NOW + 1000 * SECOND, 1,
                                     &wait), CHAT_DECLINED);
}


static void
rate_is_kept_over_a_long_time(void **state)
{
    int           i, taken;
    uint64_t      full, wait;
    chat_limit_t  limit = ten();

    (void) state;

    full = 0;
    taken = 0;

    for (i = 0; i < 100 * 100; i++) {   /* 100 seconds, each 10 ms */
        if (chat_limit_take(&limit, &full, NOW + i * SECOND / 100, 1, &wait)
            == CHAT_OK)
        {
            taken++;
        }
    }

    assert_in_range(taken, 1000, 1003);
}


static void
several_are_taken_together_or_not_at_all(void **state)
{
    uint64_t      full, wait;
    chat_limit_t  limit = ten();

    (void) state;

    full = 0;

    assert_int_equal(chat_limit_take(&limit, &full, NOW, 2, &wait), CHAT_OK);
    assert_int_equal(chat_limit_take(&limit, &full, NOW, 2, &wait),
                     CHAT_DECLINED);
    assert_int_equal(wait, SECOND / 10);
    assert_int_equal(chat_limit_take(&limit, &full, NOW, 1, &wait), CHAT_OK);

    /* what is more than there can be takes all there can be */

    assert_int_equal(chat_limit_take(&limit, &full, NOW + SECOND, UINT64_MAX,
                                     &wait), CHAT_OK);
    assert_int_equal(chat_limit_take(&limit, &full, NOW + SECOND, 1, &wait),
                     CHAT_DECLINED);
    assert_int_equal(chat_limit_take(&limit, &full, NOW + SECOND, 0, &wait),
                     CHAT_OK);
}


static void
clock_that_goes_back_costs_a_burst_at_most(void **state)
{
    uint64_t      full, wait;
    chat_limit_t  limit = ten();

    (void) state;

    full = UINT64_MAX;

    assert_int_equal(chat_limit_take(&limit, &full, NOW, 1, &wait),
                     CHAT_DECLINED);
    assert_int_equal(wait, SECOND / 10);

    /* nothing is kept of it: the bucket is full when its burst has grown */

    full = NOW + SECOND;

    assert_int_equal(chat_limit_take(&limit, &full, NOW - SECOND, 1, &wait),
                     CHAT_DECLINED);
    assert_int_equal(chat_limit_take(&limit, &full, NOW + SECOND, 3, &wait),
                     CHAT_OK);
}


static void
bucket_outlives_a_change_of_its_limit(void **state)
{
    uint64_t      full, wait;
    chat_limit_t  limit = ten(), less;

    (void) state;

    assert_int_equal(chat_limit_set(&less, 1, SECOND, 1), CHAT_OK);

    full = 0;

    assert_int_equal(chat_limit_take(&limit, &full, NOW, 3, &wait), CHAT_OK);
    assert_int_equal(chat_limit_take(&less, &full, NOW, 1, &wait),
                     CHAT_DECLINED);
    assert_in_range(wait, 1, SECOND);
    assert_int_equal(chat_limit_take(&less, &full, NOW + wait, 1, &wait),
                     CHAT_OK);
}


static void
no_limit_takes_nothing(void **state)
{
    uint64_t      full, wait;
    chat_limit_t  limit = { 0, 0 };

    (void) state;

    full = 7;

    assert_int_equal(chat_limit_take(&limit, &full, NOW, 1000, &wait),
                     CHAT_OK);
    assert_int_equal(full, 7);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(limits_are_set_or_refused),
        cmocka_unit_test(burst_is_taken_at_once_and_grows_again),
        cmocka_unit_test(no_more_than_the_burst_is_saved),
        cmocka_unit_test(rate_is_kept_over_a_long_time),
        cmocka_unit_test(several_are_taken_together_or_not_at_all),
        cmocka_unit_test(clock_that_goes_back_costs_a_burst_at_most),
        cmocka_unit_test(bucket_outlives_a_change_of_its_limit),
        cmocka_unit_test(no_limit_takes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
