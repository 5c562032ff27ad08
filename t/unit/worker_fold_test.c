/*
 * Numbers for names.  The files are compiled in, so that the sanitizers see
 * them too.
 */

#define _GNU_SOURCE

#include "chat_test.h"

#include <stdio.h>

#include "../../workers/lib/life.c"
#include "../../workers/lib/log.c"
#include "../../workers/lib/mem.c"
#include "../../workers/persist/fold.c"


#define MANY  5000


static void
a_name_keeps_its_number(void **state)
{
    size_t       i;
    fold_t       f = { 0 };
    static char  names[MANY][16];

    (void) state;

    for (i = 0; i < MANY; i++) {
        (void) snprintf(names[i], sizeof(names[i]), "name %zu", i);
        assert_int_equal(fold_number(&f, mem_cstr(names[i]), chat_str("")), i);
    }

    assert_int_equal(f.n, MANY);

    for (i = 0; i < MANY; i++) {
        assert_int_equal(fold_number(&f, mem_cstr(names[i]), chat_str("")), i);
    }

    assert_int_equal(f.n, MANY);
    fold_done(&f);
    assert_int_equal(f.n, 0);
}


static void
both_parts_of_a_name_count(void **state)
{
    fold_t  f = { 0 };

    (void) state;

    assert_int_equal(fold_number(&f, chat_str("a"), chat_str("bc")), 0);
    assert_int_equal(fold_number(&f, chat_str("ab"), chat_str("c")), 1);
    assert_int_equal(fold_number(&f, chat_str("abc"), chat_str("")), 2);
    assert_int_equal(fold_number(&f, chat_str(""), chat_str("abc")), 3);
    assert_int_equal(fold_number(&f, chat_str(""), chat_str("")), 4);
    assert_int_equal(fold_number(&f, chat_str("ab"), chat_str("c")), 1);

    fold_done(&f);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_name_keeps_its_number),
        cmocka_unit_test(both_parts_of_a_name_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
