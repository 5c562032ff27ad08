#include "chat_test_request.h"


#define SEND  "{\"type\":\"message.send\",\"id\":1,\"data\":"


static const chat_test_request_t  accepted[] = {
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"\"}", NULL },
    { "message.send", "{\"conversationId\":\"a\",\"clientMessageId\":\"!~/\","
      "\"content\":{\"type\":\"\"}}", NULL },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"replyTo\":\"" UUID "\"}", NULL },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"replyTo\":null,\"attachments\":null}", NULL },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"replyTo\":\"ffffffff-ffff-4fff-ffff-ffffffffffff\"}", NULL },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"attachments\":[]}", NULL },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"attachments\":[{\"url\":\"/i/1.png\"}]}", NULL },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"attachments\":[{\"id\":\"f1\",\"url\":null,\"size\":1e3},{"
      "\"url\":\"x\",\"id\":\"y\"}]}", NULL },

    { "message.edit", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"content\":\"x\"}", NULL },
    { "message.edit", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"content\":{\"type\":\"t\"}}", NULL },
    { "message.delete", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\"}",
      NULL },
    { "message.delete", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"content\":1}", NULL },

    { "reaction.add", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"emoji\":\"\xf0\x9f\x91\x8d\"}", NULL },
    { "reaction.add", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"emoji\":\"\\ud83d\\udc4d\\ud83c\\udffd\"}", NULL },
    { "reaction.remove", "{\"conversationId\":\"a\",\"messageId\":\"" UUID
      "\",\"emoji\":\"+1\"}", NULL },
    { "reaction.add", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"emoji\":\"" X64 "\"}", NULL },
};


static const chat_test_request_t  refused[] = {
    { "message.send", "{\"content\":\"x\"}", "\"conversationId\"" },
    { "message.send", "{\"conversationId\":\"a\"}", "\"content\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":null}",
      "\"content\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":1}",
      "\"content\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":[\"x\"]}",
      "\"content\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":{}}",
      "\"type\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":{\"type\":1}}",
      "\"type\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":{\"type\":\"a\","
      "\"type\":\"b\"}}", "\"type\"" },
    { "message.edit", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\"}",
      "\"content\"" },
    { "message.edit", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"content\":null}", "\"content\"" },
    { "message.edit", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"content\":1}", "\"content\"" },
    { "message.edit", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"content\":[\"x\"]}", "\"content\"" },
    { "message.edit", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"content\":{}}", "\"type\"" },
    { "message.edit", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"content\":{\"type\":1}}", "\"type\"" },
    { "message.edit", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"content\":{\"type\":\"a\",\"type\":\"b\"}}", "\"type\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"clientMessageId\":\"\"}", "\"clientMessageId\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"clientMessageId\":\"a b\"}", "\"clientMessageId\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"clientMessageId\":\" " UUID "\"}", "\"clientMessageId\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"clientMessageId\":\"" X64 "x\"}", "\"clientMessageId\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"clientMessageId\":\"\\u00e4\"}", "\"clientMessageId\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"clientMessageId\":17}", "\"clientMessageId\"" },

    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"replyTo\":\"\"}", "\"replyTo\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"replyTo\":1}", "\"replyTo\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"replyTo\":\"" UUID "0\"}", "\"replyTo\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"replyTo\":\"017F22E2-79B0-7CC3-98C4-DC0C0C07398F\"}", "\"replyTo\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"replyTo\":\"017f22e279b07cc398c4dc0c0c07398f\"}", "\"replyTo\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"replyTo\":\"017f22e2-79b0-7cc3-98c4-dc0c0c07398g\"}", "\"replyTo\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"replyTo\":\"017f22e2-79b0-7cc3-98c4_dc0c0c07398f\"}", "\"replyTo\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"replyTo\":[\"" UUID "\"]}", "\"replyTo\"" },
    { "message.edit", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"emoji\":\"y\"}", "\"messageId\"" },
    { "message.edit", "{\"messageId\":\"" UUID "\",\"content\":\"x\","
      "\"emoji\":\"y\"}", "\"conversationId\"" },
    { "message.edit", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"emoji\":\"y\",\"messageId\":null}", "\"messageId\"" },
    { "message.delete", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"emoji\":\"y\"}", "\"messageId\"" },
    { "message.delete", "{\"messageId\":\"" UUID "\",\"content\":\"x\","
      "\"emoji\":\"y\"}", "\"conversationId\"" },
    { "message.delete", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"emoji\":\"y\",\"messageId\":null}", "\"messageId\"" },
    { "reaction.add", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"emoji\":\"y\"}", "\"messageId\"" },
    { "reaction.add", "{\"messageId\":\"" UUID "\",\"content\":\"x\","
      "\"emoji\":\"y\"}", "\"conversationId\"" },
    { "reaction.add", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"emoji\":\"y\",\"messageId\":null}", "\"messageId\"" },
    { "reaction.remove", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"emoji\":\"y\"}", "\"messageId\"" },
    { "reaction.remove", "{\"messageId\":\"" UUID "\",\"content\":\"x\","
      "\"emoji\":\"y\"}", "\"conversationId\"" },
    { "reaction.remove", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"emoji\":\"y\",\"messageId\":null}", "\"messageId\"" },
    { "message.delete", "{\"conversationId\":\"a\",\"messageId\":\"\"}",
      "\"messageId\"" },
    { "message.delete", "{\"conversationId\":\"a\",\"messageId\":1}",
      "\"messageId\"" },
    { "message.delete", "{\"conversationId\":\"a\",\"messageId\":\"" UUID
      "0\"}", "\"messageId\"" },
    { "message.delete", "{\"conversationId\":\"a\","
      "\"messageId\":\"017F22E2-79B0-7CC3-98C4-DC0C0C07398F\"}",
      "\"messageId\"" },
    { "message.delete", "{\"conversationId\":\"a\","
      "\"messageId\":\"017f22e279b07cc398c4dc0c0c07398f\"}", "\"messageId\"" },
    { "message.delete", "{\"conversationId\":\"a\","
      "\"messageId\":\"017f22e2-79b0-7cc3-98c4-dc0c0c07398g\"}",
      "\"messageId\"" },
    { "message.delete", "{\"conversationId\":\"a\","
      "\"messageId\":\"017f22e2-79b0-7cc3-98c4_dc0c0c07398f\"}",
      "\"messageId\"" },
    { "message.delete", "{\"conversationId\":\"a\",\"messageId\":[\"" UUID
      "\"]}", "\"messageId\"" },
    { "message.delete", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"messageId\":\"" UUID "\"}", "twice" },

    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"attachments\":{}}", "\"attachments\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"attachments\":\"x\"}", "\"attachments\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"attachments\":[\"x\"]}", "\"attachments\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"attachments\":[null]}", "\"attachments\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"attachments\":[{}]}", "\"attachments\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"attachments\":[[]]}", "\"attachments\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"attachments\":[{\"url\":\"\"}]}", "\"attachments\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"attachments\":[{\"url\":1}]}", "\"attachments\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"attachments\":[{\"id\":[\"a\"]}]}", "\"attachments\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"attachments\":[{\"url\":null,\"id\":null}]}", "\"attachments\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"attachments\":[{\"url\":\"\\u0000\"}]}", "\"attachments\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"attachments\":[{\"url\":\"a\",\"url\":\"a\"}]}", "\"attachments\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"attachments\":[{\"url\":\"a\"},{\"id\":\"b\",\"url\":\"\"}]}",
      "\"attachments\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"attachments\":[{\"url\":\"a\",\"id\":2}]}", "\"attachments\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"attachments\":[],\"attachments\":[]}", "twice" },

    { "reaction.add", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\"}",
      "\"emoji\"" },
    { "reaction.add", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"emoji\":null}", "\"emoji\"" },
    { "reaction.remove", "{\"conversationId\":\"a\",\"messageId\":\"" UUID
      "\"}", "\"emoji\"" },
    { "reaction.remove", "{\"conversationId\":\"a\",\"messageId\":\"" UUID
      "\",\"emoji\":null}", "\"emoji\"" },
    { "reaction.add", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"emoji\":\"\"}", "\"emoji\"" },
    { "reaction.add", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"emoji\":1}", "\"emoji\"" },
    { "reaction.add", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"emoji\":\"" X64 "x\"}", "\"emoji\"" },
    { "reaction.add", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"emoji\":\"a b\"}", "\"emoji\"" },
    { "reaction.add", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"emoji\":\" \"}", "\"emoji\"" },
    { "reaction.add", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"emoji\":\"\\u00a0\"}", "\"emoji\"" },
    { "reaction.add", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"emoji\":\"\\u2028\"}", "\"emoji\"" },
    { "reaction.add", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"emoji\":\"\\u3000\"}", "\"emoji\"" },
    { "reaction.add", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"emoji\":\"\\u0000\"}", "\"emoji\"" },
    { "reaction.add", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"emoji\":\"\\n\"}", "\"emoji\"" },
    { "reaction.add", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"emoji\":\"\\u007f\"}", "\"emoji\"" },
    { "reaction.add", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"emoji\":\"\\u0085\"}", "\"emoji\"" },
    { "reaction.add", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"emoji\":\"\\\"\"}", "\"emoji\"" },
    { "reaction.add", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"emoji\":\"\\\\\"}", "\"emoji\"" },
    { "reaction.add", "{\"conversationId\":\"a\",\"messageId\":\"" UUID "\","
      "\"emoji\":[\"x\"]}", "\"emoji\"" },
    { "reaction.remove", "{\"conversationId\":\"a\",\"messageId\":\"" UUID
      "\",\"emoji\":\"x\",\"emoji\":\"x\"}", "twice" },
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
messages_are_read(void **state)
{
    size_t                 i;
    uint8_t               *copy;
    chat_request_t         rq;
    chat_request_error_t   e;

    static const struct {
        const char  *type;
        const char  *data;
        const char  *message;
        const char  *reply_to;
        const char  *content;
        const char  *emoji;
        const char  *attachments;
        uint32_t     nattachments;
    } cases[] = {
        { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
          "\"replyTo\":\"" UUID "\",\"attachments\": [ {\"n\":0.10,"
          "\"url\":\"\\/u\"},{\"id\":\"1\"}] }",
          "", UUID, "\"x\"", "",
          "[ {\"n\":0.10,\"url\":\"\\/u\"},{\"id\":\"1\"}]", 2 },
        { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
          "\"attachments\":[ ]}", "", "", "\"x\"", "", "", 0 },
        { "message.edit", "{\"conversationId\":\"a\",\"messageId\":\""
          UUID "\",\"content\":{\"type\":\"t\", \"n\":1e2}}",
          UUID, "", "{\"type\":\"t\", \"n\":1e2}", "", "", 0 },
        { "message.delete", "{\"conversationId\":\"a\",\"messageId\":"
          "\"017f22e2-79b0-7cc3-98c4-dc0c0c07398\\u0066\",\"content\":\"x\"}",
          UUID, "", "", "", "", 0 },
        { "reaction.add", "{\"conversationId\":\"a\",\"messageId\":\""
          UUID "\",\"emoji\":\"\\u2764\\ufe0f\"}",
          UUID, "", "", "\xe2\x9d\xa4\xef\xb8\x8f", "", 0 },
        { "reaction.remove", "{\"conversationId\":\"a\",\"messageId\":\""
          UUID "\",\"emoji\":\"" X64 "\"}", UUID, "", "", X64, "", 0 },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        assert_int_equal(chat_test_request(&rq, cases[i].type, cases[i].data,
                                           &e, &copy),
                         CHAT_OK);
        chat_test_case(cases[i].data, chat_test_id_is(&rq.conversation, "a"));
        chat_test_case(cases[i].data,
                       chat_test_id_is(&rq.message, cases[i].message));
        chat_test_case(cases[i].data,
                       chat_test_id_is(&rq.reply_to, cases[i].reply_to));
        chat_test_case(cases[i].data,
                       chat_test_slice_is(rq.content.raw, cases[i].content));
        chat_test_case(cases[i].data,
                       chat_test_slice_is((chat_str_t) { rq.emoji,
                                                         rq.emoji_len },
                                          cases[i].emoji));
        chat_test_case(cases[i].data,
                       chat_test_slice_is(rq.attachments.raw,
                                          cases[i].attachments));
        chat_test_case(cases[i].data,
                       rq.nattachments == cases[i].nattachments);
        free(copy);
    }
}


static void
content_keeps_its_bytes(void **state)
{
    char                   text[512];
    size_t                 i, n;
    uint8_t               *copy;
    chat_request_t         rq;
    chat_request_error_t   e;

    static const char *const  contents[] = {
        "\"\"", "\"\\uD83d\\ude00\\u0000\"", "\"\xe2\x80\xa8 \\/ \\u00E4\"",
        "{\"type\":\"x\",\"n\":[0.1,1e2,12345678901234567890,-0,1.0]}",
        "{ \"b\":1,\"a\":2,\n\t\"type\" : \"\\u0078\" , \"b\":3 }",
    };

    (void) state;

    for (i = 0; i < chat_test_count(contents); i++) {
        n = snprintf(text, sizeof(text),
                     SEND "{\"conversationId\":\"a\",\"content\": %s }}",
                     contents[i]);

        assert_int_equal(chat_test_parse(&rq, text, n, &e, &copy), CHAT_OK);
        assert_true(chat_test_slice_is(rq.content.raw, contents[i]));
        free(copy);
    }
}


/* of what is given as a JSON object or array around it */

static void
nesting_is_bounded(const char *before, const char *after, unsigned around)
{
    char                   data[512];
    size_t                 n;
    uint8_t               *copy;
    unsigned               depth, i;
    chat_request_t         rq;
    chat_request_error_t   e;

    for (depth = around; depth <= 62; depth++) {
        n = snprintf(data, sizeof(data), "{\"conversationId\":\"a\",%s",
                     before);

        for (i = around; i < depth; i++) {
            data[n++] = '[';
        }

        data[n++] = '1';

        for (i = around; i < depth; i++) {
            data[n++] = ']';
        }

        snprintf(data + n, sizeof(data) - n, "%s}", after);

        if (depth <= CHAT_REQUEST_MAX_DEPTH) {
            assert_int_equal(chat_test_request(&rq, "message.send", data, &e,
                                               &copy),
                             CHAT_OK);

        } else {
            assert_int_equal(chat_test_request(&rq, "message.send", data, &e,
                                               &copy),
                             CHAT_ERROR);
            assert_non_null(strstr(e.message, "deep"));

            /* whom to answer is still known */

            assert_true(chat_test_slice_is(rq.id, "1"));
        }

        free(copy);
    }
}


static void
content_and_attachments_are_nested_32_deep_at_most(void **state)
{
    (void) state;

    nesting_is_bounded("\"content\":{\"type\":\"x\",\"a\":", "}", 1);
    nesting_is_bounded("\"content\":\"x\",\"attachments\":[{\"url\":\"x\","
                       "\"a\":", "}]", 2);
}


/* a request with attachments as given: `count` of them, of which the first has
   a reference of `len` bytes, and white space up to `size` bytes in all */

static chat_rc_e
send_attachments(const char *member, unsigned count, size_t len, size_t size,
    chat_request_t *rq, chat_request_error_t *e)
{
    char       *data;
    size_t      n, start;
    uint8_t    *copy;
    unsigned    i;
    chat_rc_e   rc;

    data = malloc(32768);
    assert_non_null(data);

    n = snprintf(data, 32768, "{\"conversationId\":\"a\",\"content\":\"x\","
                 "\"attachments\":");
    start = n;
    n += snprintf(data + n, 32768 - n, "[{\"%s\":\"", member);
    memset(data + n, 'x', len);
    n += len;
    n += snprintf(data + n, 32768 - n, "\"}");

    for (i = 1; i < count; i++) {
        n += snprintf(data + n, 32768 - n, ",{\"%s\":\"y\"}", member);
    }

    while (n - start + 1 < size) {
        data[n++] = ' ';
    }

    snprintf(data + n, 32768 - n, "]}");

    rc = chat_test_request(rq, "message.send", data, e, &copy);

    free(copy);
    free(data);

    return rc;
}


static void
attachments_are_bounded(void **state)
{
    size_t                 i;
    chat_request_t         rq;
    chat_request_error_t   e;

    static const struct {
        const char  *member;
        unsigned     count;
        size_t       len;
        size_t       size;
        const char  *names;             /* NULL: it is good */
    } cases[] = {
        { "url", 50, 1, 0, NULL },
        { "url", 51, 1, 0, "50" },
        { "url", 1, 2048, 0, NULL },
        { "url", 1, 2049, 0, "2048" },
        { "id", 1, 2048, 0, NULL },
        { "id", 1, 2049, 0, "2048" },
        { "id", 50, 2048, 16384, NULL },
        { "id", 50, 2048, 16385, "16384" },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {

        if (cases[i].names == NULL) {
            assert_int_equal(send_attachments(cases[i].member, cases[i].count,
                                              cases[i].len, cases[i].size,
                                              &rq, &e),
                             CHAT_OK);
            assert_int_equal(rq.nattachments, cases[i].count);
            continue;
        }

        assert_int_equal(send_attachments(cases[i].member, cases[i].count,
                                          cases[i].len, cases[i].size,
                                          &rq, &e),
                         CHAT_ERROR);
        assert_non_null(strstr(e.message, cases[i].names));
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(good_ones_are_accepted),
        cmocka_unit_test(bad_ones_are_refused_with_a_reason),
        cmocka_unit_test(messages_are_read),
        cmocka_unit_test(content_keeps_its_bytes),
        cmocka_unit_test(content_and_attachments_are_nested_32_deep_at_most),
        cmocka_unit_test(attachments_are_bounded),
    };

    return cmocka_run_group_tests_name("chat_request_read_message", tests, NULL,
                                       NULL);
}
