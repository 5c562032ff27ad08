#include "chat_test_request.h"


#define JOIN    "{\"type\":\"conversation.join\",\"id\":1,\"data\":"
#define CREATE  "{\"type\":\"conversation.create\",\"id\":1,\"data\":"


static const chat_test_request_t  accepted[] = {
    { "conversation.join", "{\"conversationId\":\"a\"}", NULL },
    { "conversation.join", "{\"conversationId\":\"a\","
      "\"afterRevision\":9007199254740991,\"conversations\":null}", NULL },
    { "conversation.join", "{\"conversations\":[{\"conversationId\":\"a\"},{"
      "\"afterRevision\":3,\"conversationId\":\"b\",\"x\":1},{"
      "\"conversationId\":\"c\",\"afterRevision\":null}]}", NULL },

    { "conversation.create", "{\"type\":\"group\"}", NULL },
    { "conversation.create", "{\"type\":\"channel\",\"conversationId\":\""
      X64 "\",\"name\":\"" X128 "\",\"members\":[]}", NULL },
    { "conversation.create", "{\"type\":\"group\",\"clientId\":\"" UUID "\","
      "\"members\":[\"a\",\"b\"]}", NULL },
    { "conversation.create", "{\"type\":\"dm\",\"members\":[\"b\"],"
      "\"name\":null}", NULL },

    { "conversation.update", "{\"conversationId\":\"a\",\"name\":\"x\"}",
      NULL },
    { "conversation.update", "{\"conversationId\":\"a\",\"name\":\"" X128 "\"}",
      NULL },
    { "conversation.update", "{\"conversationId\":\"a\",\"description\":\"\"}",
      NULL },
    { "conversation.update", "{\"conversationId\":\"a\","
      "\"description\":\"a\\nb\"}", NULL },
    { "conversation.update", "{\"conversationId\":\"a\",\"readOnly\":true}",
      NULL },
    { "conversation.update", "{\"conversationId\":\"a\",\"readOnly\":false}",
      NULL },
    { "conversation.update", "{\"conversationId\":\"a\",\"slowMode\":0}",
      NULL },
    { "conversation.update", "{\"conversationId\":\"a\",\"slowMode\":21600}",
      NULL },
    { "conversation.update", "{\"conversationId\":\"a\",\"name\":null,"
      "\"slowMode\":1}", NULL },
    { "conversation.update", "{\"conversationId\":\"a\",\"name\":\"x\","
      "\"description\":\"y\",\"readOnly\":true,\"slowMode\":5}", NULL },
};


static const chat_test_request_t  refused[] = {
    { "conversation.join", "{}", "\"conversationId\"" },
    { "conversation.join", "{\"conversationId\":\"\"}", "\"conversationId\"" },
    { "conversation.join", "{\"conversationId\":\"a/b\"}",
      "\"conversationId\"" },
    { "conversation.join", "{\"conversationId\":\"" X64 "x\"}",
      "\"conversationId\"" },
    { "conversation.join", "{\"conversationId\":1}", "\"conversationId\"" },
    { "conversation.join", "{\"conversationId\":\"a\",\"afterRevision\":-1}",
      "\"afterRevision\"" },
    { "conversation.join", "{\"conversationId\":\"a\","
      "\"afterRevision\":9007199254740992}", "\"afterRevision\"" },
    { "conversation.join", "{\"conversationId\":\"a\",\"afterRevision\":\"1\"}",
      "\"afterRevision\"" },
    { "conversation.join", "{\"conversations\":{}}", "\"conversations\"" },
    { "conversation.join", "{\"conversations\":[]}", "\"conversations\"" },
    { "conversation.join", "{\"conversations\":[\"a\"]}",
      "\"conversations\"" },
    { "conversation.join", "{\"conversations\":[{}]}", "\"conversations\"" },
    { "conversation.join", "{\"conversations\":[{\"conversationId\":\"a\"},{"
      "\"conversationId\":\"b\",\"afterRevision\":1.5}]}",
      "\"conversations\"" },
    { "conversation.join", "{\"conversations\":[{\"conversationId\":\"a\","
      "\"conversationId\":\"a\"}]}", "\"conversations\"" },
    { "conversation.join", "{\"conversations\":[{\"conversationId\":\"a\"}],"
      "\"conversationId\":\"a\"}", "\"conversations\"" },
    { "conversation.join", "{\"conversations\":[{\"conversationId\":\"a\"}],"
      "\"afterRevision\":1}", "\"conversations\"" },

    { "conversation.create", "{}", "\"type\"" },
    { "conversation.create", "{\"type\":\"room\"}", "\"type\"" },
    { "conversation.create", "{\"type\":1}", "\"type\"" },
    { "conversation.create", "{\"type\":\"group\",\"conversationId\":\"a b\"}",
      "\"conversationId\"" },
    { "conversation.create", "{\"type\":\"group\",\"clientId\":\"a\"}",
      "UUIDv7" },
    { "conversation.create", "{\"type\":\"group\","
      "\"clientId\":\"017f22e2-79b0-4cc3-98c4-dc0c0c07398f\"}", "UUIDv7" },
    { "conversation.create", "{\"type\":\"group\",\"clientId\":7}", "UUIDv7" },
    { "conversation.create", "{\"type\":\"group\",\"clientId\":\"" UUID "\","
      "\"conversationId\":\"a\"}", "\"clientId\"" },
    { "conversation.create", "{\"type\":\"group\",\"name\":\"\"}",
      "\"name\"" },
    { "conversation.create", "{\"type\":\"group\",\"name\":\"" X128 "x\"}",
      "\"name\"" },
    { "conversation.create", "{\"type\":\"group\",\"name\":\"a\\nb\"}",
      "\"name\"" },
    { "conversation.create", "{\"type\":\"group\",\"name\":\"\\u0085\"}",
      "\"name\"" },
    { "conversation.create", "{\"type\":\"group\",\"name\":\"\\u0000\"}",
      "\"name\"" },
    { "conversation.create", "{\"type\":\"group\",\"name\":\"\\u007f\"}",
      "\"name\"" },
    { "conversation.create", "{\"type\":\"group\",\"name\":5}", "\"name\"" },
    { "conversation.create", "{\"type\":\"dm\"}", "\"members\"" },
    { "conversation.create", "{\"type\":\"dm\",\"members\":[]}",
      "\"members\"" },
    { "conversation.create", "{\"type\":\"dm\",\"members\":[\"a\",\"b\"]}",
      "\"members\"" },
    { "conversation.create", "{\"type\":\"dm\",\"members\":[\"a\"],"
      "\"name\":\"x\"}", "\"name\"" },
    { "conversation.create", "{\"type\":\"dm\",\"members\":[\"a\"],"
      "\"conversationId\":\"x\"}", "\"conversationId\"" },

    { "conversation.update", "{\"name\":\"x\"}", "\"conversationId\"" },
    { "conversation.update", "{\"conversationId\":\"a\"}", "nothing" },
    { "conversation.update", "{\"conversationId\":\"a\",\"x\":1}", "nothing" },
    { "conversation.update", "{\"conversationId\":\"a\",\"name\":null,"
      "\"description\":null,\"readOnly\":null,\"slowMode\":null}", "nothing" },
    { "conversation.update", "{\"conversationId\":\"a\",\"name\":\"\"}",
      "\"name\"" },
    { "conversation.update", "{\"conversationId\":\"a\",\"name\":\"" X128
      "x\"}", "\"name\"" },
    { "conversation.update", "{\"conversationId\":\"a\",\"name\":\"a\\nb\"}",
      "\"name\"" },
    { "conversation.update", "{\"conversationId\":\"a\",\"name\":\"\\u0085\"}",
      "\"name\"" },
    { "conversation.update", "{\"conversationId\":\"a\",\"name\":\"\\u0000\"}",
      "\"name\"" },
    { "conversation.update", "{\"conversationId\":\"a\",\"name\":\"\\u007f\"}",
      "\"name\"" },
    { "conversation.update", "{\"conversationId\":\"a\",\"name\":5}",
      "\"name\"" },
    { "conversation.update", "{\"conversationId\":\"a\",\"description\":1}",
      "\"description\"" },
    { "conversation.update", "{\"conversationId\":\"a\",\"description\":[]}",
      "\"description\"" },
    { "conversation.update", "{\"conversationId\":\"a\","
      "\"description\":\"a\\tb\"}", "\"description\"" },
    { "conversation.update", "{\"conversationId\":\"a\","
      "\"description\":\"a\\rb\"}", "\"description\"" },
    { "conversation.update", "{\"conversationId\":\"a\","
      "\"description\":\"\\u0000\"}", "\"description\"" },
    { "conversation.update", "{\"conversationId\":\"a\","
      "\"description\":\"\\u007f\"}", "\"description\"" },
    { "conversation.update", "{\"conversationId\":\"a\","
      "\"description\":\"\\u0085\"}", "\"description\"" },
    { "conversation.update", "{\"conversationId\":\"a\",\"readOnly\":1}",
      "\"readOnly\"" },
    { "conversation.update", "{\"conversationId\":\"a\",\"readOnly\":0}",
      "\"readOnly\"" },
    { "conversation.update", "{\"conversationId\":\"a\",\"readOnly\":\"true\"}",
      "\"readOnly\"" },
    { "conversation.update", "{\"conversationId\":\"a\",\"readOnly\":[]}",
      "\"readOnly\"" },
    { "conversation.update", "{\"conversationId\":\"a\",\"readOnly\":{}}",
      "\"readOnly\"" },
    { "conversation.update", "{\"conversationId\":\"a\",\"slowMode\":21601}",
      "\"slowMode\"" },
    { "conversation.update", "{\"conversationId\":\"a\",\"slowMode\":-1}",
      "\"slowMode\"" },
    { "conversation.update", "{\"conversationId\":\"a\",\"slowMode\":1.5}",
      "\"slowMode\"" },
    { "conversation.update", "{\"conversationId\":\"a\",\"slowMode\":\"5\"}",
      "\"slowMode\"" },
    { "conversation.update", "{\"conversationId\":\"a\",\"slowMode\":true}",
      "\"slowMode\"" },
    { "conversation.update", "{\"conversationId\":\"a\","
      "\"slowMode\":9007199254740992}", "\"slowMode\"" },
    { "conversation.update", "{\"conversationId\":\"a\","
      "\"slowMode\":4294967296}", "\"slowMode\"" },
    { "conversation.update", "{\"conversationId\":\"a\",\"slowMode\":1,"
      "\"slowMode\":1}", "twice" },
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
a_batch_of_joins_is_read_again(void **state)
{
    char                   text[16384];
    bool                   has_after;
    size_t                 n;
    uint8_t               *copy;
    uint64_t               after;
    unsigned               count, i;
    chat_json_t            element;
    chat_request_t         rq;
    chat_json_iter_t       it;
    chat_request_id_t      id;
    chat_request_error_t   e;

    (void) state;

    for (count = 200; count <= 201; count++) {
        n = snprintf(text, sizeof(text), JOIN "{\"conversations\":[");

        for (i = 0; i < count; i++) {
            n += snprintf(text + n, sizeof(text) - n,
                          "%s{\"conversationId\":\"c%u\"", i ? "," : "", i);

            if (i % 2 == 1) {
                n += snprintf(text + n, sizeof(text) - n,
                              ",\"afterRevision\":%u", i * 3);
            }

            n += snprintf(text + n, sizeof(text) - n, "}");
        }

        n += snprintf(text + n, sizeof(text) - n, "]}}");

        if (count == 201) {
            assert_int_equal(chat_test_parse(&rq, text, n, &e, &copy),
                             CHAT_ERROR);
            free(copy);
            continue;
        }

        assert_int_equal(chat_test_parse(&rq, text, n, &e, &copy), CHAT_OK);
        assert_int_equal(rq.nbatch, 200);

        chat_json_iter(&it, &rq.batch);

        for (i = 0; i < count; i++) {
            assert_int_equal(chat_json_next_element(&it, &element), CHAT_OK);
            chat_request_read_join(&element, &id, &after, &has_after);

            n = snprintf(text, sizeof(text), "c%u", i);
            assert_true(chat_test_id_is(&id, text));
            assert_int_equal(has_after, i % 2 == 1);
            assert_int_equal(after, i % 2 == 1 ? i * 3 : 0);
        }

        free(copy);
    }
}


static void
what_was_not_accepted_reads_as_nothing(void **state)
{
    bool               has_after;
    uint64_t           after;
    chat_json_t        value;
    const char        *reason;
    chat_request_id_t  id;

    (void) state;

    assert_int_equal(chat_json_parse(chat_str("{\"conversationId\":\"a\","
                                              "\"conversationId\":\"b\"}"),
                                     2, &value, &reason),
                     CHAT_OK);
    chat_request_read_join(&value, &id, &after, &has_after);
    assert_int_equal(id.len, 0);
    assert_false(has_after);

    assert_int_equal(chat_json_parse(chat_str("\"a b\""), 2, &value, &reason),
                     CHAT_OK);
    chat_request_read_id(&value, &id);
    assert_int_equal(id.len, 0);
}


static void
creations_are_read(void **state)
{
    size_t                 i;
    uint8_t               *copy;
    chat_request_t         rq;
    chat_request_error_t   e;

    static const struct {
        const char                *text;
        chat_conversation_type_e   type;
        const char                *conversation;
        const char                *client;
        const char                *name;
        uint32_t                   nmembers;
    } cases[] = {
        { CREATE "{\"type\":\"group\",\"name\":\"Gr\\u00fc\xc3\x9f" "e\","
          "\"members\":[\"a\",\"b\"],\"clientId\":\"" UUID "\"}}",
          CHAT_CONVERSATION_GROUP, "", UUID, "Gr\xc3\xbc\xc3\x9f" "e", 2 },
        { CREATE "{\"type\":\"ch\\u0061nnel\",\"conversationId\":\"news\"}}",
          CHAT_CONVERSATION_CHANNEL, "news", "", "", 0 },
        { CREATE "{\"type\":\"dm\",\"members\":[\"b\"]}}",
          CHAT_CONVERSATION_DM, "", "", "", 1 },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        assert_int_equal(chat_test_parse(&rq, cases[i].text,
                                         strlen(cases[i].text), &e, &copy),
                         CHAT_OK);
        assert_int_equal(rq.conversation_type, cases[i].type);
        assert_true(chat_test_id_is(&rq.conversation, cases[i].conversation));
        assert_true(chat_test_id_is(&rq.client, cases[i].client));
        assert_int_equal(rq.has_name, cases[i].name[0] != '\0');
        assert_true(chat_test_slice_is((chat_str_t) { rq.name, rq.name_len },
                             cases[i].name));
        assert_int_equal(rq.nmembers, cases[i].nmembers);
        free(copy);
    }
}


static void
updates_are_read(void **state)
{
    size_t                 i, len;
    uint8_t               *copy, text[CHAT_REQUEST_MAX_DESCRIPTION];
    chat_request_t         rq;
    chat_request_error_t   e;

    /* NULL and -1: not given */

    static const struct {
        const char  *data;
        const char  *name;
        const char  *description;
        int          read_only;
        int          slow_mode;
    } cases[] = {
        { "{\"conversationId\":\"a\",\"name\":\"Gr\\u00fc\xc3\x9f\"}",
          "Gr\xc3\xbc\xc3\x9f", NULL, -1, -1 },
        { "{\"conversationId\":\"a\",\"description\":\"\"}",
          NULL, "", -1, -1 },
        { "{\"conversationId\":\"a\",\"description\":\"1\\n\\u0032\"}",
          NULL, "1\n2", -1, -1 },
        { "{\"conversationId\":\"a\",\"readOnly\":true}",
          NULL, NULL, 1, -1 },
        { "{\"conversationId\":\"a\",\"slowMode\":21600,\"readOnly\":false}",
          NULL, NULL, 0, 21600 },
        { "{\"conversationId\":\"a\",\"slowMode\":0}",
          NULL, NULL, -1, 0 },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        assert_int_equal(chat_test_request(&rq, "conversation.update",
                                           cases[i].data, &e, &copy),
                         CHAT_OK);

        chat_test_case(cases[i].data, rq.has_name == (cases[i].name != NULL));
        chat_test_case(cases[i].data,
                       chat_test_slice_is((chat_str_t) { rq.name, rq.name_len },
                                          rq.has_name ? cases[i].name : ""));

        chat_test_case(cases[i].data, rq.has_description
                                      == (cases[i].description != NULL));

        if (rq.has_description) {
            assert_int_equal(chat_json_get_string(&rq.description, text,
                                                  sizeof(text), &len),
                             CHAT_OK);
            chat_test_case(cases[i].data,
                           chat_test_slice_is((chat_str_t) { text, len },
                                              cases[i].description));
        }

        chat_test_case(cases[i].data,
                       (rq.has_read_only ? rq.read_only : -1)
                       == cases[i].read_only);
        chat_test_case(cases[i].data,
                       (rq.has_slow_mode ? (int) rq.slow_mode : -1)
                       == cases[i].slow_mode);
        free(copy);
    }
}


/* its escapes are not counted, what they stand for is */

static void
a_description_has_1024_bytes_at_most(void **state)
{
    char                   data[1280];
    size_t                 i, n;
    uint8_t               *copy;
    chat_request_t         rq;
    chat_request_error_t   e;

    static const struct {
        size_t       len;
        const char  *more;
        chat_rc_e    rc;
    } cases[] = {
        { 1024, "", CHAT_OK },
        { 1025, "", CHAT_ERROR },
        { 1021, "\\u20ac", CHAT_OK },
        { 1022, "\\u20ac", CHAT_ERROR },
        { 1023, "\\n", CHAT_OK },
        { 1024, "\\n", CHAT_ERROR },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        n = snprintf(data, sizeof(data),
                     "{\"conversationId\":\"a\",\"description\":\"");
        memset(data + n, 'x', cases[i].len);
        n += cases[i].len;
        snprintf(data + n, sizeof(data) - n, "%s\"}", cases[i].more);

        assert_int_equal(chat_test_request(&rq, "conversation.update", data,
                                           &e, &copy),
                         cases[i].rc);
        free(copy);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(good_ones_are_accepted),
        cmocka_unit_test(bad_ones_are_refused_with_a_reason),
        cmocka_unit_test(a_batch_of_joins_is_read_again),
        cmocka_unit_test(what_was_not_accepted_reads_as_nothing),
        cmocka_unit_test(creations_are_read),
        cmocka_unit_test(updates_are_read),
        cmocka_unit_test(a_description_has_1024_bytes_at_most),
    };

    return cmocka_run_group_tests_name("chat_request_read_conversation",
                                       tests, NULL, NULL);
}
