#include "chat_test_request.h"


static const chat_test_request_t  accepted[] = {
    { "typing.start", "{\"conversationId\":\"a\"}", NULL },
    { "typing.stop", "{\"conversationId\":\"" X64 "\"}", NULL },

    { "presence.set", "{\"status\":\"online\"}", NULL },
    { "presence.set", "{\"status\":\"away\",\"text\":null}", NULL },
    { "presence.set", "{\"status\":\"busy\",\"text\":\"\"}", NULL },
    { "presence.set", "{\"status\":\"invisible\",\"text\":\"" X128 "\"}",
      NULL },
    { "presence.set", "{\"text\":\"at \\u006cunch\",\"status\":\"\\u0061way\"}",
      NULL },

    { "presence.subscribe", "{\"userIds\":[\"a\"]}", NULL },
    { "presence.subscribe", "{\"userIds\":[ \"a\" ,\"b\",\"a\"]}", NULL },
    { "presence.unsubscribe", "{\"userIds\":[\"" X64 "\"]}", NULL },

    { "presence.get", "{\"conversationId\":\"a\"}", NULL },
    { "presence.get", "{\"conversationId\":\"a\",\"subscribe\":null}", NULL },
    { "presence.get", "{\"conversationId\":\"a\",\"subscribe\":true}", NULL },
    { "presence.get", "{\"subscribe\":false,\"conversationId\":\"a\"}", NULL },
};


static const chat_test_request_t  refused[] = {
    { "typing.start", "{}", "\"conversationId\"" },
    { "typing.stop", "{\"conversationId\":\"a b\"}", "\"conversationId\"" },

    { "presence.set", "{}", "\"status\"" },
    { "presence.set", "{\"text\":\"x\"}", "\"status\"" },
    { "presence.set", "{\"status\":null}", "\"status\"" },
    { "presence.set", "{\"status\":\"offline\"}", "\"status\"" },
    { "presence.set", "{\"status\":\"\"}", "\"status\"" },
    { "presence.set", "{\"status\":\"Online\"}", "\"status\"" },
    { "presence.set", "{\"status\":\"o\"}", "\"status\"" },
    { "presence.set", "{\"status\":true}", "\"status\"" },
    { "presence.set", "{\"status\":[\"away\"]}", "\"status\"" },
    { "presence.set", "{\"status\":\"away\",\"status\":\"away\"}", "twice" },
    { "presence.set", "{\"status\":\"away\",\"text\":1}", "\"text\"" },
    { "presence.set", "{\"status\":\"away\",\"text\":{}}", "\"text\"" },
    { "presence.set", "{\"status\":\"away\",\"text\":\"" X128 "x\"}",
      "\"text\"" },
    { "presence.set", "{\"status\":\"away\",\"text\":\"a\\nb\"}", "\"text\"" },
    { "presence.set", "{\"status\":\"away\",\"text\":\"\\u0000\"}",
      "\"text\"" },
    { "presence.set", "{\"status\":\"away\",\"text\":\"\\u0085\"}",
      "\"text\"" },
    { "presence.set", "{\"status\":\"away\",\"text\":\"\x7f\"}", "\"text\"" },

    { "presence.subscribe", "{}", "\"userIds\"" },
    { "presence.subscribe", "{\"userIds\":[]}", "empty" },
    { "presence.subscribe", "{\"userIds\":\"a\"}", "\"userIds\"" },
    { "presence.subscribe", "{\"userIds\":[\"\"]}", "\"userIds\"" },
    { "presence.subscribe", "{\"userIds\":[null]}", "\"userIds\"" },
    { "presence.subscribe", "{\"userIds\":[\"a\",\"t/a\"]}", "\"userIds\"" },
    { "presence.unsubscribe", "{\"userIds\":[]}", "empty" },
    { "presence.unsubscribe", "{\"userIds\":{\"a\":1}}", "\"userIds\"" },

    { "presence.get", "{}", "\"conversationId\"" },
    { "presence.get", "{\"subscribe\":true}", "\"conversationId\"" },
    { "presence.get", "{\"conversationId\":\"a\",\"subscribe\":1}",
      "\"subscribe\"" },
    { "presence.get", "{\"conversationId\":\"a\",\"subscribe\":\"true\"}",
      "\"subscribe\"" },
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
a_choice_is_read(void **state)
{
    size_t                 i;
    uint8_t               *copy;
    chat_request_t         rq;
    chat_request_error_t   e;

    /* text: NULL if there is none */

    static const struct {
        const char       *data;
        chat_presence_e   status;
        const char       *text;
    } cases[] = {
        { "{\"status\":\"online\"}", CHAT_PRESENCE_ONLINE, NULL },
        { "{\"status\":\"away\",\"text\":null}", CHAT_PRESENCE_AWAY, NULL },
        { "{\"status\":\"b\\u0075sy\",\"text\":\"\"}", CHAT_PRESENCE_BUSY,
          "" },
        { "{\"status\":\"invisible\",\"text\": \"a \\\"b\\\" \\ud83d\\ude00\"}",
          CHAT_PRESENCE_INVISIBLE, "a \\\"b\\\" \\ud83d\\ude00" },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        assert_int_equal(chat_test_request(&rq, "presence.set", cases[i].data,
                                           &e, &copy),
                         CHAT_OK);

        chat_test_case(cases[i].data, rq.status == cases[i].status);
        chat_test_case(cases[i].data,
                       rq.has_status_text == (cases[i].text != NULL));
        chat_test_case(cases[i].data,
                       chat_test_slice_is(rq.status_text,
                                          cases[i].text != NULL ? cases[i].text
                                                                : ""));
        free(copy);
    }
}


/* characters are counted, not bytes, nor how they are written */

static void
a_text_has_128_characters_at_most(void **state)
{
    char                   data[4096];
    size_t                 i, k, n;
    uint8_t               *copy;
    chat_request_t         rq;
    chat_request_error_t   e;

    static const struct {
        const char  *character;
        size_t       times;
        chat_rc_e    rc;
    } cases[] = {
        { "x", 128, CHAT_OK },
        { "x", 129, CHAT_ERROR },
        { "\\u0078", 128, CHAT_OK },
        { "\\u0078", 129, CHAT_ERROR },
        { "\xc3\xa4", 128, CHAT_OK },
        { "\xc3\xa4", 129, CHAT_ERROR },
        { "\xf0\x9f\x98\x80", 128, CHAT_OK },
        { "\xf0\x9f\x98\x80", 129, CHAT_ERROR },
        { "\\ud83d\\ude00", 128, CHAT_OK },
        { "\\ud83d\\ude00", 129, CHAT_ERROR },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        n = snprintf(data, sizeof(data), "{\"status\":\"busy\",\"text\":\"");

        for (k = 0; k < cases[i].times; k++) {
            n += snprintf(data + n, sizeof(data) - n, "%s",
                          cases[i].character);
        }

        snprintf(data + n, sizeof(data) - n, "\"}");

        chat_test_case(data, chat_test_request(&rq, "presence.set", data, &e,
                                               &copy)
                             == cases[i].rc);

        if (cases[i].rc == CHAT_OK) {
            chat_test_case(data, rq.status_text.len
                                 == strlen(cases[i].character) * 128);
        }

        free(copy);
    }
}


static void
a_subscription_is_read(void **state)
{
    size_t                 i;
    uint8_t               *copy;
    chat_request_t         rq;
    chat_request_error_t   e;

    static const struct {
        const char  *data;
        bool         has_subscribe;
        bool         subscribe;
    } cases[] = {
        { "{\"conversationId\":\"a\"}", false, false },
        { "{\"conversationId\":\"a\",\"subscribe\":null}", false, false },
        { "{\"conversationId\":\"a\",\"subscribe\":false}", true, false },
        { "{\"conversationId\":\"a\",\"subscribe\":true}", true, true },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        assert_int_equal(chat_test_request(&rq, "presence.get", cases[i].data,
                                           &e, &copy),
                         CHAT_OK);
        chat_test_case(cases[i].data,
                       rq.has_subscribe == cases[i].has_subscribe);
        chat_test_case(cases[i].data, rq.subscribe == cases[i].subscribe);
        assert_true(chat_test_id_is(&rq.conversation, "a"));
        free(copy);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(good_ones_are_accepted),
        cmocka_unit_test(bad_ones_are_refused_with_a_reason),
        cmocka_unit_test(a_choice_is_read),
        cmocka_unit_test(a_text_has_128_characters_at_most),
        cmocka_unit_test(a_subscription_is_read),
    };

    return cmocka_run_group_tests_name("chat_request_read_presence", tests,
                                       NULL, NULL);
}
