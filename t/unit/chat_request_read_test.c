#include "chat_test_request.h"


#define JOIN     "{\"type\":\"conversation.join\",\"id\":1,\"data\":"
#define HISTORY  "{\"type\":\"history.get\",\"id\":1,\"data\":"


static const chat_test_request_t  accepted[] = {
    { "authenticate", "{\"token\":\"a.b.c\"}", NULL },

    { "conversation.leave", "{\"conversationId\":\"a\"}", NULL },
    { "conversation.leave", "{\"conversationId\":\"" X64 "\"}", NULL },
    { "conversation.delete", "{\"conversationId\":\"a\"}", NULL },

    { "history.get", "{\"conversationId\":\"a\"}", NULL },
    { "history.get", "{\"conversationId\":\"a\",\"beforeSequence\":0,"
      "\"limit\":1}", NULL },
    { "history.get", "{\"conversationId\":\"a\",\"afterSequence\":12,"
      "\"beforeSequence\":null,\"limit\":200}", NULL },
    { "history.get", "{\"conversationId\":\"a\","
      "\"afterSequence\":9007199254740991}", NULL },

    { "conversation.list", "{}", NULL },
    { "conversation.list", "{\"cursor\":\"!\",\"limit\":1}", NULL },
    { "conversation.list", "{\"cursor\":\"" X128 "\",\"limit\":200}", NULL },
    { "conversation.list", "{\"cursor\":null,\"limit\":null}", NULL },
    { "member.list", "{\"conversationId\":\"a\"}", NULL },
    { "member.list", "{\"conversationId\":\"a\",\"cursor\":\"~\\u002f\","
      "\"limit\":1000}", NULL },

    { "read.mark", "{\"conversationId\":\"a\",\"sequenceNumber\":0}", NULL },
    { "read.mark", "{\"conversationId\":\"a\","
      "\"sequenceNumber\":9007199254740991}", NULL },
    { "delivered.mark", "{\"conversationId\":\"a\",\"sequenceNumber\":1}",
      NULL },
};


static const chat_test_request_t  refused[] = {
    { "authenticate", "{}", "\"token\"" },
    { "authenticate", "{\"token\":null}", "\"token\"" },
    { "authenticate", "{\"token\":1}", "\"token\"" },
    { "authenticate", "{\"token\":\"a\",\"token\":\"a\"}", "twice" },

    { "conversation.leave", "{}", "\"conversationId\"" },
    { "conversation.delete", "{}", "\"conversationId\"" },
    { "history.get", "{}", "\"conversationId\"" },
    { "member.list", "{}", "\"conversationId\"" },
    { "read.mark", "{\"sequenceNumber\":1}", "\"conversationId\"" },
    { "delivered.mark", "{\"sequenceNumber\":1}", "\"conversationId\"" },
    { "conversation.leave", "{\"conversationId\":\"\"}",
      "\"conversationId\"" },
    { "conversation.leave", "{\"conversationId\":\"a/b\"}",
      "\"conversationId\"" },
    { "conversation.leave", "{\"conversationId\":\"" X64 "x\"}",
      "\"conversationId\"" },
    { "conversation.leave", "{\"conversationId\":1}", "\"conversationId\"" },
    { "conversation.leave", "{\"conversationId\":\"a b\"}",
      "\"conversationId\"" },
    { "conversation.leave", "{\"conversationId\":[\"a\"]}",
      "\"conversationId\"" },
    { "conversation.leave", "{\"conversationId\":\"a\","
      "\"conversationId\":\"a\"}", "twice" },

    { "history.get", "{\"conversationId\":\"a\",\"limit\":0}", "200" },
    { "history.get", "{\"conversationId\":\"a\",\"limit\":201}", "200" },
    { "history.get", "{\"conversationId\":\"a\",\"limit\":-1}", "200" },
    { "history.get", "{\"conversationId\":\"a\",\"limit\":1.5}", "200" },
    { "history.get", "{\"conversationId\":\"a\",\"limit\":\"5\"}", "200" },
    { "history.get", "{\"conversationId\":\"a\",\"limit\":9007199254740992}",
      "200" },
    { "conversation.list", "{\"limit\":0}", "200" },
    { "conversation.list", "{\"limit\":201}", "200" },
    { "member.list", "{\"conversationId\":\"a\",\"limit\":0}", "1000" },
    { "member.list", "{\"conversationId\":\"a\",\"limit\":1001}", "1000" },

    { "history.get", "{\"conversationId\":\"a\",\"beforeSequence\":1,"
      "\"afterSequence\":1}", "exclude" },
    { "history.get", "{\"conversationId\":\"a\",\"beforeSequence\":-1}",
      "\"beforeSequence\"" },
    { "history.get", "{\"conversationId\":\"a\","
      "\"beforeSequence\":9007199254740992}", "\"beforeSequence\"" },
    { "history.get", "{\"conversationId\":\"a\",\"afterSequence\":0.5}",
      "\"afterSequence\"" },
    { "history.get", "{\"conversationId\":\"a\","
      "\"afterSequence\":9007199254740992}", "\"afterSequence\"" },

    { "conversation.list", "{\"cursor\":\"\"}", "\"cursor\"" },
    { "conversation.list", "{\"cursor\":\"" X128 "x\"}", "\"cursor\"" },
    { "conversation.list", "{\"cursor\":\" \"}", "\"cursor\"" },
    { "conversation.list", "{\"cursor\":\"a b\"}", "\"cursor\"" },
    { "conversation.list", "{\"cursor\":\"a\\n\"}", "\"cursor\"" },
    { "conversation.list", "{\"cursor\":\"\\u007f\"}", "\"cursor\"" },
    { "conversation.list", "{\"cursor\":\"\\u00e4\"}", "\"cursor\"" },
    { "conversation.list", "{\"cursor\":\"\\u0000\"}", "\"cursor\"" },
    { "conversation.list", "{\"cursor\":7}", "\"cursor\"" },
    { "conversation.list", "{\"cursor\":[]}", "\"cursor\"" },
    { "member.list", "{\"conversationId\":\"a\",\"cursor\":\"\"}",
      "\"cursor\"" },

    { "read.mark", "{\"conversationId\":\"a\"}", "\"sequenceNumber\"" },
    { "delivered.mark", "{\"conversationId\":\"a\",\"sequenceNumber\":null}",
      "\"sequenceNumber\"" },
    { "read.mark", "{\"conversationId\":\"a\",\"sequenceNumber\":-1}",
      "\"sequenceNumber\"" },
    { "read.mark", "{\"conversationId\":\"a\",\"sequenceNumber\":1.0}",
      "\"sequenceNumber\"" },
    { "read.mark", "{\"conversationId\":\"a\",\"sequenceNumber\":1e2}",
      "\"sequenceNumber\"" },
    { "read.mark", "{\"conversationId\":\"a\","
      "\"sequenceNumber\":9007199254740992}", "\"sequenceNumber\"" },
    { "read.mark", "{\"conversationId\":\"a\",\"sequenceNumber\":\"1\"}",
      "\"sequenceNumber\"" },
    { "read.mark", "{\"conversationId\":\"a\",\"sequenceNumber\":true}",
      "\"sequenceNumber\"" },
    { "delivered.mark", "{\"conversationId\":\"a\",\"sequenceNumber\":1,"
      "\"sequenceNumber\":1}", "twice" },
};


static void
good_ones_are_accepted(void **state)
{
    (void) state;

    chat_test_accepted(accepted, chat_test_count(accepted));
}


static void
bad_ones_are_refused_with_a_reason(void **state)
{
    (void) state;

    chat_test_refused(refused, chat_test_count(refused));
}


static void
positions_and_limits_are_read(void **state)
{
    uint8_t               *copy;
    chat_request_t         rq;
    chat_request_error_t   e;

    static const char  plain[] = HISTORY "{\"conversationId\":\"a\"}}";
    static const char  before[] =
        HISTORY "{\"conversationId\":\"a\",\"beforeSequence\":12,"
        "\"limit\":200}}";
    static const char  after[] =
        HISTORY "{\"conversationId\":\"a\",\"afterSequence\":0}}";
    static const char  join[] =
        JOIN "{\"conversationId\":\"a\",\"afterRevision\":4294967308}}";

    (void) state;

    assert_int_equal(chat_test_parse(&rq, plain, sizeof(plain) - 1, &e, &copy),
                     CHAT_OK);
    assert_int_equal(rq.limit, CHAT_REQUEST_DEF_LIMIT);
    assert_false(rq.has_before_sequence);
    assert_false(rq.has_after_sequence);
    free(copy);

    assert_int_equal(chat_test_parse(&rq, before, sizeof(before) - 1, &e,
                                     &copy),
                     CHAT_OK);
    assert_int_equal(rq.limit, 200);
    assert_true(rq.has_before_sequence);
    assert_int_equal(rq.before_sequence, 12);
    assert_false(rq.has_after_sequence);
    free(copy);

    assert_int_equal(chat_test_parse(&rq, after, sizeof(after) - 1, &e, &copy),
                     CHAT_OK);
    assert_true(rq.has_after_sequence);
    assert_int_equal(rq.after_sequence, 0);
    free(copy);

    assert_int_equal(chat_test_parse(&rq, join, sizeof(join) - 1, &e, &copy),
                     CHAT_OK);
    assert_true(rq.has_after_revision);
    assert_int_equal(rq.after_revision, UINT64_C(4294967308));
    assert_int_equal(rq.nbatch, 0);
    free(copy);
}


static void
lists_are_read(void **state)
{
    size_t                 i;
    uint8_t               *copy;
    chat_request_t         rq;
    chat_request_error_t   e;

    static const struct {
        const char  *type;
        const char  *data;
        const char  *cursor;
        uint32_t     limit;
    } cases[] = {
        { "conversation.list", "{}", "", 50 },
        { "conversation.list", "{\"limit\":200,\"cursor\":\"a\\u002Fb\"}",
          "a/b", 200 },
        { "conversation.list", "{\"cursor\":\"" X128 "\"}", X128, 50 },
        { "member.list", "{\"conversationId\":\"a\"}", "", 200 },
        { "member.list", "{\"conversationId\":\"a\",\"cursor\":\"0\","
          "\"limit\":1000}", "0", 1000 },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        assert_int_equal(chat_test_request(&rq, cases[i].type, cases[i].data,
                                           &e, &copy),
                         CHAT_OK);
        chat_test_case(cases[i].data, rq.limit == cases[i].limit);
        chat_test_case(cases[i].data,
                       chat_test_slice_is((chat_str_t) { rq.cursor,
                                                         rq.cursor_len },
                                          cases[i].cursor));
        free(copy);
    }
}


static void
marks_are_read(void **state)
{
    size_t                 i, k;
    char                   data[128];
    uint8_t               *copy;
    chat_request_t         rq;
    chat_request_error_t   e;

    static const char *const  types[] = { "read.mark", "delivered.mark" };

    static const uint64_t  sequences[] = {
        0, 1, UINT64_C(4294967296), UINT64_C(9007199254740991)
    };

    (void) state;

    for (i = 0; i < chat_test_count(types); i++) {

        for (k = 0; k < chat_test_count(sequences); k++) {
            snprintf(data, sizeof(data), "{\"sequenceNumber\":%llu,"
                     "\"conversationId\":\"a\"}",
                     (unsigned long long) sequences[k]);

            assert_int_equal(chat_test_request(&rq, types[i], data, &e, &copy),
                             CHAT_OK);
            assert_true(chat_test_id_is(&rq.conversation, "a"));
            assert_true(rq.sequence == sequences[k]);
            free(copy);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(good_ones_are_accepted),
        cmocka_unit_test(bad_ones_are_refused_with_a_reason),
        cmocka_unit_test(positions_and_limits_are_read),
        cmocka_unit_test(lists_are_read),
        cmocka_unit_test(marks_are_read),
    };

    return cmocka_run_group_tests_name("chat_request_read", tests, NULL, NULL);
}
