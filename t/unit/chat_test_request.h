/* What the tests of requests share: one parsed, tables of good and bad ones. */

#ifndef CHAT_TEST_REQUEST_H
#define CHAT_TEST_REQUEST_H


#include "chat_test.h"

#include "chat_request.h"


#define X64     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"                            \
                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X128    X64 X64
#define UUID    "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


/* the copy must be freed by free(), the request's slices point into it */

static inline chat_rc_e
chat_test_parse(chat_request_t *rq, const char *text, size_t len,
    chat_request_error_t *e, uint8_t **copy)
{
    *copy = chat_test_copy(text, len);

    e->code = CHAT_CODE_INTERNAL;
    e->message = NULL;

    return chat_request_parse(rq, (chat_str_t) { *copy, len }, e);
}


/* {"type":...,"id":1,"data":...} as a string; to be freed by free() */

static inline char *
chat_test_request_text(const char *type, const char *data)
{
    char    *text;
    size_t   size;

    size = strlen(type) + strlen(data) + sizeof("{\"type\":\"\",\"id\":1,"
                                                "\"data\":}");

    text = malloc(size);
    assert_non_null(text);

    assert_int_equal(snprintf(text, size, "{\"type\":\"%s\",\"id\":1,"
                                          "\"data\":%s}", type, data),
                     size - 1);

    return text;
}


static inline chat_rc_e
chat_test_request(chat_request_t *rq, const char *type, const char *data,
    chat_request_error_t *e, uint8_t **copy)
{
    char       *text;
    chat_rc_e   rc;

    text = chat_test_request_text(type, data);
    rc = chat_test_parse(rq, text, strlen(text), e, copy);

    free(text);

    return rc;
}


static inline bool
chat_test_slice_is(chat_str_t s, const char *text)
{
    return s.len == strlen(text)
           && (s.len == 0 || memcmp(s.data, text, s.len) == 0);
}


static inline bool
chat_test_id_is(const chat_request_id_t *id, const char *text)
{
    return chat_test_slice_is((chat_str_t) { id->data, id->len }, text);
}


typedef struct {
    const char  *type;
    const char  *data;
    const char  *names;         /* if refused: a word that the reason must have,
                                   so that people find the place */
} chat_test_request_t;


/* each is good, and none of its beginnings is a request */

static inline void
chat_test_accepted(const chat_test_request_t *cases, size_t n)
{
    char                  *text;
    size_t                 i, len;
    uint8_t               *copy;
    chat_request_t         rq;
    chat_request_error_t   e;

    for (i = 0; i < n; i++) {
        text = chat_test_request_text(cases[i].type, cases[i].data);

        if (chat_test_parse(&rq, text, strlen(text), &e, &copy) != CHAT_OK) {
            fail_msg("%s: %s", text, e.message);
        }

        chat_test_case(text, strcmp(chat_request_type_name(rq.type),
                                    cases[i].type) == 0);
        chat_test_case(text, chat_test_slice_is(rq.id, "1"));

        free(copy);

        for (len = 0; len < strlen(text); len++) {
            chat_test_case(text, chat_test_parse(&rq, text, len, &e, &copy)
                                 == CHAT_ERROR);
            chat_test_case(text, e.code == CHAT_CODE_BAD_REQUEST);
            chat_test_case(text, e.message != NULL);
            chat_test_case(text, chat_test_slice_is(rq.id, "null"));

            free(copy);
        }

        free(text);
    }
}


static inline void
chat_test_refused(const chat_test_request_t *cases, size_t n)
{
    char                  *text;
    size_t                 i;
    uint8_t               *copy;
    chat_request_t         rq;
    chat_request_error_t   e;

    for (i = 0; i < n; i++) {
        text = chat_test_request_text(cases[i].type, cases[i].data);

        chat_test_case(text, chat_test_parse(&rq, text, strlen(text), &e,
                                             &copy)
                             == CHAT_ERROR);
        chat_test_case(text, e.code == CHAT_CODE_BAD_REQUEST);

        if (e.message == NULL || strstr(e.message, cases[i].names) == NULL) {
            fail_msg("%s: told \"%s\"", text, e.message);
        }

        /* whom to answer is still known */

        chat_test_case(text, chat_test_slice_is(rq.id, "1"));

        free(copy);
        free(text);
    }
}


#endif /* CHAT_TEST_REQUEST_H */
