/* What every unit test begins with. */

#ifndef CHAT_TEST_H
#define CHAT_TEST_H


#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chat_rc.h"


#define chat_test_count(array)  (sizeof(array) / sizeof((array)[0]))


static inline chat_str_t
chat_test_str(const char *text)
{
    chat_str_t  s;

    s.data = (const uint8_t *) text;
    s.len = strlen(text);

    return s;
}


/*
 * A copy in memory of exactly its size, so that the address sanitizer sees a
 * parser that reads one byte too many.  To be freed with free().
 */

static inline uint8_t *
chat_test_copy(const void *data, size_t len)
{
    uint8_t  *p;

    p = malloc(len != 0 ? len : 1);
    assert_non_null(p);

    if (len != 0) {
        memcpy(p, data, len);
    }

    return p;
}


/* fails with the name of the case that a table is at */

#define chat_test_case(name, condition)                                       \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fail_msg("%s: %s", (name), #condition);                           \
        }                                                                     \
    } while (0)


#endif /* CHAT_TEST_H */
