/* What the tests of events share. */

#ifndef CHAT_TEST_EVENT_H
#define CHAT_TEST_EVENT_H


#include "chat_test.h"

#include "chat_event.h"


/* what a function writes, found by measuring first; to be freed */

typedef void (*chat_test_build_pt)(chat_writer_t *w);


static inline char *
chat_test_built(chat_test_build_pt build)
{
    char           *text;
    size_t          len, size;
    const char     *reason;
    chat_json_t     value;
    chat_writer_t   w;

    chat_writer_init(&w, NULL, 0);
    build(&w);
    len = w.len;

    /* at every size that is too small it stops in time and says so */

    for (size = 0; size < len; size++) {
        text = (char *) chat_test_copy("", 0);
        text = realloc(text, size != 0 ? size : 1);
        assert_non_null(text);

        chat_writer_init(&w, (uint8_t *) text, size);
        build(&w);
        assert_true(w.full);
        assert_int_equal(w.len, len);

        free(text);
    }

    text = calloc(1, len + 1);
    assert_non_null(text);

    chat_writer_init(&w, (uint8_t *) text, len);
    build(&w);
    assert_false(w.full);
    assert_int_equal(w.len, len);
    assert_ptr_equal(w.pos, text + len);

    if (text[len - 1] == '}') {
        assert_int_equal(chat_json_parse(chat_test_str(text), 64, &value,
                                         &reason),
                         CHAT_OK);
    }

    return text;
}


#endif /* CHAT_TEST_EVENT_H */
